"""Servers: found, listed, changed, forgotten."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    bindparam,
    case,
    delete,
    exists,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from cairn.common import ledger, patterns
from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Invalid
from cairn.common.listing import find_marker, paginate
from cairn.nova.component import Nova
from cairn.nova.core import migrations, quotas
from cairn.nova.core.flows import actions
from cairn.nova.core.flows import delete as delete_action
from cairn.nova.db.models import (
    BlockDevice,
    ConsoleToken,
    Event,
    Migration,
    Server,
    ServerGroupMember,
    Work,
    WorkStep,
)
from cairn.nova.errors import ServerBusy, ServerLocked, ServerNotFound, ZonePinned

TABLE = Server.__table__
COLUMNS = list(TABLE.c)

S: Any = TABLE.c

SORTABLE = {
    "access_ip_v4": S.access_ipv4, "access_ip_v6": S.access_ipv6,
    "auto_disk_config": S.disk_config, "availability_zone": S.zone,
    "config_drive": S.config_drive, "created_at": S.created_at,
    "display_description": S.description, "display_name": S.name, "host": S.host,
    "hostname": S.hostname, "image_ref": S.image_id,
    "instance_type_id": S.flavor_id, "kernel_id": S.image["properties"]["kernel_id"].as_string(),
    "key_name": S.key_name,
    "launch_index": S.launch_index, "launched_at": S.launched_at,
    "locked": case((S.locked_by.is_(None), 0), else_=1), "locked_by": S.locked_by, "node": S.node,
    "power_state": S.power_state,
    # No server here says how far it is.
    "progress": case((S.id == "", 1), else_=0),
    "project_id": S.project_id,
    "ramdisk_id": S.image["properties"]["ramdisk_id"].as_string(),
    "root_device_name": S.root_device,
    "task_state": S.task_state, "terminated_at": S.terminated_at,
    "updated_at": S.updated_at, "user_id": S.user_id, "uuid": S.id,
    "vm_state": S.vm_state,
}


# Built once: that takes SQLAlchemy longer than the database needs to answer.
_FIND_ANY = select(*COLUMNS).where(S.id == bindparam("id"))
_FIND = _FIND_ANY.where(S.deleted.is_(False))
_FIND_OWN = _FIND.where(S.project_id == bindparam("project"))


def find(session: Session, ctx: Context, server_id: str) -> Row[Any]:
    """The row of a server that is the caller's (an admin's: anybody's). Raises ServerNotFound."""
    if ctx.is_admin:
        row = session.execute(_FIND, {"id": server_id}).one_or_none()
    else:
        values = {"id": server_id, "project": ctx.project}
        row = session.execute(_FIND_OWN, values).one_or_none()
    if row is None:
        raise ServerNotFound(server_id)
    return row


def find_any(session: Session, server_id: str) -> Row[Any] | None:
    """The row, whoever asks, gone or not: for those who work on it."""
    return session.execute(_FIND_ANY, {"id": server_id}).one_or_none()


def get(nova: Nova, ctx: Context, server_id: str) -> Row[Any]:
    """`find` in a transaction of its own. Raises ServerNotFound."""
    with nova.db.reading() as session:
        return find(session, ctx, server_id)


def get_rows(nova: Nova, server_ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Of servers that are not gone, whoever's they are, by id."""
    with nova.db.reading() as session:
        rows = session.execute(
            select(*COLUMNS).where(S.id.in_(list(server_ids)), S.deleted.is_(False)))
        return {row.id: row for row in rows}


def hold(session: Session, ctx: Context, server_id: str) -> Row[Any]:
    """`find`, and nobody else changes the row until this transaction ends: what is read now is
    still so when it is written back changed. Raises ServerNotFound."""
    find(session, ctx, server_id)
    row = session.execute(_FIND.with_for_update(), {"id": server_id}).one_or_none()
    if row is None:
        raise ServerNotFound(server_id)
    return row


# Where a server's metadata and tags may be changed.
_SETTLED = ("active", "paused", "suspended", "stopped")


def check_settled(server: Row[Any], action: str, *, idle: bool = True) -> None:
    """Raises ServerBusy unless it was built, and with `idle` unless nothing is being done to it."""
    if server.vm_state not in _SETTLED:
        raise ServerBusy(action=action, id=server.id, attribute="vm_state", state=server.vm_state)
    if idle and server.task_state is not None:
        raise ServerBusy(action=action, id=server.id, attribute="task_state",
                         state=server.task_state)


def update_server(nova: Nova, ctx: Context, server_id: str, values: dict[str, Any]) -> None:
    """Set columns of the caller's server. Raises ServerNotFound, and ZonePinned for a pin to
    another zone than the one it is in."""
    with nova.db.writing() as session:
        row = find(session, ctx, server_id)
        pin = values.get("asked_zone")
        if pin is not None and pin not in (row.zone, row.asked_zone):
            raise ZonePinned(zone=row.zone)
        if values:
            session.execute(update(Server).where(S.id == row.id).values(**values))
        record_update(session, ctx, row, {name: values[name] for name in values
                                          if name != "guest_password"})


def record_update(
    session: Session, ctx: Context, server: Row[Any], payload: dict[str, Any] | None = None
) -> None:
    """That something of the server changed that is no action on it."""
    Event.record(session, ctx, "compute.instance.update", "server", server.id, {
        "instance_id": server.id, "tenant_id": server.project_id, "user_id": server.user_id,
        "display_name": server.name, "state": server.vm_state, "new_task_state": server.task_state,
        "host": server.host, **(payload or {})}, project_id=server.project_id)


# --- Lists ---------------------------------------------------------------------------------


def page_of(
    session: Session, ctx: Context, columns: Sequence[Any], where: Sequence[ColumnElement[bool]],
    sort: Sequence[tuple[str, str]], marker: str | None, limit: int,
) -> Sequence[Row[Any]]:
    """Raises Invalid for a marker that is no server of the caller's."""
    keys: list[tuple[Any, str]] = [(SORTABLE[name], direction) for name, direction in sort]
    keys.append((S.number, keys[-1][1] if keys else "desc"))
    after = None
    if marker is not None:
        own = () if ctx.is_admin else (S.project_id == ctx.project,)
        after = find_marker(session, keys, S.id == marker, *own)
        if after is None:
            raise Invalid(reason=f"marker [{marker}] not found")
    query = select(*columns).where(*where)
    return session.execute(paginate(query, keys, after=after, limit=limit)).all()


def named(
    session: Session, pattern: str, where: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Names are asked for by regular expression without regard to case, as Nova has it: among those
    of the servers that `where` means. They are compared here, not by the database: see
    common.patterns. Raises Invalid.
    """
    if re.fullmatch(r"[\w \-]*", pattern):
        return Server.name.icontains(pattern, autoescape=True)
    if len(pattern) > 255:
        raise Invalid(reason="name: a regular expression has at most 255 characters")
    try:
        fits = patterns.linear(f"(?i){pattern}")
    except ValueError as wrong:
        raise Invalid(reason=f"name: {wrong}") from wrong
    names = session.scalars(select(S.name).where(*where).distinct())
    return Server.name.in_([name for name in names if fits(name)])


def tagged(tag: str) -> ColumnElement[bool]:
    """Servers that have the tag: a condition on the JSON text of their tags."""
    quoted = tag.replace("\\", "\\\\").replace('"', '\\"')
    return type_coerce(S.tags, String).contains(f'"{quoted}"', autoescape=True)


# --- Locks ---------------------------------------------------------------------------------


def check_unlocked(ctx: Context, server: Row[Any]) -> None:
    """A locked server is left alone by all but admins. Raises ServerLocked."""
    if server.locked_by is not None and not ctx.is_admin:
        raise ServerLocked(id=server.id)


# --- What conductors record ----------------------------------------------------------------

# A server that is being deleted stays so, whatever else comes back late.
_KEEP_DELETING = Server.task_state.in_(("deleting", "soft-deleting"))


def change(session: Session, server_id: str, *, task_state: str | None, **values: Any) -> bool:
    """Set the task and other columns of a server that is not gone."""
    if values.get("vm_state", "active") not in ("active", "paused"):
        void_consoles(session, server_id)
    task = case((_KEEP_DELETING, Server.task_state), else_=task_state if task_state else null())
    done = session.execute(
        update(Server).where(Server.id == server_id, Server.deleted.is_(False))
        .values(task_state=task, **values)
    )
    return changed(done)


def void_consoles(session: Session, server_id: str) -> None:
    """It stopped, or goes: what its consoles were opened by is good for nothing any more, also
    when it is started again."""
    session.execute(delete(ConsoleToken).where(ConsoleToken.server_id == server_id))


def deletion_waits() -> ColumnElement[bool]:
    """Whether a deletion is still to come that nobody has begun to work on."""
    return exists().where(Work.subject == Server.id, Work.kind == delete_action.ACTION.kind,
                          Work.state == ledger.QUEUED)


def record_failure(
    session: Session, server_id: str, error: str, *, breaks: bool, **values: Any
) -> None:
    """A task failed: it is over, its fault is kept, and with `breaks` the server is in error.
    `values` are other columns."""
    # What was to be the password is nobody's.
    values |= {"fault": fault(*error.partition("\n")[::2]), "admin_pass": None}
    if not breaks:
        change(session, server_id, task_state=None, **values)
        return
    # Also a deletion that failed: the owner may ask for it again.
    session.execute(
        update(Server).where(Server.id == server_id, Server.deleted.is_(False))
        .values(task_state=case((deletion_waits(), "deleting"), else_=None), vm_state="error",
                **values)
    )


def without(host: str, text: str) -> str:
    """A sentence for tenants, who are not told the names of hosts."""
    return re.sub(rf"\b{re.escape(host)}\b", "its host", text)


def fault(message: str, details: str = "", code: int = 500) -> dict[str, Any]:
    """A server's fault, as the API shows it: `message` cut to 255 characters, `details` whole."""
    return {"code": code, "created": f"{utcnow():%Y-%m-%dT%H:%M:%SZ}", "message": message[:255],
            "details": details or message}


def finish_delete(session: Session, server_id: str) -> None:
    """Gone: usage is given back in the same transaction, once."""
    row = session.execute(
        select(Server.project_id, Server.flavor, Server.deleted).where(Server.id == server_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.deleted:
        return
    session.execute(
        update(Server).where(Server.id == server_id)
        .values(deleted=True, vm_state="deleted", task_state=None, power_state=0, vifs=[],
                vifs_revision=Server.vifs_revision + 1,
                terminated_at=utcnow(), admin_pass=None)
    )
    session.execute(delete(ServerGroupMember).where(ServerGroupMember.server_id == server_id))
    void_consoles(session, server_id)
    quotas.release(session, row.project_id,
                   quotas.of_servers(row.flavor["vcpus"], row.flavor["ram"]))
    if (migration := migrations.waiting(session, server_id)) is not None:
        # It counted as what it had been, where that was more.
        quotas.release(session, row.project_id, migrations.grown(
            migration.new_flavor, migration.old_flavor))
        migrations.change(session, migration.id, status=migrations.CONFIRMED)


def purge(session: Session, before: dt.datetime, limit: int = 500) -> int:
    """Forget what was deleted before then, with its works; how many servers."""
    gone = session.scalars(
        select(Server.id).where(
            Server.deleted.is_(True), Server.terminated_at < before,
            ~exists().where(Work.subject == Server.id, Work.state.in_(ledger.OPEN)))
        .order_by(Server.terminated_at).limit(limit)
    ).all()
    works = select(Work.id).where(Work.subject.in_(gone))
    for table, which in ((WorkStep, WorkStep.work_id.in_(works)), (Work, Work.subject.in_(gone)),
                         (ServerGroupMember, ServerGroupMember.server_id.in_(gone)),
                         (BlockDevice, BlockDevice.server_id.in_(gone)),
                         (Migration, Migration.server_id.in_(gone)),
                         (Server, Server.id.in_(gone))):
        session.execute(delete(table).where(which))
    return len(gone)


def of_host(session: Session, host: str) -> Sequence[Any]:
    """The servers a host runs, and whether they are on their way in or out."""
    moving = exists().where(Work.subject == Server.id, Work.state.in_(ledger.OPEN),
                            Work.kind.in_([a.kind for a in actions().values() if a.moves]))
    return session.execute(
        select(Server.id, Server.number, Server.vm_state, Server.task_state, Server.power_state,
               moving.label("building"))
        .where(Server.host == host, Server.deleted.is_(False))
    ).all()


def domain_name(number: int) -> str:
    """What the hypervisor calls a server, and admins see as OS-EXT-SRV-ATTR:instance_name."""
    return f"instance-{number:08x}"


def stamp(moment: dt.datetime | None) -> str | None:
    """A UTC time as the API writes it, in whole seconds."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
