"""What is done to volumes, snapshots, backups and groups: each action is declared once, in a module
of its own."""

from collections.abc import Mapping
from functools import cache

from cairn.common.flows import Action, load


@cache
def actions() -> Mapping[str, Action]:
    """All of them by kind."""
    return {action.kind: action for action in load(__name__, "ACTION").values()}
