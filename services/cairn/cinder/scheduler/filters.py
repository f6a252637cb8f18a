"""Filters: why a pool can not take a volume. Under upstream's names."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from cairn.cinder.core import capabilities as asked
from cairn.cinder.rpc import backend_of
from cairn.cinder.scheduler.expressions import BadExpression, evaluate
from cairn.cinder.scheduler.pools import PoolState, Request

Filter = Callable[[PoolState, Request], str | None]
# A filter's name ("" of what is no setting's to leave out), and what the pool lacks.
Reason = tuple[str, str]


def availability_zone(pool: PoolState, request: Request) -> str | None:
    """A volume's zone is its backend's; a type may be of some zones only."""
    if pool.zone != request.zone:
        return f"it is in zone {pool.zone}"
    only = str(request.specs.get("RESKEY:availability_zones", ""))
    if only and pool.zone not in [name.strip() for name in only.split(",")]:
        return f"it is in zone {pool.zone}, the type is of {only}"
    return None


def capacity(pool: PoolState, request: Request) -> str | None:
    """Room for it: what is free and not reserved; of thin pools as often as it is promised."""
    figures = pool.figures
    total, free = figures["total_capacity_gb"], figures["free_capacity_gb"]
    if is_boundless(pool):
        return None
    reserved = total * figures.get("reserved_percentage", 0) / 100
    available = free - reserved
    if _is_thin(pool, request):
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


def largest(pool: PoolState, request: Request) -> int:
    """The GiB that a volume may have there; `capacity` said that the request's are too many."""
    figures = pool.figures
    total, reserve = float(figures["total_capacity_gb"]), figures.get("reserved_percentage", 0)
    available = float(figures["free_capacity_gb"]) - total * reserve / 100
    if _is_thin(pool, request):
        ratio = figures.get("max_over_subscription_ratio", 1.0)
        provisioned = max(figures.get("provisioned_capacity_gb", 0.0), pool.promised)
        left = min(total * ratio - provisioned, available * ratio)
    else:
        left = min(available, total * (1 - reserve / 100) - pool.promised)
    return max(0, math.floor(float(left)))


def is_boundless(pool: PoolState) -> bool:
    """Whether the pool does not say what it has, or says that there is no end to it."""
    return any(isinstance(pool.figures[name], str)
               for name in ("total_capacity_gb", "free_capacity_gb"))


def _is_thin(pool: PoolState, request: Request) -> bool:
    return (bool(pool.figures.get("thin_provisioning_support"))
            and request.specs.get("provisioning:type") != "thick")


def capabilities(pool: PoolState, request: Request) -> str | None:
    """What the type's extra specs ask for, and whether several servers may use a volume."""
    facts = asked.facts(pool.figures, pool.capabilities)
    if request.multiattach and not facts.get("multiattach"):
        return "no two servers can use one of its volumes"
    specs = {key: value for key, value in request.specs.items() if key != "multiattach"}
    return asked.lacks(specs, facts)


def driver(pool: PoolState, request: Request) -> str | None:
    """What its operator or driver says in a filter_function."""
    facts = facts_of(pool, request)
    function = facts["capabilities"].get("filter_function")
    if not function:
        return None
    try:
        return None if evaluate(str(function), facts) else f"its filter_function is {function}"
    except BadExpression as error:
        return f"its filter_function, {function}, can not be evaluated: {error}"


def facts_of(pool: PoolState, request: Request) -> dict[str, dict[str, Any]]:
    """What expressions may speak of."""
    facts = asked.facts(pool.figures, pool.capabilities)
    return {
        "stats": facts, "capabilities": facts, "extra": request.specs, "qos": request.qos,
        "volume": {"size": request.size, "availability_zone": request.zone,
                   "multiattach": request.multiattach},
    }


def same_backend(pool: PoolState, request: Request) -> str | None:
    """The hint same_host: with one of these volumes."""
    hint = listed(request.hints.get("same_host"))
    if not hint or pool.backend in _backends(request, hint):
        return None
    return f"it has none of {', '.join(hint)}"


def different_backend(pool: PoolState, request: Request) -> str | None:
    """The hint different_host: with none of these volumes."""
    hint = listed(request.hints.get("different_host"))
    there = [id_ for id_ in hint if pool.backend in _backends(request, [id_])]
    return f"it has {', '.join(there)}" if there else None


def instance_locality(pool: PoolState, request: Request) -> str | None:
    """The hint local_to_instance: on the server's host."""
    if request.local_host is None or pool.host.partition("@")[0] == request.local_host:
        return None
    return f"the server of local_to_instance is on {request.local_host}"


def listed(value: Any) -> list[str]:
    """A hint that names one thing or several."""
    if value is None or value == "":
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _backends(request: Request, ids: list[str]) -> set[str]:
    places = request.places or {}
    return {backend_of(places[id_]) for id_ in ids if id_ in places}


def same_place(pool: PoolState, request: Request) -> str | None:
    """A clone is made where its source is."""
    if request.beside is None or request.beside == pool.host:
        return None
    return f"what it is made from is on {request.beside}"


def backup(pool: PoolState, request: Request) -> str | None:
    """A backup is restored by a host that reaches it."""
    if request.hosts is None or pool.host.partition("@")[0] in request.hosts:
        return None
    return "its host does not reach what the backup is kept in"


FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": availability_zone,
    "CapacityFilter": capacity,
    "CapabilitiesFilter": capabilities,
    "DriverFilter": driver,
    "SameBackendFilter": same_backend,
    "DifferentBackendFilter": different_backend,
    "InstanceLocalityFilter": instance_locality,
}


def reasons(pool: PoolState, request: Request, names: Sequence[str]) -> list[Reason]:
    """Every reason why not; none where it can take the volume."""
    told: list[Reason] = []
    if pool.host in request.excluded:
        told.append(("", "it was tried and failed"))
    if (reason := same_place(pool, request)) is not None:
        told.append(("", reason))
    if (reason := backup(pool, request)) is not None:
        told.append(("", reason))
    for name in names:
        if (reason := FILTERS[name](pool, request)) is not None:
            told.append((name, reason))
    return told
