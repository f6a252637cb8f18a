"""attach_volume: a server that has its host gets a volume."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

# On no host.
OFFLOADED = Entry(("shelved_offloaded",), None, when="reserved; connected at its unshelving")

ACTION = Action(
    kind="attach_volume",
    does="Gives the guest a volume that Cinder reserved for it at the request. Several may be "
         "asked for at once.",
    event="compute.instance.volume.attach",
    entries=(Entry(("active", "paused", "stopped", "shelved"), None), OFFLOADED),
    steps=(
        ActionStep(CONDUCTOR, "volume_connected", "Cinder lets the host reach it",
                   undo="giving it back: it is available"),
        ActionStep(COMPUTE, "volume_attached", "the guest has it", undo="taking it away"),
        ActionStep(CONDUCTOR, "attachment_completed", "Cinder says that it is in use"),
    ),
    fails="What Cinder or the host said, in the action's events. The volume is available.",
    absent=lambda args: (COMPUTE,) if args.get("offloaded") else (),
)
