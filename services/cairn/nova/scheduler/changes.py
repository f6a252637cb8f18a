"""Changes of a request: with which of them would a host fit that does not?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters import aggregates, capabilities, groups, hints
from cairn.nova.scheduler.host_state import HostState, Surroundings

UNITS = {"VCPU": "VCPUs", "MEMORY_MB": "MiB of memory", "DISK_GB": "GiB of disk"}


@dataclass(frozen=True)
class Change:
    """One change, in words that follow "It would fit now". Those of one kind differ in how much
    they change, `cost`: what is asked for less is a part of what was asked, anything else 1 or
    more."""

    kind: str
    words: str
    cost: float
    make: Callable[[HostRequest], HostRequest]

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: two with one key are the same change."""
        return self.kind, self.words


# What would make a host pass a filter; None where no change of the request does.
Mend = Callable[[HostState, HostRequest, Surroundings], Sequence[Change] | None]


def changed(request: HostRequest, changes: Iterable[Change]) -> HostRequest:
    """The request with all of them."""
    for change in changes:
        request = change.make(request)
    return request


def less(name: str, amount: int, asked: int) -> Change:
    """Of a resource class at most so much."""
    return Change(
        name, f"with at most {amount} {UNITS.get(name, name)}", (asked - amount) / asked,
        lambda request: _with(request, resources={**request["resources"], name: amount}))


def without_trait(trait: str) -> Change:
    """Neither required nor forbidden."""
    return Change(
        f"trait {trait}", f"without trait:{trait}", 1.0, lambda request: _with(
            request, required=[each for each in request["required"] if each != trait],
            forbidden=[each for each in request["forbidden"] if each != trait]))


def anywhere() -> Change:
    """On no host in particular."""
    return Change("host", "if no host were asked for", 1.0,
                  lambda request: _with(request, host=None, node=None))


def _with(request: HostRequest, **values: Any) -> HostRequest:
    return cast(HostRequest, {**request, **values})


def _zone(state: HostState, request: HostRequest, around: Surroundings) -> Sequence[Change]:
    return [Change("zone", f"in zone {state.zone}", 1.0,
                   lambda request: _with(request, zone=state.zone))]


def _capabilities(
    state: HostState, request: HostRequest, around: Surroundings
) -> Sequence[Change]:
    return [_without(request, "capabilities", name, "extra spec")
            for name in capabilities.lacking(state, request)]


def _aggregate_specs(
    state: HostState, request: HostRequest, around: Surroundings
) -> Sequence[Change]:
    return [_without(request, "aggregate_specs", name, "extra spec")
            for name in aggregates.lacking(state, request)]


def _without(request: HostRequest, part: str, name: str, what: str) -> Change:
    def make(request: HostRequest) -> HostRequest:
        items = cast(dict[str, Any], request)[part]
        return _with(request, **{part: {k: v for k, v in items.items() if k != name}})

    return Change(f"{part} {name}", f"without {what} {name}", 1.0, make)


def _image(state: HostState, request: HostRequest, around: Surroundings) -> Sequence[Change]:
    asked = "/".join(value for value in request["image"].values() if value)
    return [Change("image", f"with an image that is not for {asked}", 1.0, lambda request: _with(
        request, image=dict.fromkeys(request["image"])))]


def _hint(name: str) -> Mend:
    def mend(state: HostState, request: HostRequest, around: Surroundings) -> Sequence[Change]:
        return [_without(request, "hints", name, "hint")]

    return mend


def _avoided(state: HostState, request: HostRequest, around: Surroundings) -> Sequence[Change]:
    """The servers that are there, out of the hint."""
    there = hints.avoided(state, request, around)

    def make(request: HostRequest) -> HostRequest:
        kept = [each for each in hints.listed(request, "different_host") if each not in there]
        return _with(request, hints={**request["hints"], "different_host": kept})

    return [Change("different_host", f"without {', '.join(there)} in hint different_host",
                   float(len(there)), make)]


def _more_per_host(
    state: HostState, request: HostRequest, around: Surroundings
) -> Sequence[Change]:
    group = request["group"]
    assert group is not None
    needed = group["hosts"].get(state.host, 0) + 1
    rules = {**group["rules"], "max_server_per_host": needed}
    return [Change(
        "max_server_per_host",
        f"in a group of policy soft-anti-affinity or with max_server_per_host {needed}",
        float(needed - groups.most_per_host(group)),
        lambda request: _with(request, group={**group, "rules": rules}))]


def _soft_affinity(
    state: HostState, request: HostRequest, around: Surroundings
) -> Sequence[Change]:
    group = request["group"]
    assert group is not None
    return [Change("policy", "in a group of policy soft-affinity", 1.0, lambda request: _with(
        request, group={**group, "policy": "soft-affinity"}))]


# By filter. What the others refuse is no request's fault: a host that is down or busy, or that is
# kept for somebody else.
MENDS: dict[str, Mend] = {
    "AvailabilityZoneFilter": _zone,
    "ComputeCapabilitiesFilter": _capabilities,
    "AggregateInstanceExtraSpecsFilter": _aggregate_specs,
    "ImagePropertiesFilter": _image,
    "SameHostFilter": _hint("same_host"),
    "DifferentHostFilter": _avoided,
    "SimpleCIDRAffinityFilter": _hint("build_near_host_ip"),
    "JsonFilter": _hint("query"),
    "ServerGroupAntiAffinityFilter": _more_per_host,
    "ServerGroupAffinityFilter": _soft_affinity,
}
