"""Servers as they are shown and listed: which of them, in which order, and what of each row."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    DateTime,
    Row,
    Select,
    String,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cairn.common import patterns
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.db import transient
from cairn.common.errors import Forbidden, Invalid
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, groups, hosts, network, servers, states
from cairn.nova.core.servers import TABLE, S
from cairn.nova.core.values import check_order, moment, truth
from cairn.nova.errors import HostsOrder, ServerNotFound

# JSON and times come as text: most of it is shown as it is stored, and to make objects of it takes
# longer than all the rest.
_SHOWN = (
    "number", "id", "project_id", "user_id", "reservation_id", "launch_index", "name", "hostname",
    "description", "meta", "tags", "vm_state", "task_state", "power_state", "fault", "locked_by",
    "locked_reason", "launched_at", "terminated_at", "flavor", "image_id",
    "root_device", "key_name", "config_drive", "disk_config", "host", "node", "asked_zone", "zone",
    "security_groups", "vifs", "access_ipv4", "access_ipv6", "created_at", "updated_at",
)
_BRIEF = [S.id, S.name]
# What a server is that was deleted and may be restored.
SOFT, SOFT_STATUS = "soft-delete", "SOFT_DELETED"


@dataclass(frozen=True)
class Shown:
    """Rows to show, with the states of hosts and the server's group where they were asked for."""

    rows: Sequence[Row[Any]]
    host_states: dict[str, str] = field(default_factory=dict)
    group: str | None = None


# --- One -----------------------------------------------------------------------------------


def show(
    nova: Nova, ctx: Context, server_id: str, more: Sequence[str] = (), *, states: bool = False,
    group: bool = False,
) -> Shown:
    """The caller's server, with `more` columns beside those that are always shown. Raises
    ServerNotFound."""
    values = {"id": server_id}
    if not ctx.is_admin:
        values["project"] = ctx.project
    with nova.db.reading() as session:
        row = session.execute(_one(not ctx.is_admin, *more), values).one_or_none()
        if row is None:
            raise ServerNotFound(server_id)
        return Shown([row], _host_states(nova, session) if states else {},
                     groups.of_server(session, row.id) if group else None)


@lru_cache(maxsize=64)
def _columns(*more: str) -> list[ColumnElement[Any]]:
    columns: list[ColumnElement[Any]] = []
    for name in (*_SHOWN, *more):
        column = TABLE.c[name]
        if isinstance(column.type, JSON):
            columns.append(type_coerce(column, Text).label(name))
        elif isinstance(column.type, DateTime):
            columns.append(cast(column, String(26)).label(name))
        else:
            columns.append(column)
    columns.append(block_devices.shown())
    return columns


@lru_cache(maxsize=64)
def _one(own: bool, *more: str) -> Select[Any]:
    """Built once, for SQLAlchemy takes longer to build a statement than MariaDB to answer it."""
    query = select(*_columns(*more)).where(S.id == bindparam("id"), S.deleted.is_(False))
    return query.where(S.project_id == bindparam("project")) if own else query


def _host_states(nova: Nova, session: Session) -> dict[str, str]:
    """host_status of 2.16, by host."""
    return {
        host: "DOWN" if service.forced_down else "MAINTENANCE" if service.disabled
        else "UP" if hosts.up(service, nova.service) else "UNKNOWN"
        for host, service in hosts.computes(session).items()
    }


# --- Many ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListRequest:
    """What was asked of a list. `filters` are those of PARAMETERS that were given, each with all of
    its values."""

    filters: Mapping[str, list[str]]
    limit: int
    sort_keys: Sequence[str] = ()
    sort_dirs: Sequence[str] = ()
    marker: str | None = None
    # None: the names and ids alone.
    more: Sequence[str] | None = None
    states: bool = False


def list_servers(nova: Nova, ctx: Context, request: ListRequest) -> Shown:
    """Raises Invalid naming the parameter, Forbidden for filters that are an admin's, and
    HostsOrder."""
    columns = _BRIEF if request.more is None else _columns(*request.more)
    sort = _sort(ctx, request)
    with nova.db.reading() as session:
        where = _where(nova, session, ctx, request.filters)
        states = _host_states(nova, session) if request.states else {}
        if where is None or request.limit == 0:
            return Shown([], states)
        try:
            return Shown(servers.page_of(session, ctx, columns, where, sort, request.marker,
                                         request.limit), states)
        except DBAPIError as error:
            if "name" not in request.filters or transient(error):
                raise
            # Its regular expressions are not quite Python's, which it was checked against.
            raise Invalid(
                reason="name: the database does not take this regular expression") from None


# Sort keys of a later microversion, and those that are an admin's.
_SORTED_SINCE = {"locked": (2, 73)}
_HOSTS = {"host", "node"}


def _sort(ctx: Context, request: ListRequest) -> list[tuple[str, str]]:
    """Raises Invalid naming the parameter, HostsOrder."""
    sort = []
    for number, name in enumerate(request.sort_keys or ["created_at"]):
        if name not in servers.SORTABLE or ctx.version < _SORTED_SINCE.get(name, (2, 1)):
            raise Invalid(reason=f"sort_key: servers are not sorted by {name}")
        if name in _HOSTS and not ctx.is_admin:
            raise HostsOrder(key=name)
        direction = request.sort_dirs[number] if number < len(request.sort_dirs) else "desc"
        sort.append((name, direction))
    return sort


# What anybody may filter by; the rest is an admin's (before 2.83).
_FOR_ALL = {"name", "status", "flavor", "image", "reservation_id", "ip", "ip6", "changes-since",
            "changes-before", "tags", "tags-any", "not-tags", "not-tags-any", "locked"}
_SINCE_283 = {"availability_zone", "config_drive", "key_name", "created_at", "launched_at",
              "terminated_at", "power_state", "task_state", "vm_state", "progress", "user_id"}
# Those of a later microversion are no filters before it.
SINCE = {"ip6": (2, 5), "tags": (2, 26), "tags-any": (2, 26), "not-tags": (2, 26),
         "not-tags-any": (2, 26), "changes-before": (2, 66), "locked": (2, 73)}

Values = list[str]
Condition = ColumnElement[bool]


def _equal(column: Any) -> Callable[[str, Values], Condition]:
    return lambda name, values: column.in_(values)


def _number(column: Any) -> Callable[[str, Values], Condition]:
    return lambda name, values: column.in_(
        [number for number in map(parse_whole, values) if number is not None])


def _contains(column: Any) -> Callable[[str, Values], Condition]:
    return lambda name, values: or_(*(column.icontains(v, autoescape=True) for v in values))


def _time(column: Any) -> Callable[[str, Values], Condition]:
    return lambda name, values: or_(*(column == moment(v, name) for v in values))


def _truth(column: Any) -> Callable[[str, Values], Condition]:
    return lambda name, values: column.is_(truth(values[-1], name))


def _deleted(name: str, values: Values) -> Condition:
    """Also those that may be restored."""
    gone = or_(S.deleted.is_(True), S.vm_state == SOFT)
    return gone if truth(values[-1], name) else S.deleted.is_(False)


def _soft_deleted(name: str, values: Values) -> Condition:
    """Whether those are among them that may be restored: it does not ask for them alone."""
    return true() if truth(values[-1], name) else S.vm_state != SOFT


def _progress(name: str, values: Values) -> Condition:
    return true() if "0" in values else false()


def _locked(name: str, values: Values) -> Condition:
    locked: Condition = S.locked_by.is_not(None)
    return locked if truth(values[-1], name) else not_(locked)


def _disk_config(name: str, values: Values) -> Condition:
    asked = values[-1].upper()
    if asked not in ("AUTO", "MANUAL"):
        asked = "AUTO" if truth(values[-1], name) else "MANUAL"
    return S.disk_config == asked  # type: ignore[no-any-return]


def _vm_state(name: str, values: Values) -> Condition:
    """The API's documents write them in capitals."""
    words = [value.lower() for value in values]
    return S.vm_state.in_(  # type: ignore[no-any-return]
        ["soft-delete" if word == "soft_deleted" else word for word in words])


def _image_property(key: str) -> Callable[[str, Values], Condition]:
    text = type_coerce(S.image, String)
    return lambda name, values: or_(
        *(text.contains(f'"{key}":"{value}"', autoescape=True) for value in values))


def _changed_at() -> Any:
    return func.coalesce(S.updated_at, S.created_at)


def _tags(combine: Callable[[list[Condition]], Condition]) -> Callable[[str, Values], Condition]:
    def condition(name: str, values: Values) -> Condition:
        tags = [servers.tagged(tag) for text in values for tag in text.split(",") if tag]
        return combine(tags) if tags else true()

    return condition


# Every filter that is documented, and what it means; but for status, name, ip and ip6, which look
# at more than a column.
FILTERS: dict[str, Callable[[str, Values], Condition]] = {
    "access_ip_v4": _equal(S.access_ipv4), "access_ip_v6": _equal(S.access_ipv6),
    "auto_disk_config": _disk_config, "availability_zone": _equal(S.zone),
    "changes-before": lambda name, values: _changed_at() <= moment(values[-1], name),
    "changes-since": lambda name, values: _changed_at() >= moment(values[-1], name),
    "config_drive": _truth(S.config_drive), "created_at": _time(S.created_at),
    "deleted": _deleted, "description": _contains(S.description),
    "flavor": _equal(S.flavor_id), "host": _equal(S.host), "hostname": _equal(S.hostname),
    "image": _equal(S.image_id),
    "kernel_id": _image_property("kernel_id"), "key_name": _equal(S.key_name),
    "launch_index": _number(S.launch_index), "launched_at": _time(S.launched_at),
    "locked": _locked, "locked_by": _equal(S.locked_by), "node": _equal(S.node),
    "not-tags": _tags(lambda tags: not_(and_(*tags))),
    "not-tags-any": _tags(lambda tags: not_(or_(*tags))),
    "power_state": _number(S.power_state), "progress": _progress,
    "project_id": _equal(S.project_id), "ramdisk_id": _image_property("ramdisk_id"),
    "reservation_id": _equal(S.reservation_id), "root_device_name": _equal(S.root_device),
    "soft_deleted": _soft_deleted, "tags": _tags(lambda tags: and_(*tags)),
    "tags-any": _tags(lambda tags: or_(*tags)),
    "task_state": _equal(S.task_state), "tenant_id": _equal(S.project_id),
    "terminated_at": _time(S.terminated_at), "user_id": _equal(S.user_id), "uuid": _equal(S.id),
    "vm_state": _vm_state,
}
# What some of them were called of old.
_ALIASES = {"display_name": "name", "display_description": "description", "image_ref": "image"}


# All that says which servers are listed.
PARAMETERS = FILTERS.keys() | _ALIASES.keys() | {"all_tenants", "status", "name", "ip", "ip6"}
# What else a query may say: pages and order, and columns of upstream's that mean nothing here.
_OTHER = {"limit", "marker", "sort_key", "sort_dir", "instance_type_id", "cell_name",
          "default_ephemeral_device", "default_swap_device", "ephemeral_gb", "memory_mb", "root_gb",
          "shutdown_terminate", "user_data", "vcpus", "vm_mode", "architecture",
          "block_device_mapping", "pci_devices", "services", "metadata", "system_metadata",
          "security_groups", "fault",
          "id", "key_data", "tag", "vm_type", "info_cache", "disable_terminate"}


def check_names(ctx: Context, names: Iterable[str]) -> None:
    """Since 2.75 a query says nothing that means nothing. Raises Invalid naming the parameter."""
    unknown = sorted(set(names) - PARAMETERS - _OTHER)
    if unknown and ctx.version >= (2, 75):
        raise Invalid(reason=f"Invalid input for query parameters {unknown[0]}. Additional "
                             f"properties are not allowed ('{unknown[0]}' was unexpected)")


def _where(
    nova: Nova, session: Session, ctx: Context, filters: Mapping[str, Values]
) -> list[Condition] | None:
    """The conditions of a list; None where nothing can match. Raises Invalid, Forbidden."""
    every = nova.policy.allows(ctx, "os_compute_api:servers:allow_all_filters")
    allowed = _FOR_ALL | (_SINCE_283 if ctx.version >= (2, 83) else set())
    given = {_ALIASES.get(name, name): values for name, values in filters.items()
             if (every or name in allowed) and _known(ctx, name, every)}
    since, before = (moment(given[name][-1], name) if name in given else None
                     for name in ("changes-since", "changes-before"))
    check_order(since, before)
    where: list[Condition] = []
    if not truth(filters.get("all_tenants", ["0"])[-1], "all_tenants"):
        where.append(S.project_id == ctx.project)
        given.pop("project_id", None)
        given.pop("tenant_id", None)
    if "deleted" not in given and since is None and before is None:
        where.append(S.deleted.is_(False))
    # One that may be restored is deleted to who does not ask for such, as an admin may.
    among = {"changes-since", "soft_deleted"} & given.keys() or (
        "deleted" in given and truth(given["deleted"][-1], "deleted")) or (
        every and SOFT_STATUS in {word.upper() for word in given.get("status", ())})
    if not among:
        where.append(S.vm_state != SOFT)
    if "status" in given:
        words = [word.upper() for word in given["status"]]
        if "DELETED" in words and not ctx.is_admin:
            raise Forbidden(rule="listing deleted servers")
        if not states.STATUSES & set(words):
            if ctx.version >= (2, 38):
                raise Invalid(reason=f"status: Invalid status value {words[-1]}")
            return None
        where.append(states.having(words))
    where += [FILTERS[name](name, values) for name, values in given.items() if name in FILTERS]
    for name, version in (("ip", 4), ("ip6", 6)):
        where += [_addressed(session, pattern, version, where)
                  for pattern in given.get(name, ())]
    if "name" in given:
        where += [servers.named(session, pattern, where) for pattern in given["name"]]
    return where


def _known(ctx: Context, name: str, every: bool) -> bool:
    """Whether the version has such a filter: for admins ip6 is as old as ip."""
    return ctx.version >= SINCE.get(name, (2, 1)) or (name == "ip6" and every)


def _addressed(
    session: Session, pattern: str, version: int, where: Sequence[ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Those with an address of the IP version that fits the regular expression, among the servers
    that `where` means. Raises Invalid."""
    try:
        fits = patterns.linear(pattern)
    except ValueError as wrong:
        raise Invalid(reason=f"{'ip' if version == 4 else 'ip6'}: {wrong}") from wrong
    coarse = type_coerce(S.vifs, String) != "[]"
    if re.fullmatch("[0-9a-fA-F:]+", pattern):
        coarse = type_coerce(S.vifs, String).contains(pattern, autoescape=True)
    rows = session.execute(select(S.id, S.vifs).where(*where, coarse))
    return S.id.in_([  # type: ignore[no-any-return]
        row.id for row in rows
        if any(address["version"] == version and fits(address["addr"])
               for shown in network.addresses(row.vifs).values() for address in shown)])
