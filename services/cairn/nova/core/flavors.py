"""Flavors: sizes of servers, and who may see them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    Select,
    Table,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    true,
)
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

# A list reads the table and not the class: what the ORM does for each row takes longer than the
# statement.
FLAVOR = cast(Table, Flavor.__table__).c
_ACCESS = cast(Table, FlavorAccess.__table__).c

SORTABLE = {
    "flavorid": FLAVOR.id, "id": FLAVOR.number, "name": FLAVOR.name, "memory_mb": FLAVOR.ram,
    "vcpus": FLAVOR.vcpus, "root_gb": FLAVOR.disk, "ephemeral_gb": FLAVOR.ephemeral,
    "swap": FLAVOR.swap, "rxtx_factor": FLAVOR.rxtx_factor, "created_at": FLAVOR.created_at,
    "updated_at": FLAVOR.updated_at, "is_public": FLAVOR.is_public, "disabled": FLAVOR.disabled,
    "description": FLAVOR.description,
    "vcpu_weight": FLAVOR.number,  # It is a column of old that nothing sets.
}


def _visible(ctx: Context) -> Any:
    return true() if ctx.is_admin else _visible_to(ctx.project)


def _visible_to(project: Any) -> Any:
    granted = exists().where(_ACCESS.flavor_id == FLAVOR.id,
                             _ACCESS.project_id == project)
    return or_(FLAVOR.is_public, granted)


@cache
def _statement(everything: bool, public: bool | None) -> Select[Any]:
    """The flavors that a list shows PROJECT: there are few such lists, and each is made once."""
    query = select(*FLAVOR).where(
        FLAVOR.disabled.is_(False), FLAVOR.disk >= bindparam("min_disk"),
        FLAVOR.ram >= bindparam("min_ram"))
    if public is not None:
        query = query.where(FLAVOR.is_public.is_(public))
    return query if everything else query.where(_visible_to(bindparam("project")))


@cache
def _first_page(
    everything: bool, public: bool | None, sort_key: str, sort_dir: str
) -> Select[Any]:
    return paginate(_statement(everything, public), _order_keys(sort_key, sort_dir), after=None,
                    limit=None).limit(bindparam("most"))


def _order_keys(sort_key: str, sort_dir: str) -> list[tuple[Any, str]]:
    return [(SORTABLE[sort_key], sort_dir), (FLAVOR.number, sort_dir)]


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
    limit: int,
) -> Sequence[Any]:
    """Rows of `flavors`. `min_disk` in GiB, `min_ram` in MiB; `public` None is all that the caller
    may see. Raises Invalid naming the parameter."""
    if sort_key not in SORTABLE:
        raise Invalid(reason=f"sort_key: flavors are not sorted by {sort_key}")
    bound = {"project": ctx.project, "min_disk": min_disk, "min_ram": min_ram, "most": limit}
    with nova.db.reading() as session:
        if marker is None:
            return session.execute(
                _first_page(ctx.is_admin, public, sort_key, sort_dir), bound).all()
        try:
            last = find(session, ctx, marker)
        except FlavorNotFound:
            raise Invalid(reason=f"marker [{marker}] not found") from None
        keys = _order_keys(sort_key, sort_dir)
        after = [getattr(last, column.key) for column, _ in keys]
        return session.execute(paginate(
            _statement(ctx.is_admin, public), keys, after=after, limit=limit), bound).all()


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
