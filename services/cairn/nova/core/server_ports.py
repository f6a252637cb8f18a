"""What is changed on the ports a server has, in Neutron: their groups and their addresses."""

from collections.abc import Callable
from typing import Any

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Invalid, NotFound, Problem
from cairn.nova.component import Nova
from cairn.nova.core import network, servers

Groups = list[str]


def refresh(nova: Nova, ctx: Context, server_id: str) -> None:
    """Look at them again, now. Raises ServerNotFound."""
    network.refresh(nova, ctx, [_find(nova, ctx, server_id)])


def add_group(nova: Nova, ctx: Context, server_id: str, name: str) -> None:
    """Put each into the caller's security group of that name or id. Raises NotFound, Invalid."""
    group = network.find_group(nova, ctx, name)
    _regroup(nova, ctx, server_id,
             lambda groups: groups if group in groups else [*groups, group])


def remove_group(nova: Nova, ctx: Context, server_id: str, name: str) -> None:
    """Take each out of it. Raises NotFound when none was in it, Invalid."""
    group = network.find_group(nova, ctx, name)
    before = _regroup(nova, ctx, server_id, lambda groups: [g for g in groups if g != group])
    if not any(group in groups for groups in before):
        raise NotFound("Security group", group)


def _regroup(
    nova: Nova, ctx: Context, server_id: str, change: Callable[[Groups], Groups]
) -> list[Groups]:
    """Change the groups of each port; what they were."""
    row = _find(nova, ctx, server_id)
    ports = network.ports_of(nova, ctx, row.id)
    if not ports:
        raise Invalid(reason=f"Server {row.id} has no port to change the security groups of.")
    before = []
    for port in ports:
        groups = list(port.get("security_groups") or ())
        before.append(groups)
        if (changed := change(groups)) != groups:
            nova.cloud.network.update_port(
                ctx, port["id"], {"security_groups": changed}, own=True)
    network.refresh(nova, ctx, [row])
    return before


def add_address(nova: Nova, ctx: Context, server_id: str, network_id: str) -> None:
    """One more address on the server's port of that network. Raises Invalid when it has none,
    Conflict."""
    row = _find(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    for port in network.ports_of(nova, ctx, row.id):
        if port["network_id"] == network_id and port["fixed_ips"]:
            subnet = port["fixed_ips"][0]["subnet_id"]
            _readdress(nova, ctx, row, port, [*port["fixed_ips"], {"subnet_id": subnet}])
            return
    raise Invalid(reason=f"networkId: server {row.id} has no port on network {network_id}.")


def remove_address(nova: Nova, ctx: Context, server_id: str, text: str) -> None:
    """The server has that address no more. Raises Invalid when it has not got it, Conflict."""
    address = network.check_address(text)
    row = _find(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    for port in network.ports_of(nova, ctx, row.id):
        left = [f for f in port["fixed_ips"] if f["ip_address"] != address]
        if len(left) < len(port["fixed_ips"]):
            _readdress(nova, ctx, row, port, left)
            return
    raise Invalid(reason=f"address: server {row.id} has no fixed IP {address}.")


def _readdress(
    nova: Nova, ctx: Context, row: Any, port: Document, addresses: list[Document]
) -> None:
    try:
        nova.cloud.network.update_port(ctx, port["id"], {"fixed_ips": addresses})
    except Problem as problem:
        if problem.code == 409:
            raise Conflict(reason=str(problem)) from None
        raise
    network.refresh(nova, ctx, [row])


def _find(nova: Nova, ctx: Context, server_id: str) -> Any:
    with nova.db.reading() as session:
        return servers.find(session, ctx, server_id)
