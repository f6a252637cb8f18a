"""Ports of servers in Neutron: asked for, made, described, taken away.

At a request Neutron is asked as the caller, who so finds only what is the caller's; ports are made
as nova's service user in the caller's project, because only that may bind them to a host.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import vifs
from cairn.nova.db.models import Server
from cairn.nova.errors import (
    FixedIpInUse,
    NetworkAmbiguous,
    NetworkUnknown,
    PortInUse,
    PortUnknown,
)

# One thing asked of the network: exactly one of network_id and port_id is set.
Requested = dict[str, Any]
TRIES = 5  # Looks at a server's ports while others change what is kept of them.


# --- What a request asks for ---------------------------------------------------------------


def resolve(
    nova: Nova, ctx: Context, networks: Sequence[dict[str, Any]] | str | None, count: int
) -> list[Requested]:
    """What to plug, checked. `networks` is the API's networks; None where it was not said.

    Raises Invalid naming what is wrong, NetworkAmbiguous, PortInUse.
    """
    if networks == "none":
        return []
    if networks is None or networks == "auto" or networks == []:
        return _automatic(nova, ctx, required=networks == "auto")
    assert not isinstance(networks, str)
    ids = {str(n["uuid"]) for n in networks if n.get("uuid") and not n.get("port")}
    visible = nova.cloud.network.list_networks(ctx, own=True, id=sorted(ids)) if ids else []
    by_id = {network["id"]: network for network in visible}
    requested = []
    for asked in networks:
        if asked.get("port"):
            requested.append(_port(nova, ctx, asked, count))
            continue
        network = by_id.get(str(asked.get("uuid")))
        if network is None:
            raise NetworkUnknown(id=asked.get("uuid"))
        _check(ctx, network)
        address = check_address(asked["fixed_ip"]) if asked.get("fixed_ip") else None
        if address and count > 1:
            raise Invalid(reason="Cannot create several servers with one fixed_ip.")
        if address:
            address = check_address(address)
            if nova.cloud.network.list_ports(ctx, network_id=network["id"],
                    fixed_ips=f"ip_address={address}", fields="id"):
                raise FixedIpInUse(address=address)
        requested.append({"network_id": network["id"], "port_id": None, "address": address,
                          "tag": asked.get("tag")})
    ports = [r["port_id"] for r in requested if r["port_id"]]
    if len(ports) != len(set(ports)):
        raise Invalid(reason="networks: a port may be given only once.")
    return requested


def _automatic(nova: Nova, ctx: Context, required: bool) -> list[Requested]:
    """The one network that the project has; none is well unless it was asked for."""
    own = [n for n in nova.cloud.network.list_networks(ctx, own=True, tenant_id=ctx.project)
           if not n.get("router:external")]
    if not own:
        own = [n for n in nova.cloud.network.list_networks(ctx, own=True, shared=True)
               if not n.get("router:external")]
    if len(own) > 1:
        raise NetworkAmbiguous
    if not own:
        if required:
            raise Invalid(
                reason="Unable to automatically allocate a network for project "
                       f"{ctx.project}: it has none. Create a network with a subnet first."
            )
        return []
    if not own[0].get("subnets"):
        if required:
            raise Invalid(reason=f"Network {own[0]['id']} requires a subnet.")
        return []
    return [{"network_id": own[0]["id"], "port_id": None, "address": None, "tag": None}]


def _check(ctx: Context, network: dict[str, Any]) -> None:
    if network.get("router:external") and not network.get("shared") and not ctx.is_admin:
        raise Forbidden(rule=f"attaching to external network {network['id']}")
    if not network.get("subnets"):
        raise Invalid(
            reason=f"Network {network['id']} requires a subnet in order to boot instances on."
        )


def _port(nova: Nova, ctx: Context, asked: dict[str, Any], count: int) -> Requested:
    port_id = str(asked["port"])
    if count > 1:
        raise Invalid(reason="Unable to launch multiple instances with a single configured port "
                             "ID. Please launch your instance one by one with different ports.")
    if asked.get("fixed_ip"):
        raise Invalid(reason=f"Specified fixed IP '{asked['fixed_ip']}' cannot be used with port "
                             f"'{port_id}': the two cannot be specified together.")
    try:
        port = nova.cloud.network.show_port(ctx, port_id, own=True)
    except Problem as problem:
        if problem.code == 404:
            raise PortUnknown(id=port_id) from None
        raise
    if port.get("device_id"):
        raise PortInUse(id=port_id)
    if not port.get("fixed_ips"):
        raise Invalid(reason=f"Port {port_id} requires a FixedIP in order to be used.")
    return {"network_id": port["network_id"], "port_id": port_id, "address": None,
            "tag": asked.get("tag")}


def security_groups(nova: Nova, ctx: Context, names: Iterable[str]) -> list[str]:
    """Ids of the caller's groups by name or id; none for the default alone. Raises Invalid."""
    asked_names = list(dict.fromkeys(names))
    if not asked_names or asked_names == ["default"]:
        return []  # Neutron gives a port its project's default by itself.
    have = nova.cloud.network.list_security_groups(
        ctx, own=True, tenant_id=ctx.project, fields=["id", "name"])
    ids = []
    for name in asked_names:
        same = [g["id"] for g in have if name == g["id"]]
        same = same or [g["id"] for g in have if name == g["name"]]
        if not same:
            raise Invalid(reason=f"Security group {name} not found for project {ctx.project}.")
        if len(same) > 1:
            raise Conflict(reason=f"Multiple security groups found matching '{name}'. Use an ID "
                                  "to be more specific.")
        ids.append(same[0])
    return ids


def find_group(nova: Nova, ctx: Context, name: str) -> str:
    """The id of the caller's security group of that name or id. Raises NotFound."""
    have = nova.cloud.network.list_security_groups(
        ctx, own=True, tenant_id=ctx.project, fields=["id", "name"])
    for group in sorted(have, key=lambda g: g["id"] != name):
        if name in (group["id"], group["name"]):
            return str(group["id"])
    raise NotFound("Security group", name)


# --- What the conductor does ---------------------------------------------------------------


def make_ports(
    nova: Nova, ctx: Context, server: Any, host: str, zone: str, groups: list[str], again: bool
) -> list[rpc.Vif]:
    """Make and bind what the server asked for. With `again`, what an earlier try made is used."""
    made = _of(nova, ctx, [server.id]) if again else []
    ports = []
    for number, requested in enumerate(server.requested_networks):
        binding = {"device_id": server.id, "device_owner": f"compute:{zone}",
                   "binding:host_id": host}
        if requested["port_id"]:
            port = _bind(nova, ctx, server.id, requested["port_id"], binding)
        else:
            same = [p for p in made if p["network_id"] == requested["network_id"]
                    and (not requested["address"] or requested["address"] in
                         [f["ip_address"] for f in p["fixed_ips"]])]
            if same:
                made.remove(same[0])
                port = _bind(nova, ctx, server.id, same[0]["id"], binding)
            else:
                port = _make(nova, ctx, server, requested, binding, groups)
        port["tag"], port["position"] = requested.get("tag"), number
        ports.append(port)
    if again:
        _remove_twins(nova, ctx, server.id, [port["id"] for port in ports])
    kept = {r["port_id"] for r in server.requested_networks if r["port_id"]}
    described = describe(nova, ctx, ports, kept, floating=any(kept))
    for vif in described:
        _check_bound(vif, host)
    return described


def _remove_twins(nova: Nova, ctx: Context, server_id: str, ours: Sequence[str]) -> None:
    """A question that nobody answered may have been carried out after the look at what there was,
    and before it was asked again: then there is a port too many."""
    for port in _of(nova, ctx, [server_id]):
        if port["id"] not in ours:
            remove_ports(nova, ctx, server_id, set(), only=port["id"])


def _make(
    nova: Nova, ctx: Context, server: Any, requested: Requested, binding: dict[str, Any],
    groups: list[str],
) -> dict[str, Any]:
    body = {**binding, "network_id": requested["network_id"], "project_id": server.project_id,
            "tenant_id": server.project_id, "admin_state_up": True}
    if requested["address"]:
        body["fixed_ips"] = [{"ip_address": requested["address"]}]
    if groups:
        body["security_groups"] = groups
    return nova.cloud.network.create_port(ctx, body)


def _bind(
    nova: Nova, ctx: Context, server_id: str, port_id: str, binding: dict[str, Any]
) -> dict[str, Any]:
    port = nova.cloud.network.show_port(ctx, port_id)
    if port.get("device_id") not in ("", None, server_id):
        raise PortInUse(id=port_id)
    return nova.cloud.network.update_port(ctx, port_id, binding)


def move_ports(nova: Nova, ctx: Context, server: Any, host: str) -> list[rpc.Vif]:
    """Bind the server's ports to that host; as they are then. Raises Conflict where one cannot be
    bound there."""
    for port in _of(nova, ctx, [server.id]):
        if port.get("binding:host_id") != host:
            nova.cloud.network.update_port(ctx, port["id"], {"binding:host_id": host})
    moved = refresh(nova, ctx, [server])[server.id]
    for vif in moved:
        _check_bound(vif, host)
    return moved


def remove_ports(
    nova: Nova, ctx: Context, server_id: str, kept: set[str], only: str | None = None
) -> None:
    """Delete the server's ports (or the one); those in `kept` were the user's: only let go."""
    for port in _of(nova, ctx, [server_id]):
        if only not in (None, port["id"]):
            continue
        try:
            if port["id"] in kept:
                nova.cloud.network.update_port(ctx, port["id"], {
                    "device_id": "", "device_owner": "", "binding:host_id": ""})
            else:
                nova.cloud.network.delete_port(ctx, port["id"])
        except Problem as problem:
            if problem.code != 404:  # Somebody was quicker.
                raise


def attach(
    nova: Nova, ctx: Context, server: Any, requested: Requested, before: Sequence[str]
) -> rpc.Vif:
    """One more port for a server that has its host; `before` are the ids of those that it had.
    One that an earlier try made is used. Raises Conflict when it cannot be bound there."""
    binding = {"device_id": server.id, "device_owner": f"compute:{server.zone}",
               "binding:host_id": server.host}
    own = requested["port_id"]
    made = own or next((port["id"] for port in _of(nova, ctx, [server.id])
                        if port["id"] not in before), None)
    if made:
        port = _bind(nova, ctx, server.id, made, binding)
    else:
        port = _make(nova, ctx, server, requested, binding, [])
    if not own:
        _remove_twins(nova, ctx, server.id, [*before, port["id"]])
    port["tag"] = requested.get("tag")
    vif = describe(nova, ctx, [port], {own} if own else set(), floating=bool(own))[0]
    _check_bound(vif, server.host)
    return vif


def _check_bound(vif: rpc.Vif, host: str) -> None:
    if vif["vif_type"] == "binding_failed":
        raise Conflict(reason=f"Binding failed for port {vif['id']} on host {host}: its "
                              "network cannot be reached from there.")


def undo_attach(
    nova: Nova, ctx: Context, server_id: str, own: str | None, before: set[str]
) -> list[str]:
    """Let go of the user's `own` port, or delete what was made; the ids of those ports."""
    ports = [port["id"] for port in _of(nova, ctx, [server_id])
             if port["id"] == own or (own is None and port["id"] not in before)]
    for port_id in ports:
        remove_ports(nova, ctx, server_id, {own} if own else set(), only=port_id)
    return ports


def ports_of(nova: Nova, ctx: Context, server_id: str) -> list[dict[str, Any]]:
    """A server's ports as Neutron shows them now."""
    return _of(nova, ctx, [server_id])


def _of(nova: Nova, ctx: Context, servers: Sequence[str]) -> list[dict[str, Any]]:
    return nova.cloud.network.list_ports(ctx, device_id=list(servers))


# --- What a port is to a guest -------------------------------------------------------------


def describe(
    nova: Nova, ctx: Context, ports: Sequence[dict[str, Any]], kept: set[str], *,
    floating: bool = True,
) -> list[rpc.Vif]:
    """The ports with their networks and subnets, in three questions however many they are."""
    if not ports:
        return []
    networks = {n["id"]: n for n in nova.cloud.network.list_networks(
        ctx, id=sorted({p["network_id"] for p in ports}))}
    subnet_ids = sorted({f["subnet_id"] for p in ports for f in p["fixed_ips"]})
    subnets = {s["id"]: s for s in
               (nova.cloud.network.list_subnets(ctx, id=subnet_ids) if subnet_ids else ())}
    outside: dict[tuple[str, str], list[str]] = {}
    if floating:
        for ip in nova.cloud.network.list_floating_ips(ctx, port_id=[p["id"] for p in ports]):
            key = (ip["port_id"], ip["fixed_ip_address"])
            outside.setdefault(key, []).append(ip["floating_ip_address"])
    return [_vif(port, networks.get(port["network_id"], {}), subnets, outside, kept)
            for port in ports]


def _vif(
    port: dict[str, Any], network: dict[str, Any], subnets: dict[str, Any],
    outside: dict[tuple[str, str], list[str]], kept: set[str],
) -> rpc.Vif:
    own = {f["subnet_id"]: subnets[f["subnet_id"]] for f in port["fixed_ips"]
           if f["subnet_id"] in subnets}
    return {
        "id": port["id"], "mac": port["mac_address"], "network_id": port["network_id"],
        "network_name": network.get("name") or "", "mtu": network.get("mtu") or 1500,
        "fixed_ips": [
            {"address": f["ip_address"], "subnet_id": f["subnet_id"],
             "floating": outside.get((port["id"], f["ip_address"]), [])}
            for f in port["fixed_ips"]
        ],
        "subnets": [
            {"id": s["id"], "cidr": s["cidr"], "version": s["ip_version"],
             "gateway": s.get("gateway_ip"), "dns": list(s.get("dns_nameservers") or ()),
             "routes": list(s.get("host_routes") or ()), "dhcp": bool(s.get("enable_dhcp"))}
            for s in own.values()
        ],
        "vnic_type": port.get("binding:vnic_type") or "normal",
        "vif_type": port.get("binding:vif_type") or "unbound",
        "vif_details": port.get("binding:vif_details") or {},
        "device": f"tap{port['id'][:11]}", "status": port.get("status") or "DOWN",
        "preserve": port["id"] in kept, "tag": port.get("tag"),
        "security_groups": list(port.get("security_groups") or ()),
    }


def refresh(nova: Nova, ctx: Context, servers: Sequence[Any]) -> dict[str, list[rpc.Vif]]:
    """Ask Neutron what the servers' ports are now, keep it, and say it by server id.

    A server row needs id, requested_networks, vifs and vifs_revision. Where others change them
    meanwhile Neutron is asked again, for those servers alone.
    """
    said: dict[str, list[rpc.Vif]] = {}
    for _ in range(TRIES):
        if not servers:
            break
        ports = _of(nova, ctx, [s.id for s in servers])
        kept = {r["port_id"] for s in servers for r in s.requested_networks if r["port_id"]}
        kept |= {v["id"] for s in servers for v in s.vifs if v.get("preserve")}
        groups = sorted({g for p in ports for g in p.get("security_groups") or ()})
        names = {g["id"]: g["name"] for g in nova.cloud.network.list_security_groups(
            ctx, id=groups, fields=["id", "name"])} if groups else {}
        described = {v["id"]: v for v in describe(nova, ctx, ports, kept)}
        with nova.db.writing() as session:
            late = []
            for server in servers:
                mine = [p for p in ports if p["device_id"] == server.id]
                said[server.id] = _in_order(server, mine, described)
                own = sorted({names[g] for p in mine for g in p.get("security_groups") or ()
                              if g in names})
                if not vifs.replace(
                    session, server.id, server.vifs_revision, said[server.id], vifs_at=utcnow(),
                    security_groups=own, updated_at=Server.updated_at,
                ):
                    late.append(server.id)
        servers = _rows(nova, late)
    return said


def _in_order(
    server: Any, ports: list[dict[str, Any]], described: dict[str, rpc.Vif]
) -> list[rpc.Vif]:
    """As they were, new ones last, each with the tag it had."""
    before = {v["id"]: (number, v.get("tag")) for number, v in enumerate(server.vifs)}
    ordered = [described[p["id"]] for p in ports]
    ordered.sort(key=lambda vif: before.get(vif["id"], (len(before), None))[0])
    for vif in ordered:
        vif["tag"] = before.get(vif["id"], (0, None))[1]
    return ordered


def _rows(nova: Nova, ids: Sequence[str]) -> Sequence[Any]:
    if not ids:
        return []
    with nova.db.reading() as session:
        return session.execute(
            select(Server.id, Server.requested_networks, Server.vifs, Server.vifs_revision)
            .where(Server.id.in_(ids), Server.deleted.is_(False))
        ).all()


def changed(nova: Nova, ctx: Context, servers: Sequence[Any]) -> list[Any]:
    """Those of the servers whose ports or addresses are no more what was kept: two questions."""
    if not servers:
        return []
    ports: dict[str, set[Any]] = {server.id: set() for server in servers}
    now = _of(nova, ctx, list(ports))
    outside: dict[tuple[str, str], list[str]] = {}
    if now:
        for ip in nova.cloud.network.list_floating_ips(ctx, port_id=[p["id"] for p in now]):
            key = (ip["port_id"], ip["fixed_ip_address"])
            outside.setdefault(key, []).append(ip["floating_ip_address"])
    for port in now:
        addresses = tuple(
            (f["ip_address"], *sorted(outside.get((port["id"], f["ip_address"]), ())))
            for f in port["fixed_ips"])
        groups = tuple(sorted(port.get("security_groups") or ()))
        ports[port["device_id"]].add((port["id"], addresses, groups))

    def kept(vif: dict[str, Any]) -> Any:
        addresses = tuple((f["address"], *sorted(f["floating"])) for f in vif["fixed_ips"])
        return vif["id"], addresses, tuple(sorted(vif.get("security_groups") or ()))

    return [server for server in servers if ports[server.id] != {kept(v) for v in server.vifs}]


def statuses(nova: Nova, ctx: Context, server: Any) -> list[rpc.Vif]:
    """The server's ports as they are bound and up now: one question, unless more than that
    changed since they were kept."""
    ports = {p["id"]: p for p in _of(nova, ctx, [server.id])}
    same = ports.keys() == {vif["id"] for vif in server.vifs} and all(
        [f["ip_address"] for f in ports[vif["id"]]["fixed_ips"]]
        == [f["address"] for f in vif["fixed_ips"]]
        for vif in server.vifs
    )
    if not same:
        return refresh(nova, ctx, [server])[server.id]
    same_vifs: list[rpc.Vif] = server.vifs
    for vif in same_vifs:
        port = ports[vif["id"]]
        vif["status"] = port.get("status") or "DOWN"
        vif["vif_type"] = port.get("binding:vif_type") or "unbound"
        vif["vif_details"] = port.get("binding:vif_details") or {}
    return same_vifs


def addresses(kept: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By network name, as the API shows them."""
    by_network: dict[str, list[dict[str, Any]]] = {}
    for vif in kept:
        shown = by_network.setdefault(vif["network_name"], [])
        for ip in vif["fixed_ips"]:
            shown.append(_address(ip["address"], "fixed", vif["mac"]))
            shown += [_address(outside, "floating", vif["mac"]) for outside in ip["floating"]]
    return by_network


def _address(address: str, kind: str, mac: str) -> dict[str, Any]:
    return {"version": 6 if ":" in address else 4, "addr": address, "OS-EXT-IPS:type": kind,
            "OS-EXT-IPS-MAC:mac_addr": mac}


def check_address(text: str) -> str:
    """Raises Invalid."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise Invalid(reason=f"Invalid fixed IP address '{text}'.") from None
