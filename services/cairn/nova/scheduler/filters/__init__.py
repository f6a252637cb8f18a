"""Filters: may this server go to that host? Named as upstream's. None is yes; else why not."""

from collections.abc import Callable

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters import (
    aggregates,
    capabilities,
    counts,
    groups,
    hints,
    hosts,
    json_query,
)
from cairn.nova.scheduler.host_state import HostState, Surroundings

Filter = Callable[[HostState, HostRequest, Surroundings], str | None]

FILTERS: dict[str, Filter] = {
    "AllHostsFilter": hosts.all_hosts,
    "ComputeFilter": hosts.compute,
    "AvailabilityZoneFilter": hosts.availability_zone,
    "ComputeCapabilitiesFilter": capabilities.compute_capabilities,
    "AggregateInstanceExtraSpecsFilter": aggregates.instance_extra_specs,
    "ImagePropertiesFilter": capabilities.image_properties,
    "SameHostFilter": hints.same_host,
    "DifferentHostFilter": hints.different_host,
    "SimpleCIDRAffinityFilter": hints.simple_cidr_affinity,
    "JsonFilter": json_query.json_query,
    "ServerGroupAntiAffinityFilter": groups.anti_affinity,
    "ServerGroupAffinityFilter": groups.affinity,
    "AggregateImagePropertiesIsolation": aggregates.image_properties_isolation,
    "AggregateMultiTenancyIsolation": aggregates.multi_tenancy_isolation,
    "AggregateTypeAffinityFilter": aggregates.type_affinity,
    "IoOpsFilter": counts.io_ops,
    "AggregateIoOpsFilter": counts.aggregate_io_ops,
    "NumInstancesFilter": counts.num_instances,
    "AggregateNumInstancesFilter": counts.aggregate_num_instances,
    "IsolatedHostsFilter": hosts.isolated_hosts,
    "MetricsFilter": hosts.metrics,
}
