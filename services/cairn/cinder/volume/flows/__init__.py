"""The storage host's part of each action, as steps."""

from cairn.cinder.core import flows
from cairn.cinder.rpc import VOLUME
from cairn.cinder.volume.doer import Hands
from cairn.common.flows import load, make_flows
from cairn.common.work import Flow


def make(hands: Hands) -> list[Flow]:
    """What the host's worker runs: the actions that have steps here."""
    declared = load(flows.__name__, "ACTION")
    return make_flows(VOLUME, [
        doer(declared[name], hands) for name, doer in load(__name__, "Steps").items()
    ])
