"""Works on volumes and what belongs to them: one is claimed for an action as that is declared, and
the work written."""

from typing import Any

from sqlalchemy import ColumnElement, func, null, select, update
from sqlalchemy.orm import Session

from cairn.cinder.db.models import Backup, Group, GroupSnapshot, Snapshot, Volume, Work
from cairn.cinder.errors import VolumeBusy
from cairn.cinder.rpc import SCHEDULER, runner_of
from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.flows import Action, Entry

# What works are done to, by the word that their arguments have for it.
MODELS: dict[str, Any] = {
    "volume": Volume, "snapshot": Snapshot, "backup": Backup, "group": Group,
    "group_snapshot": GroupSnapshot,
}


def claim(
    session: Session, resource: str, id_: str, action: Action, entry: Entry | None = None,
    *conditions: ColumnElement[bool],
) -> bool:
    """Whether the resource is the action's now: its status allowed it, and so did the conditions.
    The database decides (compare-and-set): two requests cannot both get it."""
    entry = entry or action.entry
    model = MODELS[resource]
    allowed = list(conditions)
    if entry.states is not None:
        allowed.append(model.status.in_(entry.states))
    elif entry.task is not None:
        # Where it was only said to be so, there is nobody who does it.
        allowed.append((model.status != entry.task) | model.previous_status.is_(None))
    # Claimed anew while it is claimed (forced), it goes back to where the first claim found it.
    before = func.coalesce(model.previous_status, model.status)
    return changed(session.execute(
        update(model).where(model.id == id_, *allowed)
        # In this order: MariaDB reads what it has just set.
        .ordered_values((model.previous_status, before), (model.status, entry.task))))


def take(
    session: Session, resource: str, row: Any, action: Action, entry: Entry | None = None,
) -> None:
    """Claim a row that is locked. Raises VolumeBusy when it is another's after all."""
    if not claim(session, resource, row.id, action, entry):
        raise VolumeBusy(reason=f"The {resource} is {row.status}: try again when that is over.")
    session.refresh(row)


def release(session: Session, resource: str, id_: str, status: str | None = None) -> None:
    """The resource is free: in that status, or in the one it was in before it was claimed."""
    model = MODELS[resource]
    session.execute(
        update(model).where(model.id == id_)
        .ordered_values(
            (model.status, status or func.coalesce(model.previous_status, model.status)),
            (model.previous_status, null())))


def add(
    session: Session, ctx: Context, action: Action, volume: Any, args: dict[str, Any] | None = None,
    *, resource: str = "volume", id_: str | None = None,
) -> str:
    """Write the work of what was claimed for it; whom to ring after the commit. `volume` is whose
    works it stands in line with."""
    room = action.rooms(args or {})[0]
    runner = SCHEDULER if room == SCHEDULER else runner_of(room, volume.host)
    ledger.add(session, ctx, Work, kind=action.kind, subject=volume.id, runner=runner,
               args={**(args or {}), "resource": resource, "resource_id": id_ or volume.id})
    return runner


def is_busy(session: Session, volume_id: str) -> bool:
    """Whether something is being done to the volume, or waits to be."""
    return session.scalar(select(Work.seq).where(
        Work.subject == volume_id, Work.state.in_(ledger.OPEN)).limit(1)) is not None


def awaits(session: Session, volume_id: str, action: Action) -> bool:
    """Whether a work of that action waits for the volume's turn, or has it."""
    return session.scalar(select(Work.seq).where(
        Work.subject == volume_id, Work.kind == action.kind,
        Work.state.in_(ledger.OPEN)).limit(1)) is not None
