"""start: a stopped server is powered on."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="start",
    does="Powers the server on.",
    event="compute.instance.power_on",
    entries=(Entry(("stopped",), "powering-on"),),
    steps=(
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "domain_started", "powered on; ACTIVE"),
    ),
    fails="What the host said, in the action's events.",
)
