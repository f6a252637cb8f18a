"""What does not work on this host, so that all else does; neutron hears of it with each report."""

import logging
from typing import Any

from cairn.neutron.agent.rules import MEMBERS, Key

log = logging.getLogger(__name__)
# (kind, id) -> why.
Isolated = dict[Key, str]
HOST = "host"
# Which of an agent's faces tells of which kinds.
KINDS = {"l2": ("port", "security_group", "network", HOST), "dhcp": ("dhcp",), "l3": ("router",)}
MOST = 50  # What one report lists; more are but counted.
LENGTH = 200


def isolate(isolated: Isolated, kind: str, id: str, error: Exception | str) -> None:
    """Note it."""
    why = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    before = isolated.get((kind, id))
    isolated[kind, id] = why if before is None else f"{before}; {why}"


def tell(isolated: Isolated, before: Isolated) -> None:
    """Log what was not so at the look before: a look is every few seconds."""
    for (kind, id), why in isolated.items():
        if before.get((kind, id)) != why:
            log.error("%s %s does not stand: %s", kind, id, _plain(why))
    for kind, id in before.keys() - isolated.keys():
        log.info("%s %s stands again", kind, id)


def report(isolated: Isolated, role: str) -> dict[str, Any]:
    """The part of an agent's `configurations` that is about this."""
    entries = [
        {"kind": "security_group" if kind == MEMBERS else kind, "id": id, "reason": _plain(why)}
        for (kind, id), why in sorted(isolated.items())
        if ("security_group" if kind == MEMBERS else kind) in KINDS.get(role, ())
    ]
    return {"isolated": entries[:MOST], "isolated_count": len(entries)}


def _plain(why: str) -> str:
    """One line: it quotes what somebody wrote, and what a program said of it."""
    return "".join(c if c.isprintable() else " " for c in " ".join(why.split()))[:LENGTH]
