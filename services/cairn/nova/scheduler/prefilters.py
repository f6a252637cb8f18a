"""What is decided before filters, by settings of upstream's names: what is added to the question to
placement, and which hosts are kept for others by their aggregates. Upstream asks placement for the
latter, too; here aggregates are nova's own rows, and are looked at beside the filters."""

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters import Filter
from cairn.nova.scheduler.filters.aggregates import tenants
from cairn.nova.scheduler.host_state import HostState, Surroundings
from cairn.nova.settings import SchedulerSettings


def prefilters(settings: SchedulerSettings) -> dict[str, Filter]:
    """Those that are enabled, by the names of their options."""
    return {function.__name__: function for function in (
        limit_tenants_to_placement_aggregate, enable_isolated_aggregate_filtering)
        if getattr(settings, function.__name__)}


def extended(request: HostRequest, settings: SchedulerSettings) -> HostRequest:
    """The request with the traits that settings add."""
    image_type = request.get("disk_format")
    if not settings.query_placement_for_image_type_support or not image_type:
        return request
    trait = f"COMPUTE_IMAGE_TYPE_{image_type.upper()}"
    return {**request, "required": sorted({*request["required"], trait})}


def limit_tenants_to_placement_aggregate(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    project = request["project_id"]
    if project in tenants(state.aggregates):
        return None
    if project in tenants(around.aggregates):
        return "in none of the project's aggregates"
    if around.settings.placement_aggregate_required_for_tenants:
        return "the project has no aggregates"
    return None


def enable_isolated_aggregate_filtering(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    traits = {name.removeprefix("trait:") for meta in state.aggregates
              for name, value in meta.items() if name.startswith("trait:") and value == "required"}
    missing = traits.difference(request["required"])
    return f"kept for requests for {', '.join(sorted(missing))}" if missing else None
