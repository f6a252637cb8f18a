"""The controller's part of each action, as steps."""

from cairn.common.flows import load, make_flows
from cairn.common.work import Flow
from cairn.nova.conductor.doer import Doer, Hands
from cairn.nova.core import flows
from cairn.nova.rpc import CONDUCTOR


def make(hands: Hands) -> list[Flow]:
    """What the conductor's worker runs: every action there is, for what fails ends here."""
    own = load(__name__, "Steps")
    return make_flows(CONDUCTOR, [
        own.get(name, Doer)(action, hands)
        for name, action in load(flows.__name__, "ACTION").items()
    ])
