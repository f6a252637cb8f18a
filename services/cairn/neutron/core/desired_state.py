"""The desired state of a host: all that its agent has to make so, and nothing else.

Every question is asked once for the whole host; lists are in a fixed order, so that what did not
change reads the same.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from cairn.neutron.core import agents, dhcp, names, routers, security_groups
from cairn.neutron.core.kinds import (
    DHCP,
    FLOATING,
    GROUPS,
    INTERFACES,
    MEMBERS,
    NETWORKS,
    PORTS,
    ROUTERS,
    SUBNETS,
)
from cairn.neutron.settings import NetworkSettings

Document = dict[str, Any]


class _Host:
    """One look at the records, with what several parts of the answer need."""

    def __init__(self, session: Session, settings: NetworkSettings, node: str) -> None:
        self.session, self.settings, self.node = session, settings, node
        self.ports = session.execute(
            select(PORTS).where(PORTS.c.host == node, PORTS.c.vif_type == "bridge")
            .order_by(PORTS.c.id)
        ).all()
        ids = {port.network_id for port in self.ports}
        self.networks = {row.id: row for row in session.execute(
            select(NETWORKS).where(NETWORKS.c.id.in_(ids)))}
        self.subnets = {row.id: row for row in session.execute(
            select(SUBNETS).where(SUBNETS.c.network_id.in_(ids))
            .order_by(SUBNETS.c.created_at, SUBNETS.c.id))}

    def fixed_ips(self, port: Any) -> list[Document]:
        return [{
            "ip": fixed["ip_address"], "subnet_id": fixed["subnet_id"],
            "cidr": f"{fixed['ip_address']}/{self.length(fixed['subnet_id'])}",
        } for fixed in port.fixed_ips if fixed["subnet_id"] in self.subnets]

    def length(self, subnet_id: str) -> int:
        return int(self.subnets[subnet_id].cidr.rpartition("/")[2])


def build(session: Session, settings: NetworkSettings, node: str) -> Document:
    """{"host", "networks", "ports", "security_groups", "members", "dhcp", "routers"}: each but the
    first by id."""
    host = _Host(session, settings, node)
    taps = [p for p in host.ports if not p.device_owner.startswith("network:")]
    groups = _groups(session, sorted({g for port in taps for g in port.security_groups}))
    remote = sorted({rule["remote_group_id"] for group in groups.values()
                     for rule in group["rules"] if rule["remote_group_id"]})
    return {
        "host": node,
        "networks": _networks(host),
        "ports": {port.id: _tap(host, port) for port in taps},
        "security_groups": groups,
        "members": _members(session, remote),
        "dhcp": _dhcp(host),
        "routers": _routers(host),
    }


def _networks(host: _Host) -> Document:
    ends = agents.tunnels(host.session)
    hosts: dict[str, set[str]] = {}
    for network_id, other in host.session.execute(
        select(PORTS.c.network_id, PORTS.c.host).distinct().where(
            PORTS.c.network_id.in_([n.id for n in host.networks.values()
                                    if n.network_type == "vxlan"]),
            PORTS.c.host.not_in(["", host.node]), PORTS.c.vif_type == "bridge",
        )
    ):
        hosts.setdefault(network_id, set()).add(other)
    return {id: {
        "network_type": network.network_type,
        "segmentation_id": network.segmentation_id or None,
        "physical_network": network.physical_network or None, "mtu": network.mtu,
        "admin_state_up": network.admin_state_up,
        "peers": sorted({ends[h] for h in hosts.get(id, ()) if h in ends}),
    } for id, network in host.networks.items()}


def _tap(host: _Host, port: Row[Any]) -> Document:
    return {
        "network_id": port.network_id, "tap": f"tap{port.id[:11]}", "mac": port.mac_address,
        "admin_state_up": port.admin_state_up, "status": port.status,
        "device_id": port.device_id, "device_owner": port.device_owner,
        "mtu": host.networks[port.network_id].mtu, "fixed_ips": host.fixed_ips(port),
        "allowed_address_pairs": port.allowed_address_pairs,
        "port_security_enabled": port.port_security_enabled,
        "security_groups": port.security_groups,
    }


def _groups(session: Session, ids: Sequence[str]) -> Document:
    if not ids:
        return {}
    stateful = dict(session.execute(
        select(GROUPS.c.id, GROUPS.c.stateful).where(GROUPS.c.id.in_(ids))).all())
    rules = security_groups.rules_of(session, ids)
    return {id: {"stateful": stateful.get(id, True), "rules": [{
        "direction": rule.direction, "ethertype": rule.ethertype,
        "protocol": security_groups.protocol_number(rule.protocol, rule.ethertype),
        "port_range_min": rule.port_range_min, "port_range_max": rule.port_range_max,
        "remote_ip_prefix": rule.normalized_cidr,
        "remote_group_id": rule.remote_group_id,
    } for rule in rules[id]]} for id in ids}


def _members(session: Session, ids: Sequence[str]) -> Document:
    """Who is in the groups: the ports' addresses, and those that their address pairs allow."""
    members: dict[str, dict[str, set[str]]] = {id: {"4": set(), "6": set()} for id in ids}
    if ids:
        for group, fixed_ips, pairs in session.execute(
            select(MEMBERS.c.security_group_id, PORTS.c.fixed_ips, PORTS.c.allowed_address_pairs)
            .join(PORTS, PORTS.c.id == MEMBERS.c.port_id)
            .where(MEMBERS.c.security_group_id.in_(ids))
        ):
            for text in [*(f["ip_address"] for f in fixed_ips),
                         *(p["ip_address"] for p in pairs)]:
                members[group]["6" if ":" in text else "4"].add(text)
    return {id: {version: sorted(texts) for version, texts in kinds.items()}
            for id, kinds in members.items()}


def _dhcp(host: _Host) -> Document:
    ports = {port.id: port for port in host.ports}
    servers = [s for s in host.session.execute(
        select(DHCP).where(DHCP.c.host == host.node, DHCP.c.port_id.is_not(None))
    ) if s.port_id in ports]
    ids = [server.network_id for server in servers]
    if not ids:
        return {}
    by_network: dict[str, list[Any]] = {id: [] for id in ids}
    for port in host.session.execute(
        select(PORTS.c.id, PORTS.c.network_id, PORTS.c.project_id, PORTS.c.mac_address,
               PORTS.c.dns_name, func.coalesce(PORTS.c.named_at, PORTS.c.created_at).label("since"),
               PORTS.c.fixed_ips, PORTS.c.extra_dhcp_opts, PORTS.c.device_id)
        .where(PORTS.c.network_id.in_(ids),
               PORTS.c.device_owner.not_in(["network:dhcp", "network:floatingip"]))
        .order_by(PORTS.c.id)
    ):
        if port.fixed_ips:
            by_network[port.network_id].append(port)
    guests = {id: _guests(rows, host.settings.dns_domain) for id, rows in by_network.items()}
    routed = set(host.session.scalars(select(INTERFACES.c.subnet_id).where(
        INTERFACES.c.subnet_id.in_(list(host.subnets)))))
    return {server.network_id: {
        "port": _own(host, ports[server.port_id]), "mtu": host.networks[server.network_id].mtu,
        "dns_domain": host.settings.dns_domain,
        "subnets": {
            subnet.id: _served(subnet, ports[server.port_id], routed)
            for subnet in dhcp.served([
                s for s in host.subnets.values() if s.network_id == server.network_id])
        },
        "hosts": guests[server.network_id],
    } for server in servers}


def _guests(ports: Sequence[Any], domain: str) -> list[Document]:
    called = names.shared_out([
        {"id": p.id, "project_id": p.project_id, "dns_name": p.dns_name, "since": p.since,
         "address": p.fixed_ips[0]["ip_address"]} for p in ports], domain)
    return [{
        "port_id": port.id, "mac": port.mac_address, "hostname": called[port.id],
        "fixed_ips": [{"ip": f["ip_address"], "subnet_id": f["subnet_id"]}
                      for f in port.fixed_ips],
        "extra_dhcp_opts": port.extra_dhcp_opts, "device": port.device_id,
    } for port in ports]


def _own(host: _Host, port: Row[Any]) -> Document:
    """A port that lives in a namespace of the agent's own."""
    return {"id": port.id, "network_id": port.network_id, "mac": port.mac_address,
            "status": port.status,
            "admin_state_up": port.admin_state_up
            and host.networks[port.network_id].admin_state_up,
            "mtu": host.networks[port.network_id].mtu, "fixed_ips": host.fixed_ips(port)}


def _subnet(subnet: Row[Any]) -> Document:
    return {
        "id": subnet.id, "cidr": subnet.cidr, "ip_version": subnet.ip_version,
        "gateway_ip": subnet.gateway_ip, "enable_dhcp": subnet.enable_dhcp,
        "ipv6_ra_mode": subnet.ipv6_ra_mode, "ipv6_address_mode": subnet.ipv6_address_mode,
        "dns_nameservers": subnet.dns_nameservers,
    }


def _served(subnet: Row[Any], port: Row[Any], routed: set[str]) -> Document:
    own = next((f["ip_address"] for f in port.fixed_ips if f["subnet_id"] == subnet.id), None)
    alone = subnet.id not in routed and subnet.ip_version == 4
    return {**_subnet(subnet), "host_routes": subnet.host_routes,
            "metadata_port": own if alone else None}


def _routers(host: _Host) -> Document:
    rows = host.session.execute(
        select(ROUTERS).where(ROUTERS.c.host == host.node).order_by(ROUTERS.c.id)).all()
    plugged: dict[str, list[Row[Any]]] = {row.id: [] for row in rows}
    for port in host.ports:
        if port.device_owner in (routers.INTERFACE, routers.GATEWAY):
            plugged.setdefault(port.device_id, []).append(port)
    floating: dict[str, list[Document]] = {row.id: [] for row in rows}
    if rows:
        for row in host.session.execute(
            select(FLOATING).where(FLOATING.c.router_id.in_(list(floating)))
            .order_by(FLOATING.c.id)
        ):
            floating[row.router_id].append({
                "id": row.id, "floating_ip_address": row.floating_ip_address,
                "fixed_ip_address": row.fixed_ip_address, "status": row.status,
            })
    return {row.id: _router(host, row, plugged[row.id], floating[row.id]) for row in rows
            if plugged[row.id]}


def _router(
    host: _Host, row: Row[Any], ports: Sequence[Row[Any]], floating: list[Document]
) -> Document:
    gateway = next((p for p in ports if p.device_owner == routers.GATEWAY), None)
    return {
        "admin_state_up": row.admin_state_up, "enable_snat": row.enable_snat,
        "interfaces": [{
            **_own(host, port),
            "subnets": [_subnet(host.subnets[f["subnet_id"]]) for f in port.fixed_ips
                        if f["subnet_id"] in host.subnets],
        } for port in ports if port.device_owner == routers.INTERFACE],
        "gateway": None if gateway is None else {
            **_own(host, gateway), "gateway_ips": _gateways(host, gateway)},
        "floating_ips": floating, "routes": row.routes,
    }


def _gateways(host: _Host, port: Row[Any]) -> list[str]:
    subnets = [host.subnets[f["subnet_id"]] for f in port.fixed_ips
               if f["subnet_id"] in host.subnets]
    return list(dict.fromkeys(s.gateway_ip for s in subnets if s.gateway_ip))
