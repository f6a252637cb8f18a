"""detach_interface: a server loses a port."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="detach_interface",
    does="Takes an interface from the guest. Its port is deleted; one that was the user's own is "
         "let go.",
    event="compute.instance.interface_detach",
    entries=(Entry(("active", "paused", "stopped"), None),),
    steps=(
        ActionStep(COMPUTE, "interface_detached", "the guest let go of it"),
        ActionStep(CONDUCTOR, "port_released", "the port deleted, or let go"),
    ),
    fails="What the host said, in the action's events. The interface may be there still.",
)
