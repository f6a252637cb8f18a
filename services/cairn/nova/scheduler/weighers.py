"""Weighers: which of the hosts that fit is best? Named as upstream's; each scaled to 0..1."""

import random
from collections.abc import Callable, Sequence

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters import HostState
from cairn.nova.settings import SchedulerSettings

Weigher = Callable[[HostState, HostRequest], float]


def _free(resource: str) -> Weigher:
    def weigh(state: HostState, request: HostRequest) -> float:
        return float(state.capacity.get(resource, 0) - state.used.get(resource, 0))

    return weigh


def _of_group(policy: str, sign: float) -> Weigher:
    def weigh(state: HostState, request: HostRequest) -> float:
        group = request["group"]
        if not group or group["policy"] != policy:
            return 0.0
        return sign * float(group["hosts"].get(state.host, 0))

    return weigh


def weighers(settings: SchedulerSettings) -> list[tuple[str, Weigher, float]]:
    return [
        ("RAMWeigher", _free("MEMORY_MB"), settings.ram_weight),
        ("CPUWeigher", _free("VCPU"), settings.cpu_weight),
        ("DiskWeigher", _free("DISK_GB"), settings.disk_weight),
        ("ServerGroupSoftAffinityWeigher", _of_group("soft-affinity", 1.0),
         settings.soft_affinity_weight),
        ("ServerGroupSoftAntiAffinityWeigher", _of_group("soft-anti-affinity", -1.0),
         settings.soft_anti_affinity_weight),
    ]


def order(
    states: Sequence[HostState], request: HostRequest, settings: SchedulerSettings
) -> list[HostState]:
    """Best first; equals in random order, so that they are used evenly."""
    totals = dict.fromkeys((state.host for state in states), 0.0)
    for _name, weigh, weight in weighers(settings):
        if not weight:
            continue
        values = [weigh(state, request) for state in states]
        low, high = min(values, default=0.0), max(values, default=0.0)
        if high == low:
            continue
        for state, value in zip(states, values, strict=True):
            totals[state.host] += weight * (value - low) / (high - low)
    ordered = sorted(states, key=lambda state: (-totals[state.host], random.random()))
    best = ordered[:max(settings.host_subset_size, 1)]
    random.shuffle(best)
    return best + ordered[len(best):]
