"""Tasks: works on images as their owners see them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, NotFound
from cairn.common.listing import Page, order_keys, paginate
from cairn.glance.component import Glance
from cairn.glance.core import notices
from cairn.glance.core.listing import read_values
from cairn.glance.db.data import Task, Work

RUNNER = "glance"  # The worker's name as a runner of works.
STATES = ("pending", "processing", "success", "failure")
TYPES = ("import", "api_image_import", "location_import")

SORTABLE: dict[str, ColumnElement[Any]] = {
    name: getattr(Task, name)
    for name in ("created_at", "updated_at", "expires_at", "id", "type", "status")}


class TaskNotFound(NotFound):
    message = "No task found with ID {id}"


def start(
    glance: Glance, session: Session, ctx: Context, *, type: str, kind: str, image_id: str,
    input: dict[str, Any], args: dict[str, Any],
) -> Task:
    """Write a task and its work. Ring the worker after the commit. Raises Forbidden."""
    glance.policy.enforce(ctx, "add_task")
    task = Task(
        type=type, owner=ctx.project, image_id=image_id, request_id=ctx.request_id,
        user_id=ctx.user_id, input=input, status="pending",
    )
    session.add(task)
    session.flush()
    ledger.add(session, ctx, Work, kind=kind, subject=image_id, runner=RUNNER,
               args={**args, "task": task.id})
    notices.record_task(session, ctx, "create", task)
    return task


def set_state(session: Session, task_id: str, status: str, **values: Any) -> None:
    """Move a task to that status, with other columns' values; one that ended stays as it is."""
    session.execute(
        update(Task).where(Task.id == task_id, Task.status.not_in(("success", "failure")))
        .values(status=status, **values))


def close(
    session: Session, ctx: Context, task_id: str, status: str, hours: int, message: str = "",
    **values: Any,
) -> None:
    """End a task as success or failure, to be forgotten in `hours`, and record it."""
    set_state(session, task_id, status, expires_at=utcnow() + dt.timedelta(hours=hours),
              message=message, **values)
    notices.record_task_id(session, ctx, status, task_id, message)


def find(session: Session, ctx: Context, task_id: str) -> Task:
    """The task, if it has not expired and is the caller's project's; an administrator finds any.
    Raises TaskNotFound."""
    query = select(Task).where(Task.id == task_id, _unexpired())
    if not ctx.is_admin:
        query = query.where(Task.owner == ctx.project)
    task = session.scalar(query)
    if task is None:
        raise TaskNotFound(id=task_id)
    return task


def of_image(session: Session, image_id: str) -> list[Task]:
    """The tasks of an image that have not expired, the newest first."""
    return list(session.scalars(
        select(Task).where(Task.image_id == image_id, _unexpired())
        .order_by(Task.created_at.desc(), Task.id)))


def list_tasks(
    glance: Glance, ctx: Context, filters: Mapping[str, str], page: Page
) -> list[Task]:
    """A page of the tasks that the caller may see. Raises Forbidden, Invalid for a marker that is
    none."""
    glance.policy.enforce(ctx, "get_tasks")
    matching = select(Task).where(_unexpired())
    if not ctx.is_admin:
        matching = matching.where(Task.owner == ctx.project)
    for name, value in filters.items():
        matching = matching.where(getattr(Task, name) == value)
    keys = order_keys(page, SORTABLE, unique="id")
    with glance.db.reading() as session:
        after = None
        if page.marker is not None:
            try:
                last = find(session, ctx, page.marker)
            except NotFound as error:
                raise Invalid(reason=f"marker: {error}") from error
            after = read_values(last, keys)
        return list(session.scalars(paginate(matching, keys, after=after, limit=page.limit)))


def show_task(glance: Glance, ctx: Context, task_id: str) -> Task:
    """Raises Forbidden, TaskNotFound."""
    glance.policy.enforce(ctx, "get_task")
    with glance.db.reading() as session:
        return find(session, ctx, task_id)


def _unexpired() -> Any:
    return or_(Task.expires_at.is_(None), Task.expires_at > utcnow())
