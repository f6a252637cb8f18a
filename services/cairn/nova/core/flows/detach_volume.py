"""detach_volume: a server loses a volume."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="detach_volume",
    does="Takes a volume from the guest, which is asked again and again to let go of it.",
    event="compute.instance.volume.detach",
    entries=(Entry(("active", "paused", "stopped"), None),),
    steps=(
        ActionStep(COMPUTE, "volume_detached", "the guest let go of it",
                   undo="giving it back: the server has it still"),
        ActionStep(CONDUCTOR, "attachment_deleted", "Cinder says that it is available"),
    ),
    fails="What the host said, in the action's events. The volume is attached still.",
)
