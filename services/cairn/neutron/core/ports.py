"""What it means to make, change and delete a port."""

import random
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import new_id, utcnow
from cairn.neutron import errors
from cairn.neutron.core import (
    addresses,
    agents,
    ips,
    names,
    options,
    quotas,
    security_groups,
    tags,
)
from cairn.neutron.core.addresses import FixedIp
from cairn.neutron.core.kinds import (
    DHCP,
    FLOATING,
    INTERFACES,
    MEMBERS,
    NETWORK,
    NETWORKS,
    PORT,
    PORTS,
    SUBNETS,
    find,
    port_target,
)
from cairn.neutron.core.resources import Request, Resource, check_create
from cairn.neutron.core.write import Again, Write

# Ports that belong to a router or a floating IP go with them, not by themselves.
SERVICE_OWNERS = (
    "network:router_interface", "network:router_gateway", "network:floatingip",
)

# A floating IP that leads nowhere.
LOOSE = {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}

_subnets = (
    select(SUBNETS).where(SUBNETS.c.network_id == bindparam("network"))
    .order_by(SUBNETS.c.created_at, SUBNETS.c.id)
)
_floating = select(FLOATING).where(FLOATING.c.port_id == bindparam("port"))
_insert_port = insert(PORTS)
_delete_port = delete(PORTS).where(PORTS.c.id == bindparam("port"))
_delete_members = delete(MEMBERS).where(MEMBERS.c.port_id == bindparam("port"))
_insert_member = insert(MEMBERS)


def subnets_of(session: Session, network_id: str) -> Sequence[Row[Any]]:
    """The subnets of a network, oldest first."""
    return session.execute(_subnets, {"network": network_id}).all()


def create(
    w: Write, network: Any, request: Mapping[str, Any], *, checked: bool = True,
    lowest: bool = False,
) -> SimpleNamespace:
    """The new port, as its row. `checked` is against the quota; `lowest` takes the first free
    addresses. Raises Invalid, Conflict, SecurityGroupNotFound."""
    id, project, now = new_id(), request["project_id"], utcnow()
    owner, host = request.get("device_owner", ""), request.get("binding:host_id") or ""
    mac = checked_mac(request["mac_address"]) if request.get("mac_address") else made_up_mac(w)
    secure = request.get("port_security_enabled")
    if secure is None:
        secure = network.port_security_enabled and not owner.startswith("network:")
    pairs = checked_pairs(w, mac, request.get("allowed_address_pairs") or [])
    if pairs and not secure:
        raise errors.AddressPairAndPortSecurityRequired
    groups = _groups(w, project, request, secure)
    fixed_ips = addresses.allocate(
        w, network.id, subnets_of(w.session, network.id), id, mac, owner,
        request.get("fixed_ips"), lowest=lowest,
    )
    vif_type, vif_details = bind(w, host, network)
    row = {
        "id": id, "project_id": project, "created_at": now, "updated_at": now,
        "name": request.get("name", ""), "description": request.get("description", ""),
        "revision": 1, "tags": [], "network_id": network.id, "network_owner": network.project_id,
        "mac_address": mac, "admin_state_up": request.get("admin_state_up", True),
        "status": request.get("status", "DOWN"), "device_id": request.get("device_id", ""),
        "device_owner": owner, "fixed_ips": fixed_ips, "security_groups": groups,
        "port_security_enabled": secure, "allowed_address_pairs": pairs,
        "extra_dhcp_opts": _options([], request.get("extra_dhcp_opts") or []),
        "dns_name": checked_name(w, request.get("dns_name")), "named_at": now,
        "dns_domain": checked_domain(request.get("dns_domain")),
        "host": host, "vnic_type": request.get("binding:vnic_type", "normal"),
        "vif_type": vif_type, "vif_details": vif_details,
        "profile": request.get("binding:profile") or {},
    }
    try:
        w.session.execute(_insert_port, row)
    except IntegrityError:
        if request.get("mac_address"):
            raise errors.MacAddressInUse(network=network.id, mac=mac) from None
        raise Again from None
    if groups:
        w.session.execute(
            _insert_member, [{"port_id": id, "security_group_id": group} for group in groups]
        )
    if request.get("tags"):
        row["tags"] = tags.replace(w, PORT, id, request["tags"])
    quotas.take(w, project, "port", checked=checked)
    port = SimpleNamespace(**row)
    w.record("port", "create", port)
    _tell(w, port)
    return port


def _tell(w: Write, *ports: Any) -> None:
    """The hosts that have to do with the ports: theirs, their networks' and their groups'."""
    for port in ports:
        if port.host:
            w.hosts.add(port.host)
            w.networks.add(port.network_id)
            w.groups.update(port.security_groups)


def made_up_mac(w: Write) -> str:
    """A MAC address that begins as the settings say and ends at random. Whether it is free on the
    network only the insert can tell."""
    given = w.neutron.settings.base_mac.split(":")
    return ":".join([*given, *(f"{random.randrange(256):02x}" for _ in range(6 - len(given)))])


def checked_mac(text: str) -> str:
    """In lower case, by colons. Raises BadAttribute."""
    try:
        return ips.mac(text)
    except ValueError:
        raise errors.BadAttribute(
            name="mac_address", reason=f"'{text}' is not a valid MAC address."
        ) from None


def checked_name(w: Write, text: str | None) -> str:
    """Raises BadAttribute."""
    try:
        return names.host(text, w.neutron.settings.dns_domain) if text else ""
    except ValueError as wrong:
        raise errors.BadAttribute(
            name="dns_name", reason=f"'{text}' not a valid PQDN or FQDN. Reason: {wrong}"
        ) from None


def checked_domain(text: str | None, field: str = "dns_domain") -> str:
    """Raises BadAttribute, naming the field."""
    try:
        return names.domain(text) if text else ""
    except ValueError as wrong:
        raise errors.BadAttribute(
            name=field, reason=f"'{text}' not a valid PQDN or FQDN. Reason: {wrong}"
        ) from None


def checked_pairs(
    w: Write, mac: str, given: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """A port's allowed address pairs as they are stored: each with a MAC, the port's own (`mac`)
    where none is given, and an address, or a prefix without the bits of a host. Raises
    BadAttribute where there are too many, one is no address, or one is there twice."""
    limit = w.neutron.settings.max_allowed_address_pairs
    if len(given) > limit:
        raise errors.BadAttribute(
            name="allowed_address_pairs",
            reason=f"Exceeded maximum amount of allowed address pairs, {limit}.",
        )
    pairs = []
    for pair in given:
        try:
            net = ips.network(pair["ip_address"])
        except ValueError:
            raise errors.BadAttribute(
                name="allowed_address_pairs",
                reason=f"'{pair['ip_address']}' is not a valid IP address or prefix.",
            ) from None
        address = str(net) if "/" in pair["ip_address"] else str(net.network_address)
        own = checked_mac(pair["mac_address"]) if pair.get("mac_address") else mac
        pairs.append({"mac_address": own, "ip_address": address})
    if len({tuple(p.values()) for p in pairs}) < len(pairs):
        raise errors.BadAttribute(
            name="allowed_address_pairs", reason="An address pair is there twice."
        )
    return pairs


def _groups(
    w: Write, project: str, request: Mapping[str, Any], secure: bool
) -> list[str]:
    given = request.get("security_groups")
    if not secure:
        if given:
            raise errors.PortSecurityAndIPRequiredForSecurityGroups
        return []
    if given is None:
        return [security_groups.default(w, project)]
    return security_groups.checked(w, project, given)


def _options(
    have: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The port's DHCP options after `given`: an option without a value is one taken away."""
    merged = {(o["opt_name"], o["ip_version"]): o["opt_value"] for o in have}
    for option in given:
        version = int(option.get("ip_version") or 4)
        if option.get("opt_value") is None:
            merged.pop((option["opt_name"], version), None)
            continue
        try:
            name = options.name(option["opt_name"], version)
            merged[name, version] = options.value(str(option["opt_value"]), name)
        except ValueError as wrong:
            raise errors.BadAttribute(name="extra_dhcp_opts", reason=str(wrong)) from None
    if len(merged) > options.MOST:
        raise errors.BadAttribute(
            name="extra_dhcp_opts", reason=f"A port may have {options.MOST} options.")
    return [{"opt_name": name, "opt_value": value, "ip_version": version}
            for (name, version), value in merged.items()]


def bind(w: Write, host: str, network: Any) -> tuple[str, dict[str, Any]]:
    """How a port of the network is plugged on the host: (vif_type, vif_details)."""
    if not host:
        return "unbound", {}
    agent = agents.on(w.session, host, agents.L2)
    if agent is None or not agents.alive(w.neutron.settings, agent) \
            or not agents.reaches(agent, network):
        return "binding_failed", {}
    bridge = f"brq{network.id[:11]}"
    if network.network_type == "flat":
        bridge = agent.configurations["bridge_mappings"][network.physical_network]
    return "bridge", {"port_filter": True, "connectivity": "l2", "bridge_name": bridge}


PLAIN = {
    "name": "name", "description": "description", "admin_state_up": "admin_state_up",
    "device_id": "device_id", "device_owner": "device_owner", "dns_name": "dns_name",
    "dns_domain": "dns_domain", "binding:vnic_type": "vnic_type",
}


def change(w: Write, port: Row[Any], network: Any, request: Mapping[str, Any]) -> None:
    """`port` is held by the transaction. Raises Invalid, Conflict, SecurityGroupNotFound."""
    values: dict[str, Any] = {
        column: request[name] for name, column in PLAIN.items() if name in request
    }
    for name in ("device_id", "device_owner"):
        if name in values:
            values[name] = values[name] or ""
    if values.get("admin_state_up") is False:
        # What is switched off is not up, before its host has heard of it.
        values["status"] = "DOWN"
    if "dns_name" in values:
        values["dns_name"] = checked_name(w, values["dns_name"])
        if values["dns_name"] != port.dns_name:
            values["named_at"] = utcnow()
    if "dns_domain" in values:
        values["dns_domain"] = checked_domain(values["dns_domain"])
    if "binding:profile" in request:
        values["profile"] = request["binding:profile"] or {}
    mac = _new_mac(port, request)
    if mac != port.mac_address:
        values["mac_address"] = mac
    secure = request.get("port_security_enabled", port.port_security_enabled)
    values["port_security_enabled"] = secure
    _change_groups(w, port, request, secure, values)
    pairs = port.allowed_address_pairs
    if "allowed_address_pairs" in request:
        pairs = checked_pairs(w, mac, request["allowed_address_pairs"] or [])
        values["allowed_address_pairs"] = pairs
    if pairs and not secure:
        raise errors.AddressPairAndPortSecurityRequired
    if "extra_dhcp_opts" in request:
        values["extra_dhcp_opts"] = _options(port.extra_dhcp_opts, request["extra_dhcp_opts"] or [])
    owner = values.get("device_owner", port.device_owner)
    fixed_ips = request.get("fixed_ips")
    if fixed_ips is None and mac != port.mac_address:
        fixed_ips = port.fixed_ips
    if fixed_ips is not None:
        values["fixed_ips"] = _change_addresses(w, port, network, mac, owner, fixed_ips)
    _change_binding(w, port, network, request, values)
    try:
        w.session.execute(
            update(PORTS).where(PORTS.c.id == port.id)
            .values(**values, revision=PORTS.c.revision + 1, updated_at=utcnow())
        )
    except IntegrityError:
        raise errors.MacAddressInUse(network=port.network_id, mac=mac) from None
    if "fixed_ips" in values and owner == "network:router_interface":
        _rejoin(w, port, values["fixed_ips"])
    after = SimpleNamespace(**{**port._mapping, **values})
    w.record("port", "update", after)
    _tell(w, port, after)


def _rejoin(w: Write, port: Row[Any], fixed_ips: Sequence[FixedIp]) -> None:
    """A router serves the subnets that its port has addresses of."""
    before = {f["subnet_id"] for f in port.fixed_ips}
    now = {f["subnet_id"] for f in fixed_ips}
    w.session.execute(delete(INTERFACES).where(
        INTERFACES.c.port_id == port.id, INTERFACES.c.subnet_id.in_(before - now)))
    held = set(w.session.scalars(
        select(INTERFACES.c.subnet_id).where(INTERFACES.c.router_id == port.device_id)))
    for subnet_id in sorted(now - held):
        w.session.execute(insert(INTERFACES).values(
            router_id=port.device_id, subnet_id=subnet_id, port_id=port.id))


def _new_mac(port: Row[Any], request: Mapping[str, Any]) -> str:
    mac: str = port.mac_address
    if request.get("mac_address"):
        mac = checked_mac(request["mac_address"])
        if mac != port.mac_address and port.host and port.vif_type != "binding_failed":
            raise errors.PortBound(
                port=port.id, vif_type=port.vif_type, old=port.mac_address, new=mac
            )
    return mac


def _change_groups(
    w: Write, port: Row[Any], request: Mapping[str, Any], secure: bool, values: dict[str, Any]
) -> None:
    given = request.get("security_groups", port.security_groups) or []
    if not secure and given:
        if "security_groups" in request:
            raise errors.PortSecurityAndIPRequiredForSecurityGroups
        raise errors.PortSecurityPortHasSecurityGroup
    if "security_groups" not in request:
        return
    groups = security_groups.checked(w, port.project_id, given)
    w.session.execute(delete(MEMBERS).where(MEMBERS.c.port_id == port.id))
    if groups:
        w.session.execute(
            _insert_member, [{"port_id": port.id, "security_group_id": g} for g in groups]
        )
    values["security_groups"] = groups


def _change_addresses(
    w: Write, port: Row[Any], network: Any, mac: str, owner: str,
    requested: Sequence[Mapping[str, Any]],
) -> list[FixedIp]:
    """Keep what is requested of the addresses there are, give up the others, claim what is new.
    What hosts make up themselves is kept, whatever is requested, as long as the MAC stays."""
    subnets = subnets_of(w.session, network.id)
    own = addresses.made_up(subnets, owner, mac)
    before = addresses.made_up(subnets, owner, port.mac_address)
    stale = [f for f in port.fixed_ips if f in before and f not in own]
    keep: list[FixedIp] = [f for f in port.fixed_ips if f in own]
    left = [f for f in port.fixed_ips if f not in keep and f not in stale]
    requested = [part for part in requested if not any(_satisfies(f, part) for f in keep + stale)]
    new: list[Mapping[str, Any]] = []
    # Who names an address comes before who is content with any of the subnet.
    for part in sorted(requested, key=lambda p: "ip_address" not in p):
        match = next((f for f in left if _satisfies(f, part)), None)
        if match is None:
            new.append(part)
        else:
            left.remove(match)
            keep.append(match)
    left += stale
    addresses.release(w, port.id, left)
    got = addresses.allocate(w, network.id, subnets, port.id, mac, owner, new, held=keep)
    if left:
        unassociate(w, port.id, [f["ip_address"] for f in left])
    return keep + got


def _satisfies(fixed: FixedIp, requested: Mapping[str, Any]) -> bool:
    if requested.get("subnet_id") not in (None, fixed["subnet_id"]):
        return False
    text = requested.get("ip_address")
    if not text:
        return True
    return str(addresses.parse(text, "fixed_ips.ip_address")) == fixed["ip_address"]


def _change_binding(
    w: Write, port: Row[Any], network: Any, request: Mapping[str, Any], values: dict[str, Any]
) -> None:
    host = request.get("binding:host_id", port.host) or ""
    if host == port.host and (port.vif_type != "binding_failed" or not host):
        return
    values["host"] = host
    values["vif_type"], values["vif_details"] = bind(w, host, network)
    values["status"] = "DOWN"


def rebind(w: Write, port: Any, network: Any, host: str) -> None:
    """Move a port of the cloud's own to another host, or to none."""
    vif_type, vif_details = bind(w, host, network)
    w.session.execute(update(PORTS).where(PORTS.c.id == port.id).values(
        host=host, vif_type=vif_type, vif_details=vif_details, status="DOWN",
        revision=PORTS.c.revision + 1,
    ))
    w.record("port", "update", port, host=host, status="DOWN")
    w.hosts.update({port.host, host})
    w.networks.add(port.network_id)


def set_fixed_ips(w: Write, port: Any, fixed_ips: Sequence[FixedIp]) -> None:
    """Write the copy anew, after its allocations were changed; what went away goes for good."""
    gone = [f for f in port.fixed_ips if f not in fixed_ips]
    addresses.release(w, port.id, gone)
    if gone:
        unassociate(w, port.id, [f["ip_address"] for f in gone])
    w.session.execute(
        update(PORTS).where(PORTS.c.id == port.id)
        .values(fixed_ips=list(fixed_ips), revision=PORTS.c.revision + 1)
    )
    w.record("port", "update", port, fixed_ips=list(fixed_ips))
    _tell(w, port)


def unassociate(w: Write, port_id: str, fixed: Iterable[str] | None = None) -> None:
    """Floating IPs of the port (of these of its addresses) lead nowhere now."""
    gone = None if fixed is None else set(fixed)
    for row in w.session.execute(_floating, {"port": port_id}).all():
        if gone is not None and row.fixed_ip_address not in gone:
            continue
        w.session.execute(update(FLOATING).where(FLOATING.c.id == row.id).values(
            **LOOSE, revision=FLOATING.c.revision + 1))
        w.record("floatingip", "update", row, **LOOSE)
        w.networks.add(row.floating_network_id)


def erase(w: Write, port: Row[Any]) -> None:
    """A user's wish. Raises ServicePortInUse for ports that belong to a router or floating IP."""
    if port.device_owner in SERVICE_OWNERS and port.device_id:
        raise errors.ServicePortInUse(
            port=port.id, reason=f"has device owner {port.device_owner}"
        )
    drop(w, port)


def drop(w: Write, port: Any) -> None:
    """The records of a port, and all that hangs on it."""
    unassociate(w, port.id)
    addresses.release(w, port.id)
    if port.security_groups:
        w.session.execute(_delete_members, {"port": port.id})
    if port.device_owner == "network:dhcp":
        w.session.execute(update(DHCP).where(DHCP.c.port_id == port.id).values(port_id=None))
    if port.tags:
        tags.forget(w, port.id)
    w.session.execute(_delete_port, {"port": port.id})
    quotas.give_back(w, port.project_id, "port")
    w.record("port", "delete", port)
    _tell(w, port)


def report(w: Write, node: str, ids: Sequence[str], status: str) -> None:
    """What a host's agent made of its ports. A port switched off is not up, whatever is wired."""
    query = select(PORTS).where(
        PORTS.c.id.in_(ids), PORTS.c.host == node, PORTS.c.status != status
    ).with_for_update()
    if status == "ACTIVE":
        query = query.where(PORTS.c.admin_state_up.is_(True))
    for port in w.session.execute(query).all():
        w.session.execute(update(PORTS).where(PORTS.c.id == port.id).values(
            status=status, updated_at=utcnow()))
        w.record("port", "update", port, status=status)


def retry_binding(w: Write, node: str) -> None:
    """The host's agent is there (again): what could not be bound to it may be now."""
    for port in w.session.execute(select(PORTS).where(
        PORTS.c.host == node, PORTS.c.vif_type == "binding_failed"
    )).all():
        network = w.session.execute(
            select(NETWORKS).where(NETWORKS.c.id == port.network_id)
        ).one()
        rebind(w, port, network, node)


def _make(w: Write, request: Request) -> SimpleNamespace:
    network = find(w.session, w.ctx, NETWORK, request["network_id"])
    for name in ("device_id", "device_owner"):
        request[name] = request.get(name) or ""
    check_create(w, PORT, request, {
        "network:tenant_id": network.project_id, "network:project_id": network.project_id,
        "shared": network.shared, "router:external": network.external,
    })
    return create(w, network, request)


def _change(w: Write, port: Row[Any], request: Request) -> None:
    network = w.session.execute(select(NETWORKS).where(NETWORKS.c.id == port.network_id)).one()
    change(w, port, network, request)


RESOURCE = Resource(PORT, _make, _change, erase, port_target)
