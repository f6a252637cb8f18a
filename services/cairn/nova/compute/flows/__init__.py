"""The host's part of each action, as steps."""

from cairn.common.flows import load, make_flows
from cairn.common.work import Flow
from cairn.nova.compute.doer import Hands
from cairn.nova.core import flows
from cairn.nova.rpc import COMPUTE, DESTINATION, SOURCE


def make(hands: Hands) -> list[Flow]:
    """What the host's worker runs: the actions that have steps here."""
    declared = load(flows.__name__, "ACTION")
    return make_flows((COMPUTE, SOURCE, DESTINATION), [
        doer(declared[name], hands) for name, doer in load(__name__, "Steps").items()
    ])
