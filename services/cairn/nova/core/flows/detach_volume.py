"""detach_volume: a server loses a volume."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

# On no host.
OFFLOADED = Entry(("shelved_offloaded",), None, when="nothing but Cinder has to let go of it")

ACTION = Action(
    kind="detach_volume",
    does="Takes a volume from the guest, which is asked again and again to let go of it.",
    event="compute.instance.volume.detach",
    entries=(Entry(("active", "paused", "stopped", "shelved"), None), OFFLOADED),
    steps=(
        ActionStep(COMPUTE, "volume_detached", "the guest let go of it",
                   undo="giving it back: the server has it still"),
        ActionStep(CONDUCTOR, "attachment_deleted", "Cinder says that it is available"),
    ),
    fails="What the host said, in the action's events. The volume is attached still.",
    absent=lambda args: (COMPUTE,) if args.get("offloaded") else (),
)
