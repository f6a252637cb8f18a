"""What the owner hints at: servers to be near or far from, addresses."""

from typing import Any

import netaddr

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.host_state import HostState, Surroundings


def same_host(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    ids = listed(request, "same_host")
    if not ids or any(around.servers.get(server_id) == state.host for server_id in ids):
        return None
    return f"runs none of {', '.join(ids)}"


def different_host(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    there = avoided(state, request, around)
    return f"runs {', '.join(there)}" if there else None


def avoided(state: HostState, request: HostRequest, around: Surroundings) -> list[str]:
    """The servers of the hint different_host that are there."""
    return [server_id for server_id in listed(request, "different_host")
            if around.servers.get(server_id) == state.host]


def simple_cidr_affinity(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    near = one(request, "build_near_host_ip")
    if near is None:
        return None
    size = one(request, "cidr") or "/24"
    try:
        network = netaddr.IPNetwork(f"{near}/{size.removeprefix('/')}")
        address = netaddr.IPAddress(state.report.get("host_ip") or "")
    except (netaddr.AddrFormatError, ValueError):
        return f"hints build_near_host_ip and cidr make no network: {near} {size}"
    return None if address in network else f"at {address}, asked for {network.cidr}"


def one(request: HostRequest, name: str) -> str | None:
    """A hint's value; the first where there are several."""
    values = listed(request, name)
    return values[0] if values else None


def listed(request: HostRequest, name: str) -> list[str]:
    """A hint's values; none where it is not given."""
    hint: Any = request["hints"].get(name)
    if hint is None:
        return []
    return [str(h) for h in hint] if isinstance(hint, list) else [str(hint)]
