"""Filters: may this server go to that host? Named as upstream's. None is yes; else why not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cairn.nova.core.host_request import HostRequest


@dataclass
class HostState:
    """A host as the scheduler sees it, this moment."""

    host: str
    node: str
    provider: str
    zone: str
    up: bool
    disabled: bool
    disabled_reason: str | None
    report: dict[str, Any]
    # Metadata of its aggregates.
    aggregates: list[dict[str, Any]] = field(default_factory=list)
    # By resource class: what placement has of it.
    capacity: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)


Filter = Callable[[HostState, HostRequest, dict[str, str]], str | None]


def compute_filter(state: HostState, request: HostRequest, servers: dict[str, str]) -> str | None:
    if state.disabled:
        return f"disabled: {state.disabled_reason or 'no reason given'}"
    if not state.up:
        return "its nova-compute does not answer"
    return None


def availability_zone_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    zone = request["zone"]
    if zone is None or zone == state.zone:
        return None
    return f"in zone {state.zone}, asked for {zone}"


def compute_capabilities_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    for name, expected in request["capabilities"].items():
        value: Any = state.report
        for part in name.split(":"):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            of_aggregates = [a[name] for a in state.aggregates if name in a]
            if not of_aggregates:
                return f"has no capability {name}"
            value = of_aggregates[0]
        if not matches(str(value), expected):
            return f"{name} is {value}, asked for {expected}"
    return None


def aggregate_instance_extra_specs_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    for name, expected in request.get("aggregate_specs", {}).items():
        values = [part.strip() for aggregate in state.aggregates if aggregate.get(name)
                  for part in str(aggregate[name]).split(",")]
        if not any(matches(value, expected) for value in values):
            there = f"is {', '.join(values)}" if values else "is of none of them"
            return f"{name} of its aggregates {there}, asked for {expected}"
    return None


def matches(value: str, expected: str) -> bool:
    """Whether a value fits an extra spec's requirement, in upstream's small language."""
    words = expected.split()
    if not words:
        return value == expected
    numeric = {"=": float.__ge__, "==": float.__eq__, "!=": float.__ne__, ">=": float.__ge__,
               "<=": float.__le__}
    textual = {"s==": str.__eq__, "s!=": str.__ne__, "s<": str.__lt__, "s<=": str.__le__,
               "s>": str.__gt__, "s>=": str.__ge__}
    operator, operands = words[0], words[1:]
    try:
        if operator in numeric and operands:
            return bool(numeric[operator](float(value), float(operands[0])))
    except ValueError:
        return False
    if operator in textual and operands:
        return bool(textual[operator](value, operands[0]))
    if operator == "<in>" and operands:
        return operands[0] in value
    if operator == "<all-in>":
        return all(operand in value for operand in operands)
    if operator == "<or>":
        return value in expected.replace("<or>", " ").split()
    return value == expected


def image_properties_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    image = request["image"]
    asked = [image["arch"], image["hypervisor"], image["mode"]]
    if not any(asked):
        return None
    for offered in state.report.get("supported_instances") or ():
        if all(a is None or a.lower() == o.lower() for a, o in zip(asked, offered, strict=False)):
            return None
    text = "/".join(str(a) for a in asked if a)
    return f"cannot run images for {text}"


def same_host_filter(state: HostState, request: HostRequest, servers: dict[str, str]) -> str | None:
    ids = _ids(request["hints"].get("same_host"))
    if not ids or any(servers.get(server_id) == state.host for server_id in ids):
        return None
    return f"runs none of {', '.join(ids)}"


def different_host_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    ids = _ids(request["hints"].get("different_host"))
    there = [server_id for server_id in ids if servers.get(server_id) == state.host]
    return f"runs {', '.join(there)}" if there else None


def server_group_anti_affinity_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    group = request["group"]
    if not group or group["policy"] != "anti-affinity":
        return None
    most = int(group["rules"].get("max_server_per_host", 1))
    have = group["hosts"].get(state.host, 0)
    return None if have < most else f"has {have} of at most {most} servers of the group"


def server_group_affinity_filter(
    state: HostState, request: HostRequest, servers: dict[str, str]
) -> str | None:
    group = request["group"]
    if not group or group["policy"] != "affinity" or not group["hosts"]:
        return None
    if state.host in group["hosts"]:
        return None
    return f"the group is on {', '.join(sorted(group['hosts']))}"


def _ids(hint: Any) -> list[str]:
    if hint is None:
        return []
    return [str(h) for h in hint] if isinstance(hint, list) else [str(hint)]


FILTERS: dict[str, Filter] = {
    "ComputeFilter": compute_filter,
    "AvailabilityZoneFilter": availability_zone_filter,
    "ComputeCapabilitiesFilter": compute_capabilities_filter,
    "AggregateInstanceExtraSpecsFilter": aggregate_instance_extra_specs_filter,
    "ImagePropertiesFilter": image_properties_filter,
    "SameHostFilter": same_host_filter,
    "DifferentHostFilter": different_host_filter,
    "ServerGroupAntiAffinityFilter": server_group_anti_affinity_filter,
    "ServerGroupAffinityFilter": server_group_affinity_filter,
}
