"""attach_interface: a server that has its host gets one more port."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="attach_interface",
    does="Makes or takes a port, has it plugged as at a boot, and gives the guest an interface. "
         "Several may be asked for at once.",
    event="compute.instance.interface_attach",
    entries=(Entry(("active", "paused", "stopped"), None),),
    steps=(
        ActionStep(CONDUCTOR, "work_taken", "somebody works on it; what ports there were"),
        ActionStep(CONDUCTOR, "port_bound",
                   "a port made in Neutron, or the user's own, bound to the host",
                   undo="deleting it, or letting go"),
        ActionStep(COMPUTE, "port_plugged",
                   "the network agent made the tap; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "interface_attached", "the guest has the interface",
                   undo="taking it away"),
    ),
    fails="What Neutron or the host said, in the answer and in the action's events.",
)
