"""What is between a request and a host: placement's room and traits, then every filter."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.changes import MENDS, Change, anywhere, less, without_trait
from cairn.nova.scheduler.filters import Filter
from cairn.nova.scheduler.host_state import HostState, Surroundings

# A server is no larger than the machine, however often that is promised.
_TOTALS = {"VCPU": "vcpus", "MEMORY_MB": "memory_mb", "DISK_GB": "disk_gb"}
PLACEMENT = "placement"


@dataclass(frozen=True)
class Obstacle:
    """One filter's refusal of one host. `what` counts with others of its like; `changes` of the
    request would remove it, None: none would."""

    filter: str
    what: str
    reason: str
    changes: Sequence[Change] | None


@dataclass(frozen=True)
class Course:
    """What a host has to pass."""

    filters: Mapping[str, Filter]
    around: Surroundings
    # Hosts that failed to build this server, or that it is to leave.
    excluded: Collection[str] = ()

    def first(self, state: HostState, request: HostRequest) -> str | None:
        """The first filter that refuses a host that placement has offered; None: it fits."""
        if state.host in self.excluded:
            return "RetryFilter"
        if not _asked_for(state, request):
            return "RequestedHost"
        for name, filter_ in self.filters.items():
            if filter_(state, request, self.around) is not None:
                return name
        return None

    def obstacles(self, state: HostState, request: HostRequest) -> list[Obstacle]:
        """All that is in the way; empty: it fits."""
        return [*self._before(state, request), *_of_placement(state, request),
                *self._of_filters(state, request)]

    def _before(self, state: HostState, request: HostRequest) -> Iterator[Obstacle]:
        if state.host in self.excluded:
            yield Obstacle("RetryFilter", "RetryFilter",
                           "is to be left, or failed to build this server", None)
        if not _asked_for(state, request):
            asked = request["host"] or request["node"]
            yield Obstacle("RequestedHost", "RequestedHost", f"asked for {asked}", [anywhere()])

    def _of_filters(self, state: HostState, request: HostRequest) -> Iterator[Obstacle]:
        for name, filter_ in self.filters.items():
            reason = filter_(state, request, self.around)
            if reason is not None:
                mend = MENDS.get(name)
                yield Obstacle(name, name, reason,
                               None if mend is None else mend(state, request, self.around))


def _asked_for(state: HostState, request: HostRequest) -> bool:
    return request["host"] in (None, state.host) and request["node"] in (None, state.node)


def room(state: HostState, name: str) -> int:
    """The most that one server may have of a resource class there, now."""
    free = max(state.free(name), 0)
    return min(free, int(state.report.get(_TOTALS.get(name, ""), free)))


def _of_placement(state: HostState, request: HostRequest) -> Iterator[Obstacle]:
    for name, asked in sorted(request["resources"].items()):
        free = room(state, name)
        if asked > free:
            yield Obstacle(PLACEMENT, name, f"{name} wants {asked}, has {free} free",
                           [less(name, free, asked)] if free else None)
    for trait in request["required"]:
        if trait not in state.traits:
            yield Obstacle(PLACEMENT, trait, f"lacks trait {trait}", [without_trait(trait)])
    for trait in request["forbidden"]:
        if trait in state.traits:
            yield Obstacle(PLACEMENT, trait, f"has trait {trait}, which is forbidden",
                           [without_trait(trait)])
