"""Ids that are to be names on this host: of namespaces, files, links, chains and sets. Pure."""

from typing import Any

from cairn.common.bounds import uuid_of
from cairn.common.errors import Invalid
from cairn.neutron.agent import names, rules
from cairn.neutron.agent.isolated import Isolated, isolate

State = dict[str, Any]
KINDS = {"networks": "network", "ports": rules.PORT, "security_groups": rules.GROUP,
         "members": rules.MEMBERS, "dhcp": "dhcp", "routers": "router"}


def sound(state: State, isolated: Isolated) -> State:
    """The state without what is called as nothing here may be; that is isolated."""
    return {**state, **{
        part: {id: thing for id, thing in state[part].items()
               if _is_sound(part, id, thing, isolated)}
        for part in KINDS}}


def _is_sound(part: str, id: str, thing: State, isolated: Isolated) -> bool:
    try:
        for named in (id, *_named(part, thing)):
            uuid_of(named, KINDS[part])
        if part == "ports" and not names.TAP.fullmatch(thing["tap"]):
            raise ValueError(f"not a tap's name: {thing['tap'][:64]!r}")
    except (Invalid, ValueError) as wrong:
        isolate(isolated, KINDS[part], repr(id[:64])[1:-1], wrong)
        return False
    return True


def _named(part: str, thing: State) -> list[str]:
    """Ids within a thing that name something, too."""
    if part == "ports":
        return [thing["network_id"], *thing["security_groups"]]
    if part == "dhcp":
        return [thing["port"]["id"]]
    if part == "routers":
        ends = [*thing["interfaces"], *([thing["gateway"]] if thing["gateway"] else [])]
        return [id for end in ends for id in (end["id"], end["network_id"])]
    return []
