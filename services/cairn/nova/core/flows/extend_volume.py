"""extend_volume: a guest sees that one of its volumes has grown."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="extend_volume",
    does="Shows a running guest the new size of a volume, once Cinder told of it.",
    event="compute.instance.volume.extend",
    entries=(Entry(("active", "paused"), None, over=None, when="event volume-extended"),),
    steps=(ActionStep(COMPUTE, "compute_extend_volume", "QEMU took a look, and told the guest"),),
    fails="What the host said, in the action's events. The guest sees the new size after its next "
          "power-on.",
)
