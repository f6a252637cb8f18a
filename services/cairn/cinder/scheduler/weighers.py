"""Weighers: which of the pools that pass is best. Under upstream's names."""

from collections.abc import Callable

from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.cinder.settings import SchedulerSettings

Weigher = Callable[[PoolState, Request], float]


def capacity(pool: PoolState, request: Request) -> float:
    """GiB that are free and not reserved."""
    figures = pool.figures
    reserved = figures["total_capacity_gb"] * figures.get("reserved_percentage", 0) / 100
    return float(figures["free_capacity_gb"] - reserved)


WEIGHERS: dict[str, tuple[Weigher, str]] = {
    "CapacityWeigher": (capacity, "capacity_weight"),
}


def best(
    pools: list[PoolState], request: Request, settings: SchedulerSettings
) -> PoolState:
    """Each weigher's values are brought to 0..1 and multiplied; the sum decides, then the name."""
    sums = dict.fromkeys((pool.host for pool in pools), 0.0)
    for name in settings.weighers.split():
        if name not in WEIGHERS:
            continue
        func, multiplier = WEIGHERS[name]
        values = {pool.host: func(pool, request) for pool in pools}
        low, high = min(values.values()), max(values.values())
        for host, value in values.items():
            share = (value - low) / (high - low) if high > low else 0.0
            sums[host] += share * getattr(settings, multiplier)
    return min(pools, key=lambda pool: (-sums[pool.host], pool.host))
