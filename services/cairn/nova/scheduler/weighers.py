"""Weighers: which of the hosts that fit is best? Named as upstream's; each scaled to 0..1."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.host_state import HostState, pairs
from cairn.nova.settings import SchedulerSettings

Weigh = Callable[[HostState, HostRequest, SchedulerSettings], float]


@dataclass(frozen=True)
class Weigher:
    """`multiplier` is the name of its option, and of what aggregates say instead. What weighs
    `floor` or less is 0, where there is a floor; else the lightest host is."""

    multiplier: str
    weigh: Weigh
    floor: float | None = None


def _free(resource: str) -> Weigh:
    return lambda state, request, settings: float(state.free(resource))


def _of_group(policy: str, sign: float) -> Weigh:
    def weigh(state: HostState, request: HostRequest, settings: SchedulerSettings) -> float:
        group = request["group"]
        if not group or group["policy"] != policy:
            return 0.0
        return sign * float(group["hosts"].get(state.host, 0))

    return weigh


def _image_properties(
    state: HostState, request: HostRequest, settings: SchedulerSettings
) -> float:
    """Servers there by the properties that the image shares with theirs."""
    factors = pairs(settings.image_props_weight_setting)
    return sum(factors.get(name, 0.0 if factors else 1.0) * state.image_properties.get(
        (name, value), 0) for name, value in request.get("image_properties", {}).items())


def _metrics(state: HostState, request: HostRequest, settings: SchedulerSettings) -> float:
    told = state.report.get("metrics") or {}
    factors = pairs(settings.metrics_weight_setting)
    if any(name not in told for name in factors):
        return settings.metrics_weight_of_unavailable
    return sum(factor * float(told[name]) for name, factor in factors.items())


WEIGHERS = {
    "RAMWeigher": Weigher("ram_weight_multiplier", _free("MEMORY_MB"), 0.0),
    "CPUWeigher": Weigher("cpu_weight_multiplier", _free("VCPU"), 0.0),
    "DiskWeigher": Weigher("disk_weight_multiplier", _free("DISK_GB"), 0.0),
    "IoOpsWeigher": Weigher("io_ops_weight_multiplier",
                            lambda state, request, settings: float(state.io_ops), 0.0),
    "MetricsWeigher": Weigher("metrics_weight_multiplier", _metrics),
    "ServerGroupSoftAffinityWeigher": Weigher(
        "soft_affinity_weight_multiplier", _of_group("soft-affinity", 1.0)),
    "ServerGroupSoftAntiAffinityWeigher": Weigher(
        "soft_anti_affinity_weight_multiplier", _of_group("soft-anti-affinity", -1.0)),
    "BuildFailureWeigher": Weigher(
        "build_failure_weight_multiplier",
        lambda state, request, settings: -float(state.failed_builds)),
    "HypervisorVersionWeigher": Weigher(
        "hypervisor_version_weight_multiplier",
        lambda state, request, settings: float(state.report.get("hypervisor_version") or 0)),
    "NumInstancesWeigher": Weigher("num_instances_weight_multiplier",
                                   lambda state, request, settings: float(state.instances)),
    "ImagePropertiesWeigher": Weigher("image_props_weight_multiplier", _image_properties),
}


def order(
    states: Sequence[HostState], request: HostRequest, settings: SchedulerSettings
) -> list[HostState]:
    """Best first."""
    totals = [0.0] * len(states)
    for name in settings.weighers.split():
        _add(totals, WEIGHERS[name], states, request, settings)
    shuffled = random.random if settings.shuffle_best_same_weighed_hosts else float
    order = sorted(range(len(states)), key=lambda place: (-totals[place], shuffled()))
    best = order[:max(settings.host_subset_size, 1)]
    random.shuffle(best)
    return [states[place] for place in best + order[len(best):]]


def _add(
    totals: list[float], weigher: Weigher, states: Sequence[HostState], request: HostRequest,
    settings: SchedulerSettings,
) -> None:
    name = weigher.multiplier
    default = float(getattr(settings, name))
    said = any(name in meta for state in states for meta in state.aggregates)
    if not default and not said:
        return
    weights = [weigher.weigh(state, request, settings) for state in states]
    if weigher.floor is not None:
        weights = [max(weight, weigher.floor) for weight in weights]
    low = min(weights, default=0.0) if weigher.floor is None else weigher.floor
    spread = max(weights, default=low) - low
    if not spread:
        return
    for place, weight in enumerate(weights):
        multiplier = states[place].number(name, default) if said else default
        totals[place] += multiplier * (weight - low) / spread
