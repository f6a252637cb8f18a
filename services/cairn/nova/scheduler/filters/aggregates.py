"""What the aggregates of a host say of whom it is for."""

from collections.abc import Iterable

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters.language import matches
from cairn.nova.scheduler.host_state import HostState, Surroundings

TENANT = "filter_tenant_id"


def lacking(state: HostState, request: HostRequest) -> dict[str, str]:
    """The extra specs that none of the host's aggregates has as asked: why, by name."""
    reasons = {}
    for name, expected in request.get("aggregate_specs", {}).items():
        values = state.of_aggregates(name)
        if not any(matches(value, expected) for value in values):
            there = f"is {', '.join(values)}" if values else "is of none of them"
            reasons[name] = f"{name} of its aggregates {there}, asked for {expected}"
    return reasons


def instance_extra_specs(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    return "; ".join(lacking(state, request).values()) or None


def image_properties_isolation(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    settings = around.settings
    namespace = settings.aggregate_image_properties_isolation_namespace
    if namespace:
        namespace += settings.aggregate_image_properties_isolation_separator
    for name in _names(state, namespace):
        value = request.get("image_properties", {}).get(name)
        options = state.of_aggregates(name)
        if value is not None and str(value) not in options:
            return f"{name} of its aggregates is {', '.join(options)}, the image's is {value}"
    return None


def multi_tenancy_isolation(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    tenants = {tenant for name in _names(state, TENANT) for tenant in state.of_aggregates(name)}
    if not tenants or request["project_id"] in tenants:
        return None
    return "its aggregates are for other projects"


def type_affinity(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    names = state.of_aggregates("instance_type")
    if not names or request.get("flavor_name") in names:
        return None
    return f"its aggregates are for flavors {', '.join(names)}"


def tenants(metas: Iterable[dict[str, str]]) -> set[str]:
    """The projects that these aggregates are for."""
    return {part.strip() for meta in metas for name, value in meta.items()
            if name.startswith(TENANT) for part in str(value).split(",")}


def _names(state: HostState, prefix: str) -> list[str]:
    return sorted({name for meta in state.aggregates for name in meta
                   if name.startswith(prefix)})
