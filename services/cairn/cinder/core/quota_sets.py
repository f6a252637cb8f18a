"""Projects' limits, as administrators set them and everybody reads them."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import quotas, types
from cairn.cinder.db.models import Event, Quota, VolumeType
from cairn.common.context import Context
from cairn.common.errors import Invalid


def limits(cinder: Cinder, ctx: Context, project_id: str) -> dict[str, int]:
    """What holds for the project, keystone's limits before our own; of types that the caller may
    not know of, nothing."""
    unified = quotas.of_keystone(cinder, ctx, project_id)
    with cinder.db.reading() as session:
        there = quotas.limits(session, project_id, cinder.quota) | unified
        return _shown(session, ctx, there)


def usage(cinder: Cinder, ctx: Context, project_id: str) -> dict[str, int]:
    """What the project uses, by resource."""
    with cinder.db.reading() as session:
        return quotas.usage(session, project_id, cinder.quota)


def defaults(cinder: Cinder, ctx: Context) -> dict[str, int]:
    """What holds for a project that has no limits of its own."""
    with cinder.db.reading() as session:
        return _shown(session, ctx, quotas.defaults(session, cinder.quota))


def change(
    cinder: Cinder, ctx: Context, project_id: str, values: dict[str, int], *,
    checked: bool = False, event: str = "quota.update",
) -> None:
    """Set limits of a project, or (class:default) of all that have none of their own; `checked`:
    none below what is used. Raises Invalid, naming the resource."""

    def put(session: Session) -> None:
        there = quotas.defaults(session, cinder.quota)
        if unknown := sorted(set(values) - set(there)):
            raise Invalid(reason=f"Bad key(s) in quota set: {', '.join(unknown)}.")
        if checked:
            quotas.lock(session, project_id)
            used = quotas.usage(session, project_id, cinder.quota)
            for name, limit in values.items():
                if 0 <= limit < used.get(name, 0):
                    raise Invalid(reason=f"Invalid input for field/attribute {name}. {limit} is "
                                         f"less than the {used[name]} that are in use.")
        for name, limit in values.items():
            session.merge(Quota(project_id=project_id, resource=name, hard_limit=limit))
        _record(session, ctx, event, project_id, values)

    cinder.db.write(put)


def reset(cinder: Cinder, ctx: Context, project_id: str) -> None:
    """The defaults hold for the project again."""

    def forget(session: Session) -> None:
        session.execute(delete(Quota).where(Quota.project_id == project_id))
        _record(session, ctx, "quota.delete", project_id, {})

    cinder.db.write(forget)


def _record(
    session: Session, ctx: Context, type_: str, project_id: str, values: dict[str, int]
) -> None:
    Event.record(session, ctx, type_, "quota", project_id, {"limits": values},
                 project_id="" if project_id.startswith("class:") else project_id)


def _shown(session: Session, ctx: Context, values: dict[str, int]) -> dict[str, int]:
    if ctx.is_admin:
        return values
    mine: set[Any] = set(session.scalars(select(VolumeType.name).where(types.usable(ctx))))
    names = {*quotas.BASIC, *(f"{what}_{name}" for name in mine for what in quotas.BY_TYPE)}
    return {name: value for name, value in values.items() if name in names}
