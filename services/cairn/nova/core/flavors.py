"""Flavors: sizes of servers, and who may see them."""

from typing import Any

from sqlalchemy import delete, exists, func, or_, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import changed, new_id
from cairn.common.errors import Conflict, Invalid
from cairn.common.listing import paginate
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.db.models import Event, FlavorAccess
from cairn.nova.db.models import Flavor as Flavor
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
    "description": Flavor.description,
    "vcpu_weight": Flavor.number,  # It is a column of old that nothing sets.
}


def _visible(ctx: Context) -> Any:
    if ctx.is_admin:
        return true()
    granted = exists().where(FlavorAccess.flavor_id == Flavor.id,
                             FlavorAccess.project_id == ctx.project)
    return or_(Flavor.is_public, granted)


def find(session: Session, ctx: Context, flavor_id: str) -> Flavor:
    """Raises FlavorNotFound, also for one that the caller may not see."""
    flavor = session.scalar(select(Flavor).where(Flavor.id == flavor_id, _visible(ctx)))
    if flavor is None:
        raise FlavorNotFound(flavor_id)
    return flavor


def get(nova: Nova, ctx: Context, flavor_id: str) -> Flavor:
    """`find` in a transaction of its own. Raises FlavorNotFound."""
    with nova.db.reading() as session:
        return find(session, ctx, flavor_id)


def list_flavors(
    nova: Nova, ctx: Context, *, public: bool | None = None, min_disk: int = 0, min_ram: int = 0,
    sort_key: str = "flavorid", sort_dir: str = "asc", marker: str | None = None,
    limit: int | None = None,
) -> list[Flavor]:
    """`min_disk` in GiB, `min_ram` in MiB; `public` None is all that the caller may see. Raises
    Invalid naming the parameter."""
    if sort_key not in SORTABLE:
        raise Invalid(reason=f"sort_key: flavors are not sorted by {sort_key}")
    query = select(Flavor).where(Flavor.disabled.is_(False), _visible(ctx))
    if public is not None:
        query = query.where(Flavor.is_public.is_(public))
    if min_disk:
        query = query.where(Flavor.disk >= min_disk)
    if min_ram:
        query = query.where(Flavor.ram >= min_ram)
    keys: list[tuple[Any, str]] = [(SORTABLE[sort_key], sort_dir), (Flavor.number, sort_dir)]
    with nova.db.reading() as session:
        after = None
        if marker is not None:
            try:
                last = find(session, ctx, marker)
            except FlavorNotFound:
                raise Invalid(reason=f"marker [{marker}] not found") from None
            after = [getattr(last, column.key) for column, _ in keys]
        return list(session.scalars(paginate(query, keys, after=after, limit=limit)).all())


def create(nova: Nova, ctx: Context, values: dict[str, Any]) -> Flavor:
    """`values` are columns; without an id it gets one. Raises FlavorExists naming what is taken."""
    flavor = Flavor(**{**values, "id": values.get("id") or new_id(), "extra_specs": {}})
    with nova.db.writing() as session:
        try:
            with session.begin_nested():
                session.add(flavor)
        except IntegrityError:
            taken = session.scalar(select(func.count()).where(Flavor.name == flavor.name))
            what, value = ("name", flavor.name) if taken else ("ID", flavor.id)
            raise FlavorExists(what=what, value=value) from None
        _record(session, ctx, "create", flavor)
    return flavor


def describe(nova: Nova, ctx: Context, flavor_id: str, description: str | None) -> Flavor:
    """Raises FlavorNotFound."""
    with nova.db.writing() as session:
        flavor = find(session, ctx, flavor_id)
        flavor.description = description
        _record(session, ctx, "update", flavor)
    return flavor


def remove(nova: Nova, ctx: Context, flavor_id: str) -> None:
    """Servers keep what they were made from. Raises FlavorNotFound."""
    with nova.db.writing() as session:
        flavor = session.scalar(select(Flavor).where(Flavor.id == flavor_id))
        if flavor is None or not changed(
                session.execute(delete(Flavor).where(Flavor.id == flavor_id))):
            raise FlavorNotFound(flavor_id)
        _record(session, ctx, "delete", flavor)


def _record(session: Session, ctx: Context, verb: str, flavor: Flavor) -> None:
    Event.record(session, ctx, f"flavor.{verb}", "flavor", flavor.id, {
        "flavorid": flavor.id, "name": flavor.name, "memory_mb": flavor.ram,
        "vcpus": flavor.vcpus, "root_gb": flavor.disk, "ephemeral_gb": flavor.ephemeral,
        "swap": flavor.swap, "rxtx_factor": flavor.rxtx_factor, "is_public": flavor.is_public,
        "disabled": flavor.disabled, "description": flavor.description,
        "extra_specs": dict(flavor.extra_specs)}, project_id="")


# --- Access --------------------------------------------------------------------------------


def get_access(nova: Nova, ctx: Context, flavor_id: str) -> tuple[Flavor, list[str]]:
    """The flavor and the projects that may see it by grant. Raises FlavorNotFound."""
    with nova.db.reading() as session:
        return find(session, ctx, flavor_id), _projects(session, flavor_id)


def grant(nova: Nova, ctx: Context, flavor_id: str, project_id: str) -> list[str]:
    """Let a project see it; all that may then. Raises FlavorNotFound, AccessExists, and Conflict
    for a public one."""
    with nova.db.writing() as session:
        flavor = find(session, ctx, flavor_id)
        if flavor.is_public:
            raise Conflict(reason="Can not add access to a public flavor.")
        try:
            with session.begin_nested():
                session.add(FlavorAccess(flavor_id=flavor.id, project_id=project_id))
        except IntegrityError:
            raise AccessExists(flavor=flavor.id, project=project_id) from None
        _record(session, ctx, "update", flavor)
        return _projects(session, flavor_id)


def revoke(nova: Nova, ctx: Context, flavor_id: str, project_id: str) -> list[str]:
    """The other way round. Raises FlavorNotFound and AccessNotFound."""
    with nova.db.writing() as session:
        flavor = find(session, ctx, flavor_id)
        gone = session.execute(delete(FlavorAccess).where(
            FlavorAccess.flavor_id == flavor.id, FlavorAccess.project_id == project_id))
        if not changed(gone):
            raise AccessNotFound("access", project_id, flavor=flavor.id)
        _record(session, ctx, "update", flavor)
        return _projects(session, flavor_id)


def _projects(session: Session, flavor_id: str) -> list[str]:
    return list(session.scalars(
        select(FlavorAccess.project_id).where(FlavorAccess.flavor_id == flavor_id)
        .order_by(FlavorAccess.project_id)
    ).all())


# --- Extra specs ---------------------------------------------------------------------------


def set_specs(nova: Nova, ctx: Context, flavor_id: str, specs: dict[str, str]) -> None:
    """Add or replace some. Raises FlavorNotFound."""
    with nova.db.writing() as session:
        flavor = _hold(session, ctx, flavor_id)
        flavor.extra_specs = {**flavor.extra_specs, **specs}
        _record(session, ctx, "update", flavor)


def drop_spec(nova: Nova, ctx: Context, flavor_id: str, key: str) -> None:
    """Raises FlavorNotFound, ExtraSpecNotFound."""
    with nova.db.writing() as session:
        flavor = _hold(session, ctx, flavor_id)
        if key not in flavor.extra_specs:
            raise ExtraSpecNotFound("extra spec", key, flavor=flavor.id)
        flavor.extra_specs = {k: v for k, v in flavor.extra_specs.items() if k != key}
        _record(session, ctx, "update", flavor)


def _hold(session: Session, ctx: Context, flavor_id: str) -> Flavor:
    """`find`, and nobody else changes it until this transaction ends."""
    query = select(Flavor).where(Flavor.id == flavor_id, _visible(ctx)).with_for_update()
    flavor = session.scalar(query)
    if flavor is None:
        raise FlavorNotFound(flavor_id)
    return flavor


# --- What servers remember -----------------------------------------------------------------


def record(flavor: Flavor) -> rpc.Flavor:
    """What a server remembers of it."""
    return {
        "id": flavor.id, "name": flavor.name, "vcpus": flavor.vcpus, "ram": flavor.ram,
        "disk": flavor.disk, "ephemeral": flavor.ephemeral, "swap": flavor.swap,
        "extra_specs": dict(flavor.extra_specs),
    }
