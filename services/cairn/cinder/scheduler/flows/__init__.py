"""The scheduler's part of each action, as steps."""

from cairn.cinder.core import flows
from cairn.cinder.rpc import SCHEDULER
from cairn.cinder.scheduler.doer import Doer, Hands
from cairn.common.flows import load, make_flows
from cairn.common.work import Flow


def make(hands: Hands) -> list[Flow]:
    """What the scheduler's worker runs: every action there is, for what fails ends here."""
    own = load(__name__, "Steps")
    return make_flows(SCHEDULER, [
        own.get(name, Doer)(action, hands)
        for name, action in load(flows.__name__, "ACTION").items()
    ])
