"""Backups, as steps of the host that has the volume."""

from cairn.cinder.core import flows
from cairn.cinder.rpc import BACKUP
from cairn.cinder.volume.backups.doer import Hands
from cairn.common.flows import load, make_flows
from cairn.common.work import Flow


def make(hands: Hands) -> list[Flow]:
    """What the host's worker runs: the actions that have steps here."""
    declared = load(flows.__name__, "ACTION")
    return make_flows(BACKUP, [
        doer(declared[name], hands) for name, doer in load(__name__, "Steps").items()
    ])
