"""unrescue: a rescued server runs from its own disk again."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="unrescue",
    does="Powers a rescued server off and starts it from its own disk.",
    event="compute.instance.unrescue",
    entries=(Entry(("rescued",), "unrescuing"),),
    steps=(
        ActionStep(COMPUTE, "domain_unrescued", "off, and what it was rescued from is gone"),
        ActionStep(COMPUTE, "domain_started", "on again from its own disk; ACTIVE"),
    ),
    fails="What the host said, in the action's events. It is rescued still, or SHUTOFF.",
)
