"""stop: a server is powered off."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="stop",
    does="Asks the guest to power off, and pulls the plug when it does not.",
    event="compute.instance.power_off",
    entries=(Entry(("active", "error"), "powering-off"),),
    steps=(ActionStep(COMPUTE, "domain_stopped", "powered off; SHUTOFF"),),
    fails="What the host said, in the action's events.",
)
