"""Weighers: which of the pools that pass is best. Under upstream's names."""

import logging
import random
from collections.abc import Callable

from cairn.cinder.scheduler.expressions import BadExpression, evaluate
from cairn.cinder.scheduler.filters import facts_of
from cairn.cinder.scheduler.pools import PoolState, Request
from cairn.cinder.settings import SchedulerSettings

log = logging.getLogger(__name__)
Weigher = Callable[[PoolState, Request], float]
ENDLESS = 1e9  # GiB, of a pool that says there is no end to it.
_DICE = random.SystemRandom()


def capacity(pool: PoolState, request: Request) -> float:
    """GiB that are free and not reserved; of a pool that does not know, none."""
    figures = pool.figures
    free, total = figures["free_capacity_gb"], figures["total_capacity_gb"]
    if isinstance(free, str):
        return ENDLESS if free == "infinite" else -1.0
    if isinstance(total, str):
        return float(free)
    return float(free - total * figures.get("reserved_percentage", 0) / 100)


def allocated_capacity(pool: PoolState, request: Request) -> float:
    """GiB that volumes have there."""
    return float(pool.promised)


def volume_number(pool: PoolState, request: Request) -> float:
    """Volumes that are there."""
    return float(pool.volumes)


def chance(pool: PoolState, request: Request) -> float:
    """Anything."""
    return _DICE.random()


def goodness(pool: PoolState, request: Request) -> float:
    """0 to 100, as its operator or driver says in a goodness_function; else 0."""
    facts = facts_of(pool, request)
    function = facts["capabilities"].get("goodness_function")
    if not function:
        return 0.0
    try:
        value = float(evaluate(str(function), facts))
    except (BadExpression, TypeError, ValueError) as error:
        log.warning("goodness_function of %s, %s, can not be evaluated: %s", pool.host, function,
                    error)
        return 0.0
    return value if 0 <= value <= 100 else 0.0


# Each with the setting that it is multiplied by.
WEIGHERS: dict[str, tuple[Weigher, str]] = {
    "CapacityWeigher": (capacity, "capacity_weight"),
    "AllocatedCapacityWeigher": (allocated_capacity, "allocated_capacity_weight"),
    "VolumeNumberWeigher": (volume_number, "volume_number_weight"),
    "GoodnessWeigher": (goodness, "goodness_weight"),
    "ChanceWeigher": (chance, ""),
}


def best(
    pools: list[PoolState], request: Request, settings: SchedulerSettings
) -> PoolState:
    """Each weigher's values are brought to 0..1 and multiplied; the sum decides, then the name."""
    sums = dict.fromkeys((pool.host for pool in pools), 0.0)
    for name in settings.weighers.split():
        func, setting = WEIGHERS[name]
        multiplier = getattr(settings, setting) if setting else 1.0
        values = {pool.host: func(pool, request) for pool in pools}
        low, high = min(values.values()), max(values.values())
        for host, value in values.items():
            share = (value - low) / (high - low) if high > low else 0.0
            sums[host] += share * multiplier
    return min(pools, key=lambda pool: (-sums[pool.host], pool.host))
