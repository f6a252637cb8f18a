"""What volume types ask of backends, in the language of extra specs."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]
# The same protocol by its several names: the first is the one that is told.
PROTOCOLS = (("iSCSI", "iscsi"), ("NFS", "nfs"), ("FC", "fibre_channel", "fc"),
             ("NVMe-oF", "NVMeOF", "nvmeof"))
_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.ge, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le,
}
_TEXTS: dict[str, Callable[[Any, Any], bool]] = {
    "s==": operator.eq, "s!=": operator.ne, "s<": operator.lt, "s<=": operator.le,
    "s>": operator.gt, "s>=": operator.ge,
}


def facts(figures: Facts, capabilities: Facts) -> dict[str, Any]:
    """All that a pool and its backend say: what is extra stands beside the rest."""
    extra = figures.get("extra") or {}
    own = {name: value for name, value in figures.items() if name not in ("extra", "name")}
    return {**capabilities, **own, **extra}


def lacks(specs: Mapping[str, Any], facts: Facts) -> str | None:
    """Why a pool is not what these extra specs ask for: the first reason; None where it is.
    Keys without a scope and those of capabilities: are asked of it, others are a driver's."""
    for key, demand in specs.items():
        path = key.split(":")
        if len(path) > 1:
            if path[0] != "capabilities":
                continue
            path = path[1:]
        value: Any = facts
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is None:
            return f"it says nothing of {key}, which shall be {demand}"
        if not _any(value, str(demand), path[-1]):
            return f"its {key} is {value}, it shall be {demand}"
    return None


def _any(value: Any, demand: str, name: str) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    if name == "storage_protocol":
        values = [other for each in values for other in _names(str(each))]
    if demand.startswith("<all-in>"):
        return all(word in map(str, values) for word in _words(demand, "<all-in>"))
    return any(matches(each, demand) for each in values)


def _names(protocol: str) -> tuple[str, ...]:
    return next((names for names in PROTOCOLS if protocol in names), (protocol,))


def _words(text: str, mark: str) -> list[str]:
    return [word.strip() for word in text.split(mark) if word.strip()]


def matches(value: Any, demand: str) -> bool:
    """Whether a value meets what is asked of it: `<is> true`, `<in> a`, `<or> a <or> b`,
    `>= 5`, `s== a`, or simply the same text."""
    words = demand.split()
    if not words:
        return bool(value == "")
    mark, rest = words[0], words[1:]
    if mark == "<or>":
        return str(value) in _words(demand, "<or>")
    if mark == "<in>":
        return all(word in str(value) for word in _words(demand, "<in>"))
    if mark == "<is>":
        return _truth(value) == _truth(" ".join(rest))
    if mark in _NUMBERS and rest:
        try:
            return _NUMBERS[mark](float(value), float(rest[0]))
        except (TypeError, ValueError):
            return False
    if mark in _TEXTS and rest:
        return _TEXTS[mark](str(value), " ".join(rest))
    if isinstance(value, bool):
        return str(value).lower() == demand.lower()
    return str(value) == demand


def _truth(value: Any) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes", "on", "t", "y")
