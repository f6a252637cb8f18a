"""delete: nothing of a volume is left."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="delete",
    does="Removes the volume, and with `cascade` its snapshots.",
    event="volume.delete",
    entries=(
        Entry(("available", "error", "error_restoring", "error_extending", "error_managing",
               "error_deleting", "error_backing-up", "maintenance"), "deleting", when="DELETE"),
        Entry(None, "deleting", over=None, when="os-force_delete"),
    ),
    steps=(
        ActionStep(SCHEDULER, "volume_looked_up", "what its backend has of it"),
        ActionStep(VOLUME, "exports_removed", "nobody reaches it any more"),
        ActionStep(VOLUME, "snapshots_removed", "with `cascade`"),
        ActionStep(VOLUME, "volume_removed", "gone from the backend"),
        ActionStep(SCHEDULER, "volume_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The volume is in error_deleting, with a message. It may be deleted again.",
    cancellable=False,
)
