"""What a host is: its report against extra specs and image properties."""

from typing import Any

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters.language import matches
from cairn.nova.scheduler.host_state import HostState, Surroundings


def lacking(state: HostState, request: HostRequest) -> dict[str, str]:
    """The capabilities that are asked for and that the host has not: why, by name."""
    reasons = {}
    for name, expected in request["capabilities"].items():
        value: Any = state.report
        for part in name.split(":"):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            of_aggregates = [meta[name] for meta in state.aggregates if name in meta]
            if not of_aggregates:
                reasons[name] = f"has no capability {name}"
                continue
            value = of_aggregates[0]
        if not matches(str(value), expected):
            reasons[name] = f"{name} is {value}, asked for {expected}"
    return reasons


def compute_capabilities(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    if not request["capabilities"]:
        return None
    return ", ".join(lacking(state, request).values()) or None


def image_properties(
    state: HostState, request: HostRequest, around: Surroundings
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
