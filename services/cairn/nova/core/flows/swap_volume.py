"""swap_volume: a guest goes on with a copy of a volume, in another one."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="swap_volume",
    does="Copies a volume of a guest that goes on to another one, which takes its place. How "
         "Cinder migrates volumes that are in use.",
    event="compute.instance.volume.swap",
    entries=(Entry(("active", "paused"), None),),
    steps=(
        ActionStep(CONDUCTOR, "new_volume_connected", "Cinder lets the host reach the new one",
                   undo="giving it back"),
        ActionStep(COMPUTE, "volume_copied", "the guest uses the new one", undo="ending the copy"),
        ActionStep(CONDUCTOR, "volume_swapped", "the old one is given back"),
    ),
    fails="What Cinder or the host said, in the action's events. The guest has the old volume.",
)
