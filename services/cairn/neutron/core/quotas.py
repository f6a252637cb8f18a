"""What a project may have: counted in the transaction that makes the thing, by guarded UPDATE."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Table, bindparam, case, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core.write import Write, write
from cairn.neutron.db import models as m

QUOTAS: Table = m.Quota.__table__  # type: ignore[assignment]
USAGES: Table = m.QuotaUsage.__table__  # type: ignore[assignment]

_mine = (
    select(QUOTAS.c.limit)
    .where(QUOTAS.c.project_id == bindparam("p"), QUOTAS.c.resource == bindparam("r"))
    .scalar_subquery()
)
_limit = func.coalesce(_mine, bindparam("default"))
_this = (USAGES.c.project_id == bindparam("p"), USAGES.c.resource == bindparam("r"))
_TAKE = update(USAGES).where(
    *_this, USAGES.c.used + bindparam("n") <= case((_limit < 0, literal(2**31)), else_=_limit)
).values(used=USAGES.c.used + bindparam("n"))
_COUNT = update(USAGES).where(*_this).values(used=USAGES.c.used + bindparam("n"))
_USED = select(USAGES.c.used).where(*_this)


def take(w: Write, project: str, resource: str, n: int = 1, *, checked: bool = True) -> None:
    """Count `n` more, the last thing before the commit: the row is everybody's of the project.

    What the cloud makes for itself on a project's behalf is counted, not refused (`checked`).
    Raises OverQuota.
    """
    if not project:
        return
    default = getattr(w.neutron.quota, resource)
    asked: dict[str, Any] = {"p": project, "r": resource, "n": n}
    while True:
        statement = _TAKE if checked else _COUNT
        extra = {"default": default} if checked else {}
        if changed(w.session.execute(statement, {**asked, **extra})):
            return
        used = w.session.execute(_USED, {"p": project, "r": resource}).scalar()
        if used is not None:
            limit = limits(w.session, w.neutron, project)[resource]
            raise errors.OverQuota(resources=f"['{resource}']", limit=limit, used=used, asked=n)
        try:
            w.session.execute(insert(USAGES).values(project_id=project, resource=resource, used=0))
        except IntegrityError:
            # Somebody else's first: theirs is as good as ours, unless it is purged meanwhile.
            continue


def give_back(w: Write, project: str, resource: str, n: int = 1) -> None:
    """Count `n` less; what belongs to no project was not counted."""
    if project and n:
        w.session.execute(_COUNT, {"p": project, "r": resource, "n": -n})


def defaults(neutron: Neutron) -> dict[str, int]:
    """The limits of a project that has none of its own, by resource; -1 is none."""
    return asdict(neutron.quota)


def limits(session: Session, neutron: Neutron, project: str) -> dict[str, int]:
    """What the project may have of each resource: its own limits over the defaults."""
    own = session.execute(
        select(QUOTAS.c.resource, QUOTAS.c.limit).where(QUOTAS.c.project_id == project)
    )
    return {**defaults(neutron), **dict(own.all())}


def usages(session: Session, project: str) -> dict[str, int]:
    """What the project has, of each resource it ever had any of."""
    rows = session.execute(
        select(USAGES.c.resource, USAGES.c.used).where(USAGES.c.project_id == project)
    )
    return dict(rows.all())


def find_limits(neutron: Neutron, project: str) -> dict[str, int]:
    """What the project may have of each thing."""
    with neutron.db.reading() as session:
        return limits(session, neutron, project)


def find_details(neutron: Neutron, project: str) -> dict[str, tuple[int, int]]:
    """Of each thing: what the project may have, and what it has."""
    with neutron.db.reading() as session:
        used = usages(session, project)
        return {name: (limit, used.get(name, 0))
                for name, limit in limits(session, neutron, project).items()}


def list_own(neutron: Neutron) -> dict[str, dict[str, int]]:
    """The limits of the projects that have limits of their own."""
    own: dict[str, dict[str, int]] = {}
    with neutron.db.reading() as session:
        for project, resource, limit in session.execute(
            select(QUOTAS.c.project_id, QUOTAS.c.resource, QUOTAS.c.limit)
        ):
            own.setdefault(project, defaults(neutron))[resource] = limit
    return own


def change(
    neutron: Neutron, ctx: Context, project: str, given: Mapping[str, int], *, checked: bool
) -> dict[str, int]:
    """Set limits of the project's own; all of its limits then. `checked` is against what it has.
    Raises BadAttribute, InvalidQuotaValue."""
    for name, value in given.items():
        if not -1 <= value < 2**31:
            raise errors.BadAttribute(
                name=name, reason=f"'{value}' must be between -1 and 2147483647.")

    def work(w: Write) -> dict[str, int]:
        if checked:
            used = usages(w.session, project)
            unders = sorted(n for n, limit in given.items() if 0 <= limit < used.get(n, 0))
            if unders:
                raise errors.InvalidQuotaValue(unders=unders)
        if given:
            _put(w, project, given)
        own = limits(w.session, neutron, project)
        w.record_event("quota.update", "quota", project, {"quota": own}, project)
        return own

    return write(neutron, ctx, work)


def delete(neutron: Neutron, ctx: Context, project: str) -> None:
    """Back to the defaults. Raises TenantQuotaNotFound."""
    write(neutron, ctx, lambda w: _forget(w, project))


def _put(w: Write, project: str, given: Mapping[str, int]) -> None:
    w.session.execute(
        QUOTAS.delete().where(QUOTAS.c.project_id == project, QUOTAS.c.resource.in_(list(given)))
    )
    w.session.execute(
        insert(QUOTAS),
        [{"project_id": project, "resource": r, "limit": limit} for r, limit in given.items()],
    )


def _forget(w: Write, project: str) -> None:
    own = w.session.execute(select(QUOTAS.c.resource).where(
        QUOTAS.c.project_id == project).with_for_update()).all()
    if not own:
        raise errors.TenantQuotaNotFound(project)
    w.session.execute(QUOTAS.delete().where(QUOTAS.c.project_id == project))
    w.record_event("quota.delete", "quota", project, {"quota_id": project}, project)
