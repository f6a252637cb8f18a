"""unpause: a guest that stands still goes on."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="unpause",
    does="Lets a paused guest go on.",
    event="compute.instance.unpause",
    entries=(Entry(("paused",), "unpausing"),),
    steps=(ActionStep(COMPUTE, "domain_unpaused", "it goes on; ACTIVE"),),
    fails="What the host said, in the action's events.",
)
