"""pause: a guest stands still."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="pause",
    does="Stops the guest's processors. It keeps its memory on its host.",
    event="compute.instance.pause",
    entries=(Entry(("active",), "pausing"),),
    steps=(ActionStep(COMPUTE, "domain_paused", "its processors stand still; PAUSED"),),
    fails="What the host said, in the action's events.",
)
