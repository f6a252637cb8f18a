"""Neutron's tables."""

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common.db import (
    Id,
    Json,
    JsonList,
    Moment,
    Name,
    Resource,
    Uuid,
    new_id,
    new_metadata,
    utcnow,
)
from cairn.common.events import EventReaderRow, EventRow
from cairn.common.periodic import PeriodicRow


class Base(DeclarativeBase):
    metadata = new_metadata()


class Standard(Resource):
    """What every resource of neutron's has."""

    name: Mapped[Name] = mapped_column(default="")
    description: Mapped[Name] = mapped_column(default="")
    # Counts changes: what If-Match is held against.
    revision: Mapped[int] = mapped_column(default=0)
    # A copy of the rows of `tags`, in the order clients see them.
    tags: Mapped[JsonList] = mapped_column(default=list)


class Network(Standard, Base):
    """A layer 2 segment, and how the hosts carry it."""

    __tablename__ = "networks"
    # One owner per segment: this constraint is the claim on a VXLAN id, a VLAN, a flat network.
    __table_args__ = (UniqueConstraint("network_type", "physical_network", "segmentation_id"),)

    admin_state_up: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(String(16), default="ACTIVE")
    shared: Mapped[bool] = mapped_column(default=False)
    external: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    mtu: Mapped[int]
    port_security_enabled: Mapped[bool] = mapped_column(default=True)
    network_type: Mapped[str] = mapped_column(String(16))
    # Empty, not NULL, where the type has none: NULLs would not collide.
    physical_network: Mapped[str] = mapped_column(String(64), default="")
    # 0 for flat; NULL for local networks, of which there may be many.
    segmentation_id: Mapped[int | None]
    dns_domain: Mapped[Name] = mapped_column(default="")
    availability_zone_hints: Mapped[JsonList] = mapped_column(default=list)


class Subnet(Standard, Base):
    """A block of addresses on a network."""

    __tablename__ = "subnets"

    network_id: Mapped[Uuid] = mapped_column(ForeignKey("networks.id"), index=True)
    ip_version: Mapped[int]
    cidr: Mapped[str] = mapped_column(String(64))
    gateway_ip: Mapped[str | None] = mapped_column(String(64))
    enable_dhcp: Mapped[bool] = mapped_column(default=True)
    ipv6_ra_mode: Mapped[str | None] = mapped_column(String(16))
    ipv6_address_mode: Mapped[str | None] = mapped_column(String(16))
    # [{"start", "end"}], as they are handed out from.
    allocation_pools: Mapped[JsonList]
    dns_nameservers: Mapped[JsonList] = mapped_column(default=list)
    host_routes: Mapped[JsonList] = mapped_column(default=list)
    service_types: Mapped[JsonList] = mapped_column(default=list)
    subnetpool_id: Mapped[str | None] = mapped_column(ForeignKey("subnetpools.id"), index=True)


class SubnetPool(Standard, Base):
    """Prefixes that subnets may be cut from."""

    __tablename__ = "subnetpools"

    ip_version: Mapped[int]
    prefixes: Mapped[JsonList]
    default_prefixlen: Mapped[int]
    min_prefixlen: Mapped[int]
    max_prefixlen: Mapped[int]
    default_quota: Mapped[int | None]
    shared: Mapped[bool] = mapped_column(default=False)
    is_default: Mapped[bool] = mapped_column(default=False)
    # Moves with every cut, so that two at once cannot take the same prefix.
    cuts: Mapped[int] = mapped_column(default=0)


class Port(Standard, Base):
    """Where something is plugged into a network."""

    __tablename__ = "ports"
    __table_args__ = (
        UniqueConstraint("network_id", "mac_address"),
        Index("ix_ports_device_id_device_owner", "device_id", "device_owner"),
        Index("ix_ports_host_network_id", "host", "network_id"),
    )

    network_id: Mapped[Uuid] = mapped_column(ForeignKey("networks.id"))
    # The network's project, who may see the port too. Networks do not change hands.
    network_owner: Mapped[Id] = mapped_column(index=True)
    mac_address: Mapped[str] = mapped_column(String(32))
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(String(16), default="DOWN")
    device_id: Mapped[Name] = mapped_column(default="")
    device_owner: Mapped[Name] = mapped_column(default="")
    # Copies of the port's rows in ip_allocations and port_security_groups, written with them: a
    # port is read a hundred times for once it is changed.
    fixed_ips: Mapped[JsonList] = mapped_column(default=list)
    security_groups: Mapped[JsonList] = mapped_column(default=list)
    port_security_enabled: Mapped[bool] = mapped_column(default=True)
    allowed_address_pairs: Mapped[JsonList] = mapped_column(default=list)
    extra_dhcp_opts: Mapped[JsonList] = mapped_column(default=list)
    dns_name: Mapped[Name] = mapped_column(default="")
    # Since when it has that name, NULL: as long as it is there. Who had a name first keeps it.
    named_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    dns_domain: Mapped[Name] = mapped_column(default="")
    # The binding. An empty host is nobody's.
    host: Mapped[Name] = mapped_column(default="")
    vnic_type: Mapped[str] = mapped_column(String(32), default="normal")
    vif_type: Mapped[str] = mapped_column(String(32), default="unbound")
    vif_details: Mapped[Json] = mapped_column(default=dict)
    profile: Mapped[Json] = mapped_column(default=dict)


class IpAllocation(Base):
    """An address that is taken. The key is the claim: inserting it twice fails."""

    __tablename__ = "ip_allocations"

    subnet_id: Mapped[Uuid] = mapped_column(ForeignKey("subnets.id"), primary_key=True)
    # The address as 32 hexadecimal digits, so that addresses of both kinds sort by number.
    address: Mapped[str] = mapped_column(String(32), primary_key=True)
    # No foreign key: the claim comes before the port that is made with it.
    port_id: Mapped[Uuid] = mapped_column(index=True)
    ip_address: Mapped[str] = mapped_column(String(64), index=True)


class SecurityGroup(Standard, Base):
    """Rules that the ports in it share."""

    __tablename__ = "security_groups"

    stateful: Mapped[bool] = mapped_column(default=True)
    # The project again where this is its default group, of which it has one; else NULL.
    default_of: Mapped[str | None] = mapped_column(String(64), unique=True)


class SecurityGroupRule(Resource, Base):
    """What a group lets in or out."""

    __tablename__ = "security_group_rules"
    # The fingerprint is of all that makes two rules the same.
    __table_args__ = (UniqueConstraint("security_group_id", "fingerprint"),)

    description: Mapped[Name] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=0)
    security_group_id: Mapped[Uuid] = mapped_column(ForeignKey("security_groups.id"))
    direction: Mapped[str] = mapped_column(String(8))
    ethertype: Mapped[str] = mapped_column(String(8))
    protocol: Mapped[str | None] = mapped_column(String(40))
    port_range_min: Mapped[int | None]
    port_range_max: Mapped[int | None]
    remote_ip_prefix: Mapped[str | None] = mapped_column(String(64))
    # The prefix as it was given, without the bits of a host.
    normalized_cidr: Mapped[str | None] = mapped_column(String(64))
    remote_group_id: Mapped[str | None] = mapped_column(
        ForeignKey("security_groups.id"), index=True
    )
    fingerprint: Mapped[str] = mapped_column(String(64))


class PortSecurityGroup(Base):
    """A port's membership in a group."""

    __tablename__ = "port_security_groups"

    port_id: Mapped[Uuid] = mapped_column(primary_key=True)
    security_group_id: Mapped[Uuid] = mapped_column(
        ForeignKey("security_groups.id"), primary_key=True, index=True
    )


class Router(Standard, Base):
    """Routes between its interfaces, and out through its gateway."""

    __tablename__ = "routers"

    admin_state_up: Mapped[bool] = mapped_column(default=True)
    status: Mapped[str] = mapped_column(String(16), default="ACTIVE")
    gateway_port_id: Mapped[str | None] = mapped_column(ForeignKey("ports.id"), unique=True)
    gateway_network_id: Mapped[str | None] = mapped_column(ForeignKey("networks.id"), index=True)
    enable_snat: Mapped[bool] = mapped_column(default=True)
    routes: Mapped[JsonList] = mapped_column(default=list)
    availability_zone_hints: Mapped[JsonList] = mapped_column(default=list)
    # The network node that carries it; empty while none does.
    host: Mapped[Name] = mapped_column(default="", index=True)


class RouterInterface(Base):
    """A subnet that a router serves. The key keeps a router from being plugged in twice."""

    __tablename__ = "router_interfaces"

    router_id: Mapped[Uuid] = mapped_column(ForeignKey("routers.id"), primary_key=True)
    subnet_id: Mapped[Uuid] = mapped_column(ForeignKey("subnets.id"), primary_key=True, index=True)
    port_id: Mapped[Uuid] = mapped_column(ForeignKey("ports.id"), index=True)


class FloatingIp(Standard, Base):
    """An address of an external network that a router translates to a port's."""

    __tablename__ = "floatingips"
    # A fixed address has one floating address per external network.
    __table_args__ = (UniqueConstraint("floating_network_id", "port_id", "fixed_ip_address"),)

    status: Mapped[str] = mapped_column(String(16), default="DOWN")
    floating_network_id: Mapped[Uuid] = mapped_column(ForeignKey("networks.id"))
    floating_ip_address: Mapped[str] = mapped_column(String(64), index=True)
    floating_port_id: Mapped[Uuid] = mapped_column(ForeignKey("ports.id"), unique=True)
    port_id: Mapped[str | None] = mapped_column(ForeignKey("ports.id"), index=True)
    fixed_ip_address: Mapped[str | None] = mapped_column(String(64))
    router_id: Mapped[str | None] = mapped_column(ForeignKey("routers.id"), index=True)
    dns_name: Mapped[Name] = mapped_column(default="")
    dns_domain: Mapped[Name] = mapped_column(default="")


class DhcpServer(Base):
    """A network's DHCP on a host, and the port it answers from."""

    __tablename__ = "dhcp_servers"

    network_id: Mapped[Uuid] = mapped_column(ForeignKey("networks.id"), primary_key=True)
    host: Mapped[Name] = mapped_column(primary_key=True, index=True)
    # NULL while no subnet of the network wants DHCP.
    port_id: Mapped[str | None] = mapped_column(ForeignKey("ports.id"), unique=True)


class Agent(Base):
    """What a neutron-agent said of itself: one row for each thing it does."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("agent_type", "host"),)

    id: Mapped[Uuid] = mapped_column(primary_key=True, default=new_id)
    agent_type: Mapped[Id]
    host: Mapped[Name] = mapped_column(index=True)
    binary: Mapped[Id]
    topic: Mapped[Id] = mapped_column(default="")
    tunnel_ip: Mapped[Id] = mapped_column(default="")
    admin_state_up: Mapped[bool] = mapped_column(default=True)
    description: Mapped[Name] = mapped_column(default="")
    availability_zone: Mapped[Id] = mapped_column(default="")
    configurations: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)
    started_at: Mapped[dt.datetime] = mapped_column(Moment)
    heartbeat_at: Mapped[dt.datetime] = mapped_column(Moment)


class Tag(Base):
    """A label on a resource of any kind."""

    __tablename__ = "tags"

    resource_id: Mapped[Uuid] = mapped_column(primary_key=True)
    tag: Mapped[Name] = mapped_column(primary_key=True, index=True)


class Quota(Base):
    """A limit set for one project."""

    __tablename__ = "quotas"

    project_id: Mapped[Id] = mapped_column(primary_key=True)
    resource: Mapped[Id] = mapped_column(primary_key=True)
    limit: Mapped[int]


class QuotaUsage(Base):
    """What a project has, counted by guarded UPDATE in the transaction that makes the thing."""

    __tablename__ = "quota_usages"

    project_id: Mapped[Id] = mapped_column(primary_key=True)
    resource: Mapped[Id] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(default=0)


class Periodic(PeriodicRow, Base):
    """What one of neutron's processes does from time to time."""


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""
