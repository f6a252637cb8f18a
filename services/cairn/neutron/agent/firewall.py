"""Security groups and anti-spoofing in force: what nft is told, and whom it refuses.

One refused word makes the kernel refuse all of a script. So where the host's rules are refused,
each port, group and set of members that is new is tried apart from them, in a table that nothing
goes through; who does not fit is shut in, and everybody else is as current as ever.
"""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from cairn.neutron.agent.commands import CommandFailed, run
from cairn.neutron.agent.nft import Chain, Set, Tables, change, replace
from cairn.neutron.agent.rules import MEMBERS, Key, State, readable, ruleset, things, unreadable

log = logging.getLogger(__name__)
TABLE = "cairn_sg"
TRIAL = "cairn_try"
# Seconds after which what was refused is tried again: it may not have been its own fault.
FORGIVE = 300.0


class Firewall:
    def __init__(self) -> None:
        # What the kernel has from us, None: nobody knows.
        self.tables: Tables | None = None
        # What was let in as it is, and what was not, with the reason and until when.
        self._accepted: dict[Key, Any] = {}
        self._refused: dict[Key, tuple[Any, str, float]] = {}

    def apply(self, state: State, bridges: dict[str, str]) -> dict[Key, str]:
        """Have the rules of the host's ports; those that are shut in instead, and why. Raises
        CommandFailed where it is nobody's fault."""
        _hand_over_bridged_packets()
        parts = things(state)
        self._refused = {key: (thing, why, until) for key, (thing, why, until)
                         in self._refused.items() if parts.get(key) == thing
                         and monotonic() < until}
        isolated = {key: why for key, (_, why, _) in self._refused.items()} | unreadable(state)
        try:
            self._load(ruleset(state, bridges, isolated))
        except CommandFailed as failed:
            log.error("the host's rules are refused, looking for whose fault it is: %s", failed)
            culprits = self._culprits(state, bridges, isolated)
            isolated |= culprits
            self._load(ruleset(state, bridges, isolated))
            self._refused |= {key: (parts[key], why, monotonic() + FORGIVE)
                              for key, why in culprits.items()}
        self._accepted = {key: thing for key, thing in parts.items() if key not in isolated}
        return isolated | {
            (MEMBERS, id_): f"left out: {bad}" for id_, members in state["members"].items()
            if (bad := [a for kind in ("4", "6") for a in members.get(kind, [])
                        if not readable(a)])}

    def _load(self, tables: Tables) -> None:
        # An empty chain carries the name of the whole: what is in force can be told from outside.
        text = repr(sorted((key, _plain_form(thing)) for key, thing in tables.items()))
        mark = f"rev_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        tables = tables | {("bridge", mark): Chain(), ("inet", mark): Chain()}
        if _in_force(mark):
            self.tables = tables
            return
        # Where nothing changed and yet another thing is in force, ours was taken away.
        if self.tables is not None and self.tables != tables:
            try:
                run("nft", "-f", "-", stdin=change(TABLE, self.tables, tables))
                self.tables = tables
                return
            except CommandFailed as failed:
                log.warning("the filters are not what they were, making them anew: %s", failed)
        self.tables = None
        run("nft", "-f", "-", stdin=replace(TABLE, tables))
        self.tables = tables

    def _culprits(
        self, state: State, bridges: dict[str, str], isolated: dict[Key, str]
    ) -> dict[Key, str]:
        """Who is refused even alone with those that are in order. Raises CommandFailed where
        nobody would do better."""
        parts = {key: thing for key, thing in things(state).items() if key not in isolated}
        good = [key for key, thing in parts.items() if self._accepted.get(key) == thing]

        def refusal(keys: Sequence[Key]) -> str | None:
            shut = {*parts, *isolated} - set(keys)
            return _refusal(ruleset(state, bridges, shut))

        if (why := refusal([])) is not None:
            raise CommandFailed(why)
        if refusal(good) is not None:
            good = []
        culprits: dict[Key, str] = {}

        def sort_out(suspects: list[Key]) -> None:
            """Those of them who do not fit in go to `culprits`, the others to `good`."""
            why = refusal([*good, *suspects]) if suspects else None
            if why is None:
                good.extend(suspects)
            elif len(suspects) == 1:
                culprits[suspects[0]] = why
                log.error("%s %s is shut in: %s", *suspects[0], why)
            else:
                half = len(suspects) // 2
                sort_out(suspects[:half])
                sort_out(suspects[half:])

        sort_out([key for key in parts if key not in set(good)])
        return culprits

    def remove(self) -> None:
        self.tables = None
        empty: Tables = {("bridge", "none"): Chain(), ("inet", "none"): Chain()}
        run("nft", "-f", "-", stdin=replace(TABLE, empty))
        for family in ("bridge", "inet"):
            run("nft", "delete", "table", family, TABLE)


def _refusal(tables: Tables) -> str | None:
    """What the kernel has against the tables, None: nothing. No packet ever meets them."""
    unhooked: Tables = {key: Chain(thing.rules) if isinstance(thing, Chain) else thing
                        for key, thing in tables.items()}
    gone = "".join(f"delete table {family} {TRIAL}\n" for family in ("bridge", "inet"))
    try:
        run("nft", "-f", "-", stdin=replace(TRIAL, unhooked) + gone)
    except CommandFailed as failed:
        return str(failed)
    return None


def _in_force(mark: str) -> bool:
    try:
        for family in ("bridge", "inet"):
            run("nft", "list", "chain", family, TABLE, mark)
    except CommandFailed:
        return False
    return True


def _hand_over_bridged_packets() -> None:
    """Without br_netfilter, nothing of `table inet` would see a packet between guests."""
    for name in ("iptables", "ip6tables"):
        path = Path(f"/proc/sys/net/bridge/bridge-nf-call-{name}")
        if not path.exists():
            run("modprobe", "br_netfilter")
        if path.read_text().strip() != "1":
            path.write_text("1")


def _plain_form(thing: Chain | Set) -> Any:
    if isinstance(thing, Chain):
        return thing.hook, thing.rules
    return thing.kind, thing.type, thing.interval, sorted(thing.elements)
