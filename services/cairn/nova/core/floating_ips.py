"""Floating IPs as servers know them: Neutron's, asked for as the caller."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Problem, Refused
from cairn.nova.component import Nova
from cairn.nova.core import network, server_ports, servers
from cairn.nova.core.values import neighbours_id
from cairn.nova.errors import FloatingIpNotFound, FloatingIpPoolNotFound, NoMoreFloatingIps


@dataclass(frozen=True)
class FloatingIp:
    """An address outside, and the fixed one of the server that has it."""

    id: str
    address: str
    pool: str | None
    fixed_address: str | None
    server_id: str | None


def list_pools(nova: Nova, ctx: Context) -> list[Document]:
    """The networks that the caller may take floating IPs of, as Neutron shows them."""
    return nova.cloud.network.list_networks(ctx, own=True, **{"router:external": True})


def list_floating_ips(nova: Nova, ctx: Context) -> list[FloatingIp]:
    """Those of the caller's project."""
    return _described(nova, ctx, nova.cloud.network.list_floating_ips(
        ctx, own=True, tenant_id=ctx.project))


def find(nova: Nova, ctx: Context, floating_ip_id: str) -> FloatingIp:
    """Raises FloatingIpNotFound."""
    return _described(nova, ctx, [_get(nova, ctx, floating_ip_id)])[0]


def _get(nova: Nova, ctx: Context, floating_ip_id: str) -> Document:
    own = neighbours_id("Floating IP", floating_ip_id)
    try:
        return nova.cloud.network.forward(ctx, "GET", f"/floatingips/{own}")["floatingip"]  # type: ignore[no-any-return]
    except Problem as problem:
        if problem.code == 404:
            raise FloatingIpNotFound(floating_ip_id) from None
        raise


def _described(nova: Nova, ctx: Context, listed: Sequence[Document]) -> list[FloatingIp]:
    """With the names of their pools, and whose the ports are that they lead to."""
    if not listed:
        return []
    pools = {pool["id"]: pool["name"] or pool["id"] for pool in list_pools(nova, ctx)}
    servers_by_port = _servers(nova, ctx, [f["port_id"] for f in listed if f.get("port_id")])
    return [FloatingIp(
        f["id"], f["floating_ip_address"],
        pools.get(f["floating_network_id"], f["floating_network_id"]), f.get("fixed_ip_address"),
        servers_by_port.get(f.get("port_id") or "")) for f in listed]


def _servers(nova: Nova, ctx: Context, ports: list[str]) -> dict[str, str | None]:
    """By the ids of the ports, the ids of what they are plugged into."""
    if not ports:
        return {}
    return {port["id"]: port.get("device_id") or None
            for port in nova.cloud.network.list_ports(ctx, own=True, id=sorted(ports))}


def allocate(nova: Nova, ctx: Context, pool: str | None) -> FloatingIp:
    """Take one of a pool, named by its name or id; None is the only one there is. Raises
    FloatingIpPoolNotFound, NoMoreFloatingIps, Refused over quota."""
    pools = list_pools(nova, ctx)
    fitting = [p for p in pools if pool is None or p["id"] == pool]
    fitting = fitting or [p for p in pools if p["name"] == pool]
    if not fitting:
        raise FloatingIpPoolNotFound(pool or "")
    if len(fitting) > 1:
        raise Invalid(reason="pool: there are several "
                             f"{'pools' if pool is None else f'pools {pool}'}; say one by its id.")
    try:
        made = nova.cloud.network.forward(ctx, "POST", "/floatingips", {"floatingip": {
            "floating_network_id": fitting[0]["id"]}})["floatingip"]
    except Problem as problem:
        if problem.code != 409:
            raise
        if "quota exceeded" in str(problem).lower():
            raise Refused(reason=f"IP allocation over quota in pool {pool}. {problem}") from None
        raise NoMoreFloatingIps(fitting[0]["name"]) from None
    return _described(nova, ctx, [made])[0]


def release(nova: Nova, ctx: Context, floating_ip_id: str) -> None:
    """Give it back; a server that had it has it no more. Raises FloatingIpNotFound."""
    floating = _get(nova, ctx, floating_ip_id)
    had = _server_of(nova, ctx, floating)
    nova.cloud.network.forward(ctx, "DELETE", f"/floatingips/{floating['id']}")
    _look_again(nova, ctx, had)


def associate(
    nova: Nova, ctx: Context, server_id: str, address: str, fixed_address: str | None
) -> None:
    """Lead a floating IP to the server's fixed address, by default its first of IPv4; from another
    server it is taken. Raises FloatingIpNotFound, and Invalid for what Neutron refuses."""
    row = servers.get(nova, ctx, server_id)
    port_id, inner = _fixed(row, network.ports_of(nova, ctx, row.id), fixed_address)
    floating = _by_address(nova, ctx, address)
    had = _server_of(nova, ctx, floating)
    try:
        _point(nova, ctx, floating, {"port_id": port_id, "fixed_ip_address": inner})
    except Problem as problem:
        if problem.code not in (404, 409):
            raise
        raise Invalid(reason=f"Unable to associate floating IP {address} to fixed IP {inner} for "
                             f"instance {row.id}. Error: {problem}") from None
    _look_again(nova, ctx, had, row.id)


def _fixed(row: Any, ports: Sequence[Document], asked: str | None) -> tuple[str, str]:
    """The port and the address of a server that are meant. Raises Invalid."""
    addresses = [(port["id"], fixed["ip_address"]) for port in ports
                 for fixed in port.get("fixed_ips") or ()]
    if not addresses:
        raise Invalid(reason=f"Instance {row.id} has no fixed IP address.")
    if asked is not None:
        fitting = [each for each in addresses if each[1] == asked]
        if not fitting:
            raise Invalid(reason=f"fixed_address: instance {row.id} has no address {asked}.")
        return fitting[0]
    fitting = [each for each in addresses if ":" not in each[1]]
    if not fitting:
        raise Invalid(reason=f"Instance {row.id} has no fixed IPv4 address to lead to.")
    return fitting[0]


def disassociate(nova: Nova, ctx: Context, server_id: str, address: str) -> None:
    """Lead it to the server no more. Raises FloatingIpNotFound, Conflict where it did not."""
    row = servers.get(nova, ctx, server_id)
    floating = _by_address(nova, ctx, address)
    if _server_of(nova, ctx, floating) != row.id:
        raise Conflict(
            reason=f"Floating IP {address} is not associated with instance {row.id}.")
    _point(nova, ctx, floating, {"port_id": None})
    _look_again(nova, ctx, row.id)


def _by_address(nova: Nova, ctx: Context, address: str) -> Document:
    listed = nova.cloud.network.list_floating_ips(ctx, own=True, floating_ip_address=address)
    if not listed:
        raise FloatingIpNotFound(address)
    return listed[0]


def _server_of(nova: Nova, ctx: Context, floating: Document) -> str | None:
    port_id = floating.get("port_id")
    return _servers(nova, ctx, [port_id]).get(port_id) if port_id else None


def _point(nova: Nova, ctx: Context, floating: Document, where: Document) -> None:
    nova.cloud.network.forward(
        ctx, "PUT", f"/floatingips/{floating['id']}", {"floatingip": where})


def _look_again(nova: Nova, ctx: Context, *server_ids: str | None) -> None:
    """So that the servers show it at once; others than the caller's are looked at in a while."""
    for server_id in dict.fromkeys(filter(None, server_ids)):
        with contextlib.suppress(NotFound):
            server_ports.refresh(nova, ctx, server_id)
