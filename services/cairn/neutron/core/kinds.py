"""The kinds of resources: who may see which rows, and what clients may filter and sort by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, bindparam, false, func, or_, select, true
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.listing import FALSE
from cairn.common.policy import Policy
from cairn.neutron import errors
from cairn.neutron.core.values import parse_boolean, parse_moment
from cairn.neutron.db import models as m

Columns = Mapping[str, ColumnElement[Any]]
Filter = Callable[[Sequence[str]], ColumnElement[bool]]

NETWORKS: Table = m.Network.__table__  # type: ignore[assignment]
SUBNETS: Table = m.Subnet.__table__  # type: ignore[assignment]
POOLS: Table = m.SubnetPool.__table__  # type: ignore[assignment]
PORTS: Table = m.Port.__table__  # type: ignore[assignment]
ROUTERS: Table = m.Router.__table__  # type: ignore[assignment]
FLOATING: Table = m.FloatingIp.__table__  # type: ignore[assignment]
GROUPS: Table = m.SecurityGroup.__table__  # type: ignore[assignment]
RULES: Table = m.SecurityGroupRule.__table__  # type: ignore[assignment]
AGENTS: Table = m.Agent.__table__  # type: ignore[assignment]
TAGS: Table = m.Tag.__table__  # type: ignore[assignment]
ALLOCATIONS: Table = m.IpAllocation.__table__  # type: ignore[assignment]
MEMBERS: Table = m.PortSecurityGroup.__table__  # type: ignore[assignment]
INTERFACES: Table = m.RouterInterface.__table__  # type: ignore[assignment]
DHCP: Table = m.DhcpServer.__table__  # type: ignore[assignment]


@dataclass(frozen=True)
class Kind:
    """One resource as the API names it."""

    name: str
    table: Table
    missing: type[errors.Missing]
    # Attributes that are columns of another name.
    renamed: Mapping[str, str] = field(default_factory=dict)
    # Columns that clients know nothing of.
    inner: frozenset[str] = frozenset()
    # What the caller sees beside what the project owns.
    shown: Callable[[Any], ColumnElement[bool]] | None = None
    # The kind of resource that it is seen with, where it has no rule of its own for that.
    shown_with: str | None = None
    # Filters that are more than a column's value.
    filters: Mapping[str, Filter] = field(default_factory=dict)
    plural: str = ""
    owned: bool = True

    @property
    def many(self) -> str:
        return self.plural or self.name + "s"

    @cached_property
    def columns(self) -> dict[str, ColumnElement[Any]]:
        """What clients may filter and sort by, by their names for it."""
        hidden = set(self.renamed.values()) | self.inner
        named: dict[str, ColumnElement[Any]] = {
            c.name: c for c in self.table.c if c.name not in hidden
        }
        named |= {name: self.table.c[column] for name, column in self.renamed.items()}
        if self.owned:
            named["tenant_id"] = self.table.c.project_id
        return named

    @cached_property
    def findable(self) -> dict[str, type]:
        """The filters that find something, and whether their values are bool, int or str. Lists and
        times are not among them: nobody can write a value that is equal to one."""
        types = {name: column.type.python_type for name, column in self.columns.items()}
        plain = {name: type_ for name, type_ in types.items() if type_ in (bool, int, str)}
        return plain | dict.fromkeys(self.filters, str)

    @property
    def labelled(self) -> bool:
        """Whether it has tags."""
        return "tags" in self.table.c


def unscoped(ctx: Context) -> bool:
    """Whether the caller sees every project's things: administrators, and the cloud's services."""
    return ctx.is_admin or ctx.is_service


def scoped(query: Select[Any], ctx: Context, kind: Kind) -> Select[Any]:
    """The query, but only of rows that the caller may see: `unscoped` callers see all, others what
    their project owns and what the kind shows beside that."""
    if unscoped(ctx) or not kind.owned:
        return query
    return query.where(_mine(kind, ctx.project))


def _mine(kind: Kind, project: Any) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = kind.table.c.project_id == project
    return mine if kind.shown is None else or_(mine, kind.shown(project))


@cache
def _by_id(kind: str, everything: bool) -> Select[Any]:
    """Built once: this is the question asked most."""
    sort = KINDS[kind]
    query = select(sort.table).where(sort.table.c.id == bindparam("id"))
    return query if everything else query.where(_mine(sort, bindparam("project")))


@cache
def _every(kind: str, everything: bool) -> Select[Any]:
    sort = KINDS[kind]
    query = select(sort.table).order_by(sort.table.c.id)
    return query if everything else query.where(_mine(sort, bindparam("project")))


def list_seen(session: Session, ctx: Context, kind: Kind) -> Sequence[Row[Any]]:
    """All rows that the caller may see, by id."""
    query = _every(kind.name, unscoped(ctx) or not kind.owned)
    return session.execute(query, {"project": ctx.project}).all()


def find(session: Session, ctx: Context, kind: Kind, id: str) -> Row[Any]:
    """The row, if the caller may know of it. Raises the kind's NotFound."""
    query = _by_id(kind.name, unscoped(ctx) or not kind.owned)
    row = session.execute(query, {"id": id, "project": ctx.project}).first()
    if row is None:
        raise kind.missing(id)
    return row


def claim(session: Session, ctx: Context, kind: Kind, id: str) -> Row[Any]:
    """As `find`, and the row is ours until the transaction ends."""
    query = _by_id(kind.name, unscoped(ctx) or not kind.owned).with_for_update()
    row = session.execute(query, {"id": id, "project": ctx.project}).first()
    if row is None:
        raise kind.missing(id)
    return row


def target(row: Any, **more: Any) -> dict[str, Any]:
    """What policy is told of a row."""
    return {"project_id": row.project_id, "tenant_id": row.project_id, **more}


def network_target(row: Any) -> dict[str, Any]:
    """What policy is told of a network, whose project rules may also call the network's owner."""
    return target(
        row, shared=row.shared, **{"router:external": row.external},
        **{"network:tenant_id": row.project_id, "network:project_id": row.project_id},
    )


def port_target(row: Any) -> dict[str, Any]:
    """What policy is told of a port: beside its own project, that which owns its network."""
    return target(
        row, device_owner=row.device_owner,
        **{"network:tenant_id": row.network_owner, "network:project_id": row.network_owner},
    )


def guard(
    policy: Policy, ctx: Context, action: str, given: Mapping[str, Any], about: Mapping[str, Any]
) -> None:
    """Hold the caller against `action` on `about`, and against its rule for each given attribute
    that has one. Raises Forbidden."""
    policy.enforce(ctx, action, about)
    for name, value in given.items():
        rule = f"{action}:{name}"
        if rule in policy.declared:
            policy.enforce(ctx, rule, about)
            inner = value if isinstance(value, list) else [value]
            keys = {key for part in inner if isinstance(part, dict) for key in part}
            for key in sorted(keys):
                if f"{rule}:{key}" in policy.declared:
                    policy.enforce(ctx, f"{rule}:{key}", about)


def _seen_networks(project: Any) -> ColumnElement[bool]:
    return or_(NETWORKS.c.shared.is_(True), NETWORKS.c.external.is_(True))


def _seen_subnets(project: Any) -> ColumnElement[bool]:
    # Those of external networks too: the extension subnet-external-network says so.
    seen = or_(NETWORKS.c.project_id == project, _seen_networks(project))
    return SUBNETS.c.network_id.in_(select(NETWORKS.c.id).where(seen))


def _fixed_ips(values: Sequence[str]) -> ColumnElement[bool]:
    """fixed_ips=ip_address=A, subnet_id=S, ip_address_substr=P: any of one, all of the names."""
    given: dict[str, list[str]] = {}
    for value in values:
        name, _, asked = value.partition("=")
        given.setdefault(name, []).append(asked)
    query = select(ALLOCATIONS.c.port_id)
    for name, parts in given.items():
        if name == "ip_address":
            query = query.where(ALLOCATIONS.c.ip_address.in_(parts))
        elif name == "subnet_id":
            query = query.where(ALLOCATIONS.c.subnet_id.in_(parts))
        elif name == "ip_address_substr":
            query = query.where(or_(*(
                ALLOCATIONS.c.ip_address.contains(part, autoescape=True) for part in parts
            )))
        else:
            raise errors.BadAttribute(name="fixed_ips", reason=f"'{name}' is no part of a fixed IP")
    return PORTS.c.id.in_(query)


def _members(values: Sequence[str]) -> ColumnElement[bool]:
    chosen = select(MEMBERS.c.port_id).where(MEMBERS.c.security_group_id.in_(values))
    return PORTS.c.id.in_(chosen)


def _of_network(name: str, column: ColumnElement[bool]) -> Filter:
    """Subnets by what their network is."""

    def of(values: Sequence[str]) -> ColumnElement[bool]:
        asked = [parse_boolean(name, value) for value in values]
        return SUBNETS.c.network_id.in_(select(NETWORKS.c.id).where(column.in_(asked)))

    return of


def _always(value: str | None) -> Filter:
    """An attribute that every resource of the kind has alike: None, or a word as clients spell
    it."""
    spelt = {None: {"", "none", "null"}, "false": FALSE}.get(value, {value})
    return lambda values: true() if any(v.lower() in spelt for v in values) else false()


def _in_any_case(column: ColumnElement[Any], spell: Callable[[str], str]) -> Filter:
    """A column of words of ours, all of one case, that clients may spell in any."""
    return lambda values: column.in_([spell(value) for value in values])


def _agent_type(values: Sequence[str]) -> ColumnElement[bool]:
    """In any case: Tempest asks for "DHCP Agent"."""
    return func.lower(AGENTS.c.agent_type).in_([value.lower() for value in values])


def _ip_allocation(values: Sequence[str]) -> ColumnElement[bool]:
    """Ports with addresses have them at once ("immediate"); others want none."""
    has = PORTS.c.id.in_(select(ALLOCATIONS.c.port_id))
    return or_(false(), *(has if v == "immediate" else ~has for v in values
                          if v in ("immediate", "none")))


def _changed_since(table: Table) -> dict[str, Filter]:
    def since(values: Sequence[str]) -> ColumnElement[bool]:
        when = max(parse_moment("changed_since", value) for value in values)
        changed: ColumnElement[bool] = table.c.updated_at >= when
        return changed

    return {"changed_since": since}


COMMON = frozenset({"tags"})

NETWORK = Kind(
    "network", NETWORKS, errors.NetworkNotFound, shown=_seen_networks, inner=COMMON,
    renamed={
        "router:external": "external", "provider:network_type": "network_type",
        "provider:physical_network": "physical_network",
        "provider:segmentation_id": "segmentation_id", "revision_number": "revision",
    },
    filters={"status": _in_any_case(NETWORKS.c.status, str.upper), **_changed_since(NETWORKS)},
)
SUBNET = Kind(
    "subnet", SUBNETS, errors.SubnetNotFound, shown=_seen_subnets, shown_with="network",
    inner=COMMON, renamed={"revision_number": "revision"},
    filters={
        "shared": _of_network("shared", NETWORKS.c.shared), "segment_id": _always(None),
        "router:external": _of_network("router:external", NETWORKS.c.external),
        "dns_publish_fixed_ip": _always("false"), **_changed_since(SUBNETS),
    },
)
SUBNETPOOL = Kind(
    "subnetpool", POOLS, errors.SubnetPoolNotFound, inner=COMMON | {"cuts", "prefixes"},
    shown=lambda project: POOLS.c.shared.is_(True), renamed={"revision_number": "revision"},
    filters={"address_scope_id": _always(None), **_changed_since(POOLS)},
)
PORT = Kind(
    "port", PORTS, errors.PortNotFound, shown=lambda project: PORTS.c.network_owner == project,
    inner=COMMON | {"network_owner", "fixed_ips", "security_groups", "profile", "vif_details",
                    "named_at"},
    renamed={
        "binding:host_id": "host", "binding:vnic_type": "vnic_type",
        "binding:vif_type": "vif_type", "revision_number": "revision",
    },
    filters={
        "fixed_ips": _fixed_ips, "security_groups": _members, "ip_allocation": _ip_allocation,
        "mac_address": _in_any_case(PORTS.c.mac_address, str.lower),
        "status": _in_any_case(PORTS.c.status, str.upper),
        **_changed_since(PORTS),
    },
)
ROUTER = Kind(
    "router", ROUTERS, errors.RouterNotFound,
    inner=COMMON | {"host", "gateway_port_id", "gateway_network_id", "enable_snat", "routes"},
    renamed={"revision_number": "revision"},
    filters={
        "enable_ndp_proxy": _always("false"), "distributed": _always("false"),
        "ha": _always("false"), "status": _in_any_case(ROUTERS.c.status, str.upper),
        **_changed_since(ROUTERS),
    },
)
FLOATINGIP = Kind(
    "floatingip", FLOATING, errors.FloatingIPNotFound, inner=COMMON | {"floating_port_id", "name"},
    renamed={"revision_number": "revision"},
    filters={"status": _in_any_case(FLOATING.c.status, str.upper), **_changed_since(FLOATING)},
)
SECURITY_GROUP = Kind(
    "security_group", GROUPS, errors.SecurityGroupNotFound, inner=COMMON | {"default_of"},
    renamed={"revision_number": "revision"},
    filters={"shared": _always("false"), **_changed_since(GROUPS)},
)
SECURITY_GROUP_RULE = Kind(
    "security_group_rule", RULES, errors.SecurityGroupRuleNotFound,
    inner=frozenset({"fingerprint"}), renamed={"revision_number": "revision"},
    filters={
        "remote_address_group_id": _always(None), "belongs_to_default_sg": _always(None),
        **_changed_since(RULES),
    },
)
AGENT = Kind(
    "agent", AGENTS, errors.AgentNotFound, owned=False,
    inner=frozenset({"tunnel_ip", "configurations"}),
    renamed={"started_at": "started_at", "heartbeat_timestamp": "heartbeat_at"},
    filters={"agent_type": _agent_type},
)

KINDS = {kind.name: kind for kind in (
    NETWORK, SUBNET, SUBNETPOOL, PORT, ROUTER, FLOATINGIP, SECURITY_GROUP, SECURITY_GROUP_RULE,
    AGENT,
)}
