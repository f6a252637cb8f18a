"""start: a server is powered on that is off."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

RESUMED = Entry(("active",), "powering-on", when="its host was restarted")

ACTION = Action(
    kind="start",
    does="Powers the server on. One whose host was restarted waits for what it needs there: its "
         "interfaces, its volumes.",
    event="compute.instance.power_on",
    entries=(Entry(("stopped",), "powering-on"), RESUMED),
    steps=(
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "domain_started", "powered on; ACTIVE"),
    ),
    fails="What the host said, in the action's events. The server is SHUTOFF.",
)
