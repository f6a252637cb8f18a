"""How much goes on at a host already."""

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.host_state import HostState, Surroundings


def io_ops(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    return _io_ops(state, around.settings.max_io_ops_per_host)


def aggregate_io_ops(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    return _io_ops(state, state.number(
        "max_io_ops_per_host", around.settings.max_io_ops_per_host))


def num_instances(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    return _instances(state, around.settings.max_instances_per_host)


def aggregate_num_instances(
    state: HostState, request: HostRequest, around: Surroundings
) -> str | None:
    return _instances(state, state.number(
        "max_instances_per_host", around.settings.max_instances_per_host))


def _io_ops(state: HostState, most: float) -> str | None:
    if state.io_ops < most:
        return None
    return f"makes, moves or copies {state.io_ops} servers of at most {most:.0f}"


def _instances(state: HostState, most: float) -> str | None:
    return None if state.instances < most else (
        f"has {state.instances} servers of at most {most:.0f}")
