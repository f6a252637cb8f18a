"""backup_delete: nothing of a backup is left."""

from cairn.cinder.rpc import BACKUP, SCHEDULER
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="backup_delete",
    does="Removes the backup's chunks and its row.",
    event="backup.delete",
    entries=(
        Entry(("available", "error", "error_deleting"), "deleting", when="DELETE"),
        Entry(None, "deleting", over=None, when="os-force_delete"),
    ),
    steps=(
        ActionStep(SCHEDULER, "backup_found", "which host has it"),
        ActionStep(BACKUP, "chunks_removed", "gone from where it was kept"),
        ActionStep(SCHEDULER, "backup_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The backup is in error_deleting, with a message. It may be deleted again.",
    cancellable=False,
)
