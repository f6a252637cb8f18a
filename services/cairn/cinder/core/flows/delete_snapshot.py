"""delete_snapshot: nothing of a snapshot is left."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="delete_snapshot",
    does="Removes the snapshot.",
    event="snapshot.delete",
    entries=(
        Entry(("available", "error", "error_deleting"), "deleting", when="DELETE"),
        Entry(None, "deleting", over=None, when="os-force_delete"),
    ),
    steps=(
        ActionStep(SCHEDULER, "snapshot_looked_up", "where its volume is"),
        ActionStep(VOLUME, "snapshot_removed", "gone from the backend"),
        ActionStep(SCHEDULER, "snapshot_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The snapshot is in error_deleting, with a message. It may be deleted again.",
    cancellable=False,
)
