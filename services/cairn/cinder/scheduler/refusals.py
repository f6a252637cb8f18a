"""What is told of a volume that no pool can take: to its owner how many pools there are and the
smallest change that would fit, to administrators what each pool lacks."""

from cairn.cinder.errors import NoValidBackend
from cairn.cinder.scheduler.filters import Reason, backup, largest
from cairn.cinder.scheduler.pools import PoolState, Request

Refused = list[tuple[PoolState, list[Reason]]]
_HINTS = {"SameBackendFilter": "same_host", "DifferentBackendFilter": "different_host",
          "InstanceLocalityFilter": "local_to_instance"}


def explain(refused: Refused, request: Request, missing: list[str]) -> NoValidBackend:
    """Its first line names no host."""
    lines = [f"{pool.host}: " + "; ".join(f"{name}: {reason}" if name else reason
                                          for name, reason in reasons)
             for pool, reasons in refused]
    near = [(pool, reasons) for pool, reasons in refused if backup(pool, request) is None]
    which = "pools" if request.hosts is None else "pools whose host reaches the backup"
    if not refused:
        first = "No storage backend is up and enabled."
    elif not near:
        first = "No storage backend that is up is on a host that reaches the backup."
    else:
        first = (f"None of {len(near)} {which} can take {request.size} GiB in zone "
                 f"{request.zone}. {advice(near, request)}").rstrip()
    return NoValidBackend(reason="\n".join([first, *lines, *missing]))


def advice(refused: Refused, request: Request) -> str:
    """The smallest change of the request with which a pool would take it; empty where more than
    one thing is in the way everywhere."""
    alone: dict[str, list[PoolState]] = {}
    for pool, reasons in refused:
        if len(reasons) == 1:
            alone.setdefault(reasons[0][0], []).append(pool)
    if full := alone.get("CapacityFilter"):
        most = max(largest(pool, request) for pool in full)
        return f"The largest that would fit is {most} GiB." if most else "They are full."
    if elsewhere := alone.get("AvailabilityZoneFilter"):
        zones = sorted({pool.zone for pool in elsewhere if pool.zone != request.zone})
        if zones:
            return f"It would fit in zone {' or '.join(zones)}."
    for name, hint in _HINTS.items():
        if name in alone:
            return f"It would fit without the hint {hint}."
    if "CapabilitiesFilter" in alone:
        return "None is what its volume type asks for; with another type it would fit."
    return ""
