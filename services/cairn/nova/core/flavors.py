"""Flavors: sizes of servers, and who may see them."""

from typing import Any

from sqlalchemy import delete, exists, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Conflict
from cairn.common.listing import paginate
from cairn.nova import rpc
from cairn.nova.db.models import Flavor, FlavorAccess
from cairn.nova.errors import (
    AccessExists,
    AccessNotFound,
    ExtraSpecNotFound,
    FlavorExists,
    FlavorNotFound,
)

SORTABLE = {
    "flavorid": Flavor.id, "id": Flavor.number, "name": Flavor.name, "memory_mb": Flavor.ram,
    "vcpus": Flavor.vcpus, "root_gb": Flavor.disk, "ephemeral_gb": Flavor.ephemeral,
    "swap": Flavor.swap, "rxtx_factor": Flavor.rxtx_factor, "created_at": Flavor.created_at,
    "updated_at": Flavor.updated_at, "is_public": Flavor.is_public, "disabled": Flavor.disabled,
}


def _visible(ctx: Context) -> Any:
    if ctx.is_admin:
        return true()
    granted = exists().where(FlavorAccess.flavor_id == Flavor.id,
                             FlavorAccess.project_id == ctx.project)
    return or_(Flavor.is_public, granted)


def find(session: Session, ctx: Context, flavor_id: str) -> Flavor:
    """Raises FlavorNotFound, also for one that the caller may not see."""
    found = session.scalar(select(Flavor).where(Flavor.id == flavor_id, _visible(ctx)))
    if found is None:
        raise FlavorNotFound(flavor_id)
    return found


def list_(
    session: Session, ctx: Context, *, public: bool | None, min_disk: int, min_ram: int,
    sort_key: str, sort_dir: str, marker: str | None, limit: int,
) -> list[Flavor]:
    """`public` None is all that the caller may see. Raises FlavorNotFound for the marker."""
    query = select(Flavor).where(Flavor.disabled.is_(False), _visible(ctx))
    if public is not None:
        query = query.where(Flavor.is_public.is_(public))
    if min_disk:
        query = query.where(Flavor.disk >= min_disk)
    if min_ram:
        query = query.where(Flavor.ram >= min_ram)
    keys: list[tuple[Any, str]] = [(SORTABLE[sort_key], sort_dir), (Flavor.number, sort_dir)]
    after = None
    if marker is not None:
        last = find(session, ctx, marker)
        after = [getattr(last, column.key) for column, _ in keys]
    return list(session.scalars(paginate(query, keys, after=after, limit=limit)).all())


def create(session: Session, wanted: dict[str, Any]) -> Flavor:
    """Raises FlavorExists naming what is taken."""
    flavor = Flavor(id=wanted.pop("id", None) or new_id(), extra_specs={}, **wanted)
    try:
        with session.begin_nested():
            session.add(flavor)
    except IntegrityError:
        taken = session.scalar(select(func.count()).where(Flavor.name == flavor.name))
        what, value = ("name", flavor.name) if taken else ("ID", flavor.id)
        raise FlavorExists(what=what, value=value) from None
    return flavor


def remove(session: Session, flavor_id: str) -> None:
    """Servers keep what they were made from."""
    gone = session.execute(delete(Flavor).where(Flavor.id == flavor_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise FlavorNotFound(flavor_id)


def accesses(session: Session, flavor_id: str) -> list[str]:
    return list(session.scalars(
        select(FlavorAccess.project_id).where(FlavorAccess.flavor_id == flavor_id)
        .order_by(FlavorAccess.project_id)
    ).all())


def grant(session: Session, flavor: Flavor, project_id: str) -> None:
    if flavor.is_public:
        raise Conflict(reason="Can not add access to a public flavor.")
    try:
        with session.begin_nested():
            session.add(FlavorAccess(flavor_id=flavor.id, project_id=project_id))
    except IntegrityError:
        raise AccessExists(flavor=flavor.id, project=project_id) from None


def revoke(session: Session, flavor: Flavor, project_id: str) -> None:
    if flavor.is_public:
        raise Conflict(reason="Can not remove access from a public flavor.")
    gone = session.execute(delete(FlavorAccess).where(
        FlavorAccess.flavor_id == flavor.id, FlavorAccess.project_id == project_id
    ))
    if not gone.rowcount:  # type: ignore[attr-defined]
        raise AccessNotFound("access", project_id, flavor=flavor.id)


def set_specs(flavor: Flavor, specs: dict[str, str]) -> None:
    flavor.extra_specs = {**flavor.extra_specs, **specs}


def drop_spec(flavor: Flavor, key: str) -> None:
    if key not in flavor.extra_specs:
        raise ExtraSpecNotFound("extra spec", key, flavor=flavor.id)
    flavor.extra_specs = {k: v for k, v in flavor.extra_specs.items() if k != key}


def record(flavor: Flavor) -> rpc.Flavor:
    """What a server remembers of it."""
    return {
        "id": flavor.id, "name": flavor.name, "vcpus": flavor.vcpus, "ram": flavor.ram,
        "disk": flavor.disk, "ephemeral": flavor.ephemeral, "swap": flavor.swap,
        "extra_specs": dict(flavor.extra_specs),
    }
