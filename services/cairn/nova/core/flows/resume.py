"""resume: a suspended guest goes on."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="resume",
    does="Lets a suspended guest go on from the memory that was written.",
    event="compute.instance.resume",
    entries=(Entry(("suspended",), "resuming"),),
    steps=(
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "domain_resumed", "its memory is read, it goes on; ACTIVE"),
    ),
    fails="What the host said, in the action's events. It may be resumed again.",
)
