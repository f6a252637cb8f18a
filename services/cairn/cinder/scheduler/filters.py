"""Filters: why a pool can not take a volume. Under upstream's names."""

from collections.abc import Callable, Sequence

from cairn.cinder.scheduler.pools import PoolState, Request

Filter = Callable[[PoolState, Request], str | None]


def availability_zone(pool: PoolState, request: Request) -> str | None:
    """A volume's zone is its backend's."""
    return None if pool.zone == request.zone else f"it is in zone {pool.zone}"


def capacity(pool: PoolState, request: Request) -> str | None:
    """Room for it: what is free and not reserved; of thin pools as often as it is promised."""
    figures = pool.figures
    total, free = figures["total_capacity_gb"], figures["free_capacity_gb"]
    if "unknown" in (total, free) or "infinite" in (total, free):
        return None
    reserved = total * figures.get("reserved_percentage", 0) / 100
    available = free - reserved
    if figures.get("thin_provisioning_support"):
        ratio = figures.get("max_over_subscription_ratio", 1.0)
        provisioned = max(figures.get("provisioned_capacity_gb", 0.0), pool.promised)
        if provisioned + request.size > total * ratio:
            return (f"{request.size} GiB on top of {provisioned:.0f} GiB are more than "
                    f"{ratio:g} times its {total:.0f} GiB")
        if request.size > available * ratio:
            return (f"{request.size} GiB are more than {ratio:g} times the {available:.1f} GiB "
                    "that are free and not reserved")
        return None
    left = min(available, total - reserved - pool.promised)
    if request.size > left:
        return f"{left:.1f} GiB are left, {request.size} GiB are needed"
    return None


def same_place(pool: PoolState, request: Request) -> str | None:
    """A clone is made where its source is."""
    if request.beside is None or request.beside == pool.host:
        return None
    return f"what it is made from is on {request.beside}"


FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": availability_zone,
    "CapacityFilter": capacity,
}


def refusal(pool: PoolState, request: Request, names: Sequence[str]) -> str | None:
    """The first reason why not, with its filter's name; None where there is none."""
    if pool.host in request.excluded:
        return "it was tried and failed"
    if (reason := same_place(pool, request)) is not None:
        return reason
    for name in names:
        func = FILTERS.get(name)
        if func is not None and (reason := func(pool, request)) is not None:
            return f"{name}: {reason}"
    return None
