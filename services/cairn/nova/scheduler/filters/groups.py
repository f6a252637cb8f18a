"""Servers of a group: together, or apart."""

from cairn.nova.core.host_request import Group, HostRequest
from cairn.nova.scheduler.host_state import HostState, Surroundings


def anti_affinity(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    group = request["group"]
    if not group or group["policy"] != "anti-affinity":
        return None
    most, have = most_per_host(group), group["hosts"].get(state.host, 0)
    return None if have < most else f"has {have} of at most {most} servers of the group"


def affinity(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    group = request["group"]
    if not group or group["policy"] != "affinity" or not group["hosts"]:
        return None
    if state.host in group["hosts"]:
        return None
    return f"the group is on {', '.join(sorted(group['hosts']))}"


def most_per_host(group: Group) -> int:
    """How many servers of an anti-affinity group one host may have."""
    return int(group["rules"].get("max_server_per_host", 1))
