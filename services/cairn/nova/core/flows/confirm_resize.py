"""confirmResize: a server that was moved or resized stays so."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import CONDUCTOR, SOURCE

ACTION = Action(
    kind="confirmResize",
    does="Gives up what the server was before it was resized or moved.",
    event="compute.instance.resize.confirm",
    entries=(Entry(("resized",), "resize_confirming"),),
    steps=(
        ActionStep(CONDUCTOR, "confirmation_recorded", "it cannot be reverted any more"),
        ActionStep(SOURCE, "kept_disks_removed", "the disks that were put aside are gone"),
        ActionStep(CONDUCTOR, "old_allocation_removed", "the migration's claim given back"),
        ActionStep(CONDUCTOR, "resize_confirmed", "quota given back; ACTIVE or SHUTOFF"),
    ),
    fails="A fault that says why. It may be confirmed again.",
)
