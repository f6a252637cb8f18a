"""suspend: a guest's memory goes to its host's disk."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="suspend",
    does="Writes the guest's memory to its host's disk, and powers it off.",
    event="compute.instance.suspend",
    entries=(Entry(("active",), "suspending"),),
    steps=(ActionStep(COMPUTE, "domain_suspended", "its memory is written, it is off; SUSPENDED"),),
    fails="What the host said, in the action's events. The guest goes on.",
)
