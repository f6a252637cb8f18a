"""Tasks: works on images as their owners see them."""

import datetime as dt
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import NotFound
from cairn.glance.db.data import Task, Work

RUNNER = "glance"  # The worker's name as a runner of works.
STATES = ("pending", "processing", "success", "failure")


class TaskNotFound(NotFound):
    message = "No task found with ID {id}"


def start(
    session: Session, ctx: Context, *, type: str, kind: str, image_id: str,
    input: dict[str, Any], args: dict[str, Any],
) -> Task:
    """Write a task and its work. Ring the worker after the commit."""
    task = Task(
        type=type, owner=ctx.project, image_id=image_id, request_id=ctx.request_id,
        user_id=ctx.user_id, input=input, status="pending",
    )
    session.add(task)
    session.flush()
    ledger.add(session, ctx, Work, kind=kind, subject=image_id, runner=RUNNER,
               args={**args, "task": task.id})
    return task


def set_state(session: Session, task_id: str, status: str, **values: Any) -> None:
    session.execute(
        update(Task).where(Task.id == task_id, Task.status.not_in(("success", "failure")))
        .values(status=status, **values))


def close(session: Session, task_id: str, status: str, hours: int, **values: Any) -> None:
    set_state(session, task_id, status, expires_at=utcnow() + dt.timedelta(hours=hours), **values)


def find(session: Session, ctx: Context, task_id: str) -> Task:
    wanted = select(Task).where(Task.id == task_id, _unexpired())
    if not ctx.is_admin:
        wanted = wanted.where(Task.owner == ctx.project)
    task = session.scalar(wanted)
    if task is None:
        raise TaskNotFound(id=task_id)
    return task


def of_image(session: Session, image_id: str) -> list[Task]:
    return list(session.scalars(
        select(Task).where(Task.image_id == image_id, _unexpired())
        .order_by(Task.created_at.desc(), Task.id)))


def visible(ctx: Context) -> Any:
    wanted = select(Task).where(_unexpired())
    return wanted if ctx.is_admin else wanted.where(Task.owner == ctx.project)


def _unexpired() -> Any:
    return or_(Task.expires_at.is_(None), Task.expires_at > utcnow())
