"""trigger_crash_dump: a guest's kernel is told to dump what it has in memory."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="trigger_crash_dump",
    does="Sends the guest an interrupt that cannot be masked. What it does then is its own matter.",
    event="compute.instance.trigger_crash_dump",
    entries=(Entry(("active", "paused", "rescued", "error"), None),),
    steps=(ActionStep(COMPUTE, "interrupt_sent", "by the hypervisor, to the guest"),),
    fails="What the host said, in the action's events.",
)
