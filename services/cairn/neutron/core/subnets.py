"""What it means to make, change and delete a subnet."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from cairn.common.db import new_id, utcnow
from cairn.common.errors import Invalid
from cairn.neutron import errors
from cairn.neutron.core import addresses, dhcp, ports, quotas, subnetpools, tags
from cairn.neutron.core.addresses import GIVEN_OWNERS
from cairn.neutron.core.ips import Address, Network
from cairn.neutron.core.kinds import (
    ALLOCATIONS,
    INTERFACES,
    NETWORK,
    NETWORKS,
    PORTS,
    SUBNET,
    SUBNETS,
    find,
    target,
)
from cairn.neutron.core.resources import Request, Resource, check_create, made
from cairn.neutron.core.write import Write

Pool = dict[str, str]

# The smallest packets that IPv4 (RFC 791) and IPv6 (RFC 8200) demand of a link.
LEAST_MTU = {4: 68, 6: 1280}
MULTICAST = (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

ROUTER_PORTS = ("network:router_interface", "network:router_gateway")


def span(net: Network) -> tuple[int, int]:
    """The first and last address that a host may have."""
    first, last = int(net.network_address), int(net.broadcast_address)
    if net.version == 4 and net.prefixlen < 31:
        return first + 1, last - 1
    if net.version == 6 and net.prefixlen < 127:
        return first + 1, last
    return first, last


def _address(net: Network, number: int) -> str:
    return str(IPv4Address(number) if net.version == 4 else IPv6Address(number))


def default_pools(net: Network, gateway: Address | None) -> list[Pool]:
    """All of the subnet but the gateway."""
    first, last = span(net)
    spans = [(first, last)]
    if gateway is not None and first <= int(gateway) <= last:
        spans = [(first, int(gateway) - 1), (int(gateway) + 1, last)]
    return [{"start": _address(net, a), "end": _address(net, b)} for a, b in spans if a <= b]


def checked_pools(
    net: Network, gateway: Address | None, given: Sequence[Mapping[str, str]]
) -> list[Pool]:
    """Raises InvalidAllocationPool, OutOfBoundsAllocationPool, OverlappingAllocationPools,
    GatewayConflictWithAllocationPools."""
    first, last = span(net)
    spans = []
    for pool in given:
        start = addresses.parse(pool["start"], "allocation_pools")
        end = addresses.parse(pool["end"], "allocation_pools")
        text = f"{start}-{end}"
        if start.version != net.version or end.version != net.version or int(start) > int(end):
            raise errors.InvalidAllocationPool(pool=text)
        if int(start) < first or int(end) > last:
            raise errors.OutOfBoundsAllocationPool(pool=text, cidr=net)
        if gateway is not None and int(start) <= int(gateway) <= int(end):
            raise errors.GatewayConflictWithAllocationPools(ip=gateway, pool=text)
        spans.append((int(start), int(end)))
    spans.sort()
    for (a, b), (c, d) in zip(spans, spans[1:], strict=False):
        if c <= b:
            raise errors.OverlappingAllocationPools(
                one=f"{_address(net, a)}-{_address(net, b)}",
                other=f"{_address(net, c)}-{_address(net, d)}", cidr=net,
            )
    return [{"start": _address(net, a), "end": _address(net, b)} for a, b in spans]


def _gateway(net: Network, request: Mapping[str, Any]) -> Address | None:
    if "gateway_ip" not in request:
        first, last = span(net)
        return ip_address(_address(net, first)) if first <= last else None
    if request["gateway_ip"] is None:
        return None
    return checked_gateway(net, request["gateway_ip"])


def check_version(net: Network, name: str, value: Address | Network) -> None:
    """Raises InvalidInput where a value is of another IP version than its subnet."""
    if value.version != net.version:
        raise errors.InvalidInput(
            reason=f"{name} '{value}' does not match the ip_version '{net.version}'")


def checked_gateway(net: Network, text: str) -> Address:
    """Raises InvalidInput, BadAttribute."""
    gateway = addresses.parse(text, "gateway_ip")
    check_version(net, "gateway_ip", gateway)
    ends = (net.network_address, net.broadcast_address) if net.version == 4 else ()
    nobody = gateway.is_multicast or gateway.is_loopback or gateway.is_unspecified
    if nobody or (net.prefixlen < 31 and gateway in ends):
        raise errors.InvalidInput(reason="Gateway is not valid on subnet")
    return gateway


def checked_servers(net: Network, limit: int, given: Sequence[str]) -> list[str]:
    """The DNS servers of a subnet, as they are stored. Raises Invalid."""
    if len(given) > limit:
        raise errors.DNSNameServersExhausted(limit=limit)
    servers = [addresses.parse(server, "dns_nameservers") for server in given]
    for server in servers:
        check_version(net, "dns_nameserver", server)
    if len(set(servers)) < len(servers):
        raise errors.BadAttribute(name="dns_nameservers", reason="Duplicate nameserver.")
    return [str(server) for server in servers]


def checked_routes(
    net: Network, limit: int, given: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The host routes of a subnet, as they are stored. Raises Invalid."""
    if len(given) > limit:
        raise errors.HostRoutesExhausted(limit=limit)
    routes = []
    for route in given:
        destination = addresses.parse_network(route["destination"], "host_routes.destination")
        hop = addresses.parse(route["nexthop"], "host_routes.nexthop")
        check_version(net, "nexthop", hop)
        check_version(net, "destination", destination)
        routes.append({"destination": str(destination), "nexthop": str(hop)})
    if len({tuple(route.values()) for route in routes}) < len(routes):
        raise errors.BadAttribute(name="host_routes", reason="Duplicate hostroute.")
    return routes


def check_mtu(network_id: str, mtu: int, versions: Collection[int]) -> None:
    """Raises NetworkMTUSubnetConflict where the network's packets are too small for what IP
    promises its hosts."""
    least = max((LEAST_MTU[version] for version in versions), default=0)
    if mtu < least:
        raise errors.NetworkMTUSubnetConflict(id=network_id, mtu=least)


def _check_modes(net: Network, request: Mapping[str, Any]) -> None:
    ra, mode = request.get("ipv6_ra_mode"), request.get("ipv6_address_mode")
    dhcp_on = request.get("enable_dhcp", True)
    if (ra or mode) and net.version == 4:
        raise errors.InvalidInput(
            reason="ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4"
        )
    if (ra or mode) and not dhcp_on:
        raise errors.InvalidInput(
            reason="ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to "
            "False"
        )
    if ra and mode and ra != mode:
        raise errors.InvalidInput(
            reason=f"ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{mode}' is not "
            "valid. If both attributes are set, they must be the same value"
        )
    if mode in ("slaac", "dhcpv6-stateless") and net.prefixlen != 64:
        raise errors.InvalidInput(
            reason=f"Invalid CIDR {net} for IPv6 address mode. OpenStack uses the EUI-64 address "
            "format, which requires the prefix to be /64"
        )
    if dhcp_on and net.version == 4 and int(net.network_address) == 0:
        raise errors.InvalidInput(
            reason="First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")
    if dhcp_on and net.max_prefixlen - net.prefixlen < 2:
        raise errors.InvalidInput(
            reason=f"Subnet {net} is too small for DHCP (enable_dhcp): it has no room for hosts"
        )


def _within(net: Network, other: Network) -> bool:
    return net.version == other.version and other.supernet_of(net)  # type: ignore[arg-type]


def _check_hosts_may_have(net: Network) -> None:
    """Raises InvalidInput for prefixes whose addresses are no host's, with or without DHCP."""
    for kind, reserved in (("Multicast", MULTICAST), ("Loopback", LOOPBACK)):
        if any(_within(net, other) for other in reserved):
            raise errors.InvalidInput(reason=f"{kind} IP subnet is not supported")


def create(w: Write, network: Row[Any], request: Mapping[str, Any]) -> str:
    """The new subnet's id. Raises Invalid, Conflict."""
    settings = w.neutron.settings
    id = new_id()
    # The row is held until the commit: two subnets of one network are made one after the other.
    w.session.execute(
        update(NETWORKS).where(NETWORKS.c.id == network.id)
        .values(revision=NETWORKS.c.revision + 1)
    )
    pool_id, net = subnetpools.cut(w, request)
    if net.version != request["ip_version"]:
        raise errors.InvalidInput(
            reason=f"The cidr {net} does not match ip_version {request['ip_version']}"
        )
    others = w.session.execute(
        select(SUBNETS.c.cidr, SUBNETS.c.subnetpool_id).where(
            SUBNETS.c.network_id == network.id, SUBNETS.c.ip_version == net.version)
    ).all()
    if any(pool != pool_id for _, pool in others):
        raise errors.NetworkSubnetPoolAffinityError
    if any(net.overlaps(ip_network(cidr)) for cidr, _ in others):
        raise errors.InvalidInput(
            reason=f"Requested subnet with cidr: {net} for network: {network.id} overlaps with "
            "another subnet."
        )
    mtu = w.session.scalar(select(NETWORKS.c.mtu).where(NETWORKS.c.id == network.id))
    check_mtu(network.id, mtu or 0, [net.version])
    _check_hosts_may_have(net)
    _check_modes(net, request)
    gateway = _gateway(net, request)
    given_pools = request.get("allocation_pools")
    pools = (default_pools(net, gateway) if given_pools is None
             else checked_pools(net, gateway, given_pools))
    now = utcnow()
    w.session.execute(insert(SUBNETS).values(
        id=id, project_id=request["project_id"], created_at=now, updated_at=now, revision=0,
        name=request.get("name", ""), description=request.get("description", ""), tags=[],
        network_id=network.id, ip_version=net.version, cidr=str(net),
        gateway_ip=str(gateway) if gateway else None, enable_dhcp=request.get("enable_dhcp", True),
        ipv6_ra_mode=request.get("ipv6_ra_mode"),
        ipv6_address_mode=request.get("ipv6_address_mode"),
        allocation_pools=pools, subnetpool_id=pool_id,
        dns_nameservers=checked_servers(
            net, settings.max_subnet_nameservers, request.get("dns_nameservers") or []),
        host_routes=checked_routes(
            net, settings.max_host_routes, request.get("host_routes") or []),
        service_types=request.get("service_types") or [],
    ))
    if request.get("tags"):
        tags.replace(w, SUBNET, id, request["tags"])
    _address_hosts(w, id)
    if network.external:
        _address_gateways(w, network.id, id)
    dhcp.ensure(w, network.id)
    quotas.take(w, request["project_id"], "subnet")
    w.networks.add(network.id)
    return id


def _address_hosts(w: Write, subnet_id: str) -> None:
    """On a subnet whose hosts make their own address up, the ports there are have one at once."""
    subnet = w.session.execute(select(SUBNETS).where(SUBNETS.c.id == subnet_id)).one()
    if not addresses.automatic(subnet):
        return
    for port in w.session.execute(select(PORTS).where(
        PORTS.c.network_id == subnet.network_id, PORTS.c.device_owner.not_in(GIVEN_OWNERS)
    ).with_for_update()).all():
        address = addresses.eui64(subnet.cidr, port.mac_address)
        if addresses.take(w, subnet, port.id, address):
            fixed = {"subnet_id": subnet.id, "ip_address": str(address)}
            ports.set_fixed_ips(w, port, [*port.fixed_ips, fixed])


def _address_gateways(w: Write, network_id: str, subnet_id: str) -> None:
    """Routers' gateways that had no address of the subnet's IP version get one."""
    subnet = w.session.execute(select(SUBNETS).where(SUBNETS.c.id == subnet_id)).one()
    for port in w.session.execute(select(PORTS).where(
        PORTS.c.network_id == network_id, PORTS.c.device_owner == "network:router_gateway"
    ).with_for_update()).all():
        if any(ip_address(f["ip_address"]).version == subnet.ip_version for f in port.fixed_ips):
            continue
        fixed = addresses.take_any(w, subnet, port.id)
        if fixed is not None:
            ports.set_fixed_ips(w, port, [*port.fixed_ips, fixed])


def _check_done(request: Mapping[str, Any]) -> None:
    """Raises Invalid for what no subnet here can have."""
    for name in ("segment_id", "dns_publish_fixed_ip"):
        if request.get(name):
            raise Invalid(reason=f"{name} is not supported")


def change(w: Write, subnet: Row[Any], request: Mapping[str, Any]) -> None:
    """`subnet` is held by the transaction. Raises Invalid, Conflict."""
    _check_done(request)
    settings = w.neutron.settings
    net = ip_network(subnet.cidr)
    values: dict[str, Any] = {
        name: request[name] for name in ("name", "description", "enable_dhcp", "service_types")
        if name in request
    }
    gateway = ip_address(subnet.gateway_ip) if subnet.gateway_ip else None
    if "gateway_ip" in request:
        text = request["gateway_ip"]
        new = checked_gateway(net, text) if text else None
        if new != gateway:
            _gateway_is_free(w, subnet)
        gateway = new
        values["gateway_ip"] = str(new) if new else None
    if request.get("allocation_pools") is not None:
        values["allocation_pools"] = checked_pools(net, gateway, request["allocation_pools"])
    elif "gateway_ip" in values:
        checked_pools(net, gateway, subnet.allocation_pools)
    if "dns_nameservers" in request:
        values["dns_nameservers"] = checked_servers(
            net, settings.max_subnet_nameservers, request["dns_nameservers"] or [])
    if "host_routes" in request:
        values["host_routes"] = checked_routes(
            net, settings.max_host_routes, request["host_routes"] or [])
    if request.get("enable_dhcp") is not None:
        _check_modes(net, {**subnet._mapping, "enable_dhcp": request["enable_dhcp"]})
    w.session.execute(
        update(SUBNETS).where(SUBNETS.c.id == subnet.id)
        .values(**values, revision=SUBNETS.c.revision + 1, updated_at=utcnow())
    )
    w.record("subnet", "update", subnet, **values)
    if "enable_dhcp" in values:
        dhcp.ensure(w, subnet.network_id)
    w.networks.add(subnet.network_id)


def _gateway_is_free(w: Write, subnet: Row[Any]) -> None:
    """A router that answers at the gateway's address would be cut off."""
    if subnet.gateway_ip is None:
        return
    user = w.session.execute(
        select(PORTS.c.id).join(ALLOCATIONS, ALLOCATIONS.c.port_id == PORTS.c.id).where(
            ALLOCATIONS.c.subnet_id == subnet.id, ALLOCATIONS.c.ip_address == subnet.gateway_ip,
            PORTS.c.device_owner == "network:router_interface",
        )
    ).scalar()
    if user is not None:
        raise errors.GatewayIpInUse(ip=subnet.gateway_ip, port=user)


def delete(w: Write, subnet: Row[Any]) -> None:
    """Raises SubnetInUse."""
    w.session.execute(
        update(NETWORKS).where(NETWORKS.c.id == subnet.network_id)
        .values(revision=NETWORKS.c.revision + 1)
    )
    users = w.session.execute(
        select(PORTS).join(ALLOCATIONS, ALLOCATIONS.c.port_id == PORTS.c.id)
        .where(ALLOCATIONS.c.subnet_id == subnet.id).with_for_update()
    ).all()
    own = [p for p in users if p.device_owner == "network:dhcp" or (
        addresses.automatic(subnet) and p.device_owner not in ROUTER_PORTS)]
    if len(own) < len(users):
        raise errors.SubnetInUse(
            id=subnet.id, reason="One or more ports have an IP allocation from this subnet."
        )
    for port in own:
        left = [f for f in port.fixed_ips if f["subnet_id"] != subnet.id]
        ports.set_fixed_ips(w, port, left)
    drop(w, subnet)
    dhcp.ensure(w, subnet.network_id)
    w.networks.add(subnet.network_id)


def drop(w: Write, subnet: Row[Any]) -> None:
    """The records of a subnet that nothing uses any more."""
    w.session.execute(ALLOCATIONS.delete().where(ALLOCATIONS.c.subnet_id == subnet.id))
    w.session.execute(INTERFACES.delete().where(INTERFACES.c.subnet_id == subnet.id))
    tags.forget(w, subnet.id)
    w.session.execute(SUBNETS.delete().where(SUBNETS.c.id == subnet.id))
    w.record("subnet", "delete", subnet)
    quotas.give_back(w, subnet.project_id, "subnet")


def list_external(session: Session, subnets: Sequence[Any]) -> list[bool]:
    """Whether each subnet's network leads outside."""
    ids = {subnet.network_id for subnet in subnets}
    outside = set(session.scalars(
        select(NETWORKS.c.id).where(NETWORKS.c.id.in_(ids), NETWORKS.c.external.is_(True))))
    return [subnet.network_id in outside for subnet in subnets]


def _make(w: Write, request: Request) -> Row[Any]:
    network = find(w.session, w.ctx, NETWORK, request["network_id"])
    check_create(w, SUBNET, request, {
        "network:tenant_id": network.project_id, "network:project_id": network.project_id,
    })
    _check_done(request)
    if network.project_id != request["project_id"] and not w.ctx.is_admin:
        w.neutron.policy.enforce(w.ctx, "create_subnet", target(network))
    return made(w, SUBNET, create(w, network, request))


RESOURCE = Resource(SUBNET, _make, change, delete, relate=list_external)
