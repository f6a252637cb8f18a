"""The hint `query`: a condition on hosts in JSON, as [">=", "$free_ram_mb", 1024]."""

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from cairn.nova.core.host_request import HostRequest
from cairn.nova.scheduler.filters.hints import one
from cairn.nova.scheduler.host_state import HostState, Surroundings

DEEPEST = 32  # Lists in lists. It comes from outside, and each level is a call.


def json_query(state: HostState, request: HostRequest, around: Surroundings) -> str | None:
    text = one(request, "query")
    if not text:
        return None
    query, problem = _parse(text)
    if problem is not None:
        return f"hint query {problem}"
    result = _value(state, query)
    if isinstance(result, list):  # Of "not" with several operands.
        result = any(result)
    return None if result else "is not as the hint query asks"


@lru_cache(maxsize=64)
def _parse(text: str) -> tuple[Any, str | None]:
    """The query, and what is wrong with it."""
    try:
        query = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None, "is no JSON"
    return query, _problem(query, 0)


def _problem(query: Any, depth: int) -> str | None:
    if not isinstance(query, list) or not query:
        return None if depth else "is no list of an operator and its operands"
    if depth > DEEPEST:
        return "has too many lists in lists"
    if not isinstance(query[0], str) or query[0] not in OPERATORS:
        return f"has no operator {query[0]!r:.40}; there are: {' '.join(OPERATORS)}"
    return next(filter(None, (_problem(part, depth + 1) for part in query[1:])), None)


def _value(state: HostState, query: Any) -> Any:
    if isinstance(query, str):
        return _named(state, query[1:]) if query.startswith("$") else query
    if not isinstance(query, list) or not query:
        return query
    return OPERATORS[query[0]]([_value(state, part) for part in query[1:]])


def _named(state: HostState, name: str) -> Any:
    """A variable; None for one that there is not."""
    if name in VARIABLES:
        return VARIABLES[name](state)
    value: Any = state.report
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _compare(verb: Callable[[Any, Any], bool]) -> Callable[[list[Any]], Any]:
    def compare(operands: list[Any]) -> bool:
        if len(operands) < 2:
            return False
        try:
            return all(verb(operands[0], other) for other in operands[1:])
        except TypeError:  # A number and a text, or nothing: neither is the greater.
            return False

    return compare


OPERATORS: dict[str, Callable[[list[Any]], Any]] = {
    "=": _compare(operator.eq), "<": _compare(operator.lt), ">": _compare(operator.gt),
    "<=": _compare(operator.le), ">=": _compare(operator.ge),
    "in": lambda operands: len(operands) > 1 and operands[0] in operands[1:],
    "not": lambda operands: [not operand for operand in operands],
    "or": any, "and": all,
}
VARIABLES: dict[str, Callable[[HostState], Any]] = {
    "host": lambda state: state.host, "nodename": lambda state: state.node,
    "free_ram_mb": lambda state: state.free("MEMORY_MB"),
    "free_disk_mb": lambda state: state.free("DISK_GB") * 1024,
    "total_usable_ram_mb": lambda state: state.capacity.get("MEMORY_MB", 0),
    "total_usable_disk_gb": lambda state: state.capacity.get("DISK_GB", 0),
    "vcpus_total": lambda state: state.capacity.get("VCPU", 0),
    "vcpus_used": lambda state: state.used.get("VCPU", 0),
    "num_instances": lambda state: state.instances, "num_io_ops": lambda state: state.io_ops,
    "failed_builds": lambda state: state.failed_builds,
}
