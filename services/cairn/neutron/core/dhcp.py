"""DHCP servers: which hosts serve a network, and the ports that they answer from."""

import random
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from cairn.neutron import errors
from cairn.neutron.core import addresses, agents, ports
from cairn.neutron.core.addresses import FixedIp
from cairn.neutron.core.kinds import DHCP, NETWORKS, PORTS, SUBNETS
from cairn.neutron.core.write import Write


def served(subnets: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The subnets that want DHCP (or, on IPv6, at least options) from us."""
    return [s for s in subnets if s.enable_dhcp and s.ipv6_address_mode != "slaac"]


def ensure(w: Write, network_id: str) -> None:
    """As many hosts as there should be serve the network, each from a port with an address of
    every subnet it serves; none when no subnet wants it."""
    network = w.session.execute(select(NETWORKS).where(NETWORKS.c.id == network_id)).one()
    subnets = served(ports.subnets_of(w.session, network_id))
    servers = list(w.session.execute(
        select(DHCP).where(DHCP.c.network_id == network_id)
    ).all())
    if not subnets:
        for server in servers:
            _unplug(w, server)
        return
    missing = w.neutron.settings.dhcp_agents_per_network - len(servers)
    if missing > 0:
        for host in _hosts(w, network, {s.host for s in servers})[:missing]:
            if add(w, network_id, host):
                servers.append(_server(w, network_id, host))
    for server in servers:
        _plug(w, network, server, subnets)


def add(w: Write, network_id: str, host: str) -> bool:
    """Whether the host was not one of them before."""
    try:
        w.session.execute(insert(DHCP).values(network_id=network_id, host=host))
    except IntegrityError:
        return False
    return True


def remove(w: Write, network_id: str, host: str) -> bool:
    """Whether the host was one of them."""
    server = w.session.execute(
        select(DHCP).where(DHCP.c.network_id == network_id, DHCP.c.host == host)
    ).first()
    if server is None:
        return False
    _unplug(w, server)
    w.session.execute(
        DHCP.delete().where(DHCP.c.network_id == network_id, DHCP.c.host == host)
    )
    return True


def withdraw(w: Write, network_id: str) -> None:
    """From everywhere: the network is going."""
    for server in w.session.execute(
        select(DHCP).where(DHCP.c.network_id == network_id)
    ).all():
        _unplug(w, server)
    w.session.execute(DHCP.delete().where(DHCP.c.network_id == network_id))


def catch_up(w: Write) -> None:
    """Networks that got less than they want while no host could serve them."""
    has_port = (
        select(DHCP.c.network_id).where(DHCP.c.network_id == SUBNETS.c.network_id,
                                        DHCP.c.port_id.is_not(None)).exists()
    )
    for network_id in w.session.scalars(
        select(SUBNETS.c.network_id).distinct().where(
            SUBNETS.c.enable_dhcp.is_(True), ~has_port,
            func.coalesce(SUBNETS.c.ipv6_address_mode, "") != "slaac",
        )
    ).all():
        ensure(w, network_id)


def _server(w: Write, network_id: str, host: str) -> Row[Any]:
    return w.session.execute(
        select(DHCP).where(DHCP.c.network_id == network_id, DHCP.c.host == host)
    ).one()


def _hosts(w: Write, network: Row[Any], but: set[str]) -> list[str]:
    """Hosts that could serve the network too, the least busy first."""
    able = [a.host for a in agents.ready(w.session, w.neutron, agents.DHCP)
            if a.host not in but]
    if not able:
        return []
    carriers = {a.host for a in agents.ready(w.session, w.neutron, agents.L2)
                if agents.reaches(a, network)}
    busy: dict[str, int] = dict(w.session.execute(
        select(DHCP.c.host, func.count()).group_by(DHCP.c.host)).all())
    able = [host for host in able if host in carriers]
    random.shuffle(able)
    return sorted(able, key=lambda host: busy.get(host, 0))


def _plug(w: Write, network: Row[Any], server: Row[Any], subnets: Sequence[Row[Any]]) -> None:
    port = None
    if server.port_id is not None:
        port = w.session.execute(
            select(PORTS).where(PORTS.c.id == server.port_id).with_for_update()
        ).first()
    if port is None:
        _new_port(w, network, server, subnets)
        return
    ids = {s.id for s in subnets}
    have = [f for f in port.fixed_ips if f["subnet_id"] in ids]
    for subnet in subnets:
        if subnet.id not in {f["subnet_id"] for f in have}:
            have += _address(w, network, subnet, port.id, port.mac_address)
    if have != port.fixed_ips:
        ports.set_fixed_ips(w, port, have)


def _address(
    w: Write, network: Row[Any], subnet: Row[Any], port_id: str, mac: str
) -> list[FixedIp]:
    try:
        return addresses.allocate(
            w, network.id, [subnet], port_id, mac, "network:dhcp", [{"subnet_id": subnet.id}],
            lowest=True,
        )
    except errors.IpAddressGenerationFailure:
        # A subnet that is full, or has no pools, is served by nobody; it is not the user's mistake.
        return []


def _new_port(
    w: Write, network: Row[Any], server: Row[Any], subnets: Sequence[Row[Any]]
) -> None:
    port = ports.create(w, network, {
        "project_id": network.project_id, "device_owner": "network:dhcp",
        "device_id": f"dhcp-{server.host}-{network.id}"[:255], "fixed_ips": [],
        "binding:host_id": server.host,
    }, checked=False)
    w.session.execute(update(DHCP).where(
        DHCP.c.network_id == network.id, DHCP.c.host == server.host
    ).values(port_id=port.id))
    have: list[FixedIp] = []
    for subnet in subnets:
        have += _address(w, network, subnet, port.id, port.mac_address)
    ports.set_fixed_ips(w, port, have)


def _unplug(w: Write, server: Row[Any]) -> None:
    if server.port_id is None:
        return
    port = w.session.execute(select(PORTS).where(PORTS.c.id == server.port_id)).first()
    if port is not None:
        ports.drop(w, port)
