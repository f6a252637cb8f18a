"""Whether a host takes servers at all, where it is, and whom it is kept for."""

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.host_state import HostState, Surroundings, pairs


def all_hosts(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    return None


def compute(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    if state.disabled:
        return f"disabled: {state.disabled_reason or 'no reason given'}"
    return None if state.up else "its nova-compute does not answer"


def availability_zone(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    zone = request["zone"]
    if zone is None or zone == state.zone:
        return None
    return f"in zone {state.zone}, asked for {zone}"


def isolated_hosts(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    settings = around.settings
    image = request.get("image_id") or ""
    host_is = state.host in settings.isolated_hosts.split()
    image_is = image in settings.isolated_images.split()
    if image_is and not host_is:
        return f"not one of those for image {image}"
    if host_is and not image_is and settings.restrict_isolated_hosts_to_isolated_images:
        return "only for isolated images"
    return None


def metrics(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    told = state.report.get("metrics") or {}
    missing = [name for name in pairs(around.settings.metrics_weight_setting) if name not in told]
    return f"does not tell {', '.join(missing)}" if missing else None
