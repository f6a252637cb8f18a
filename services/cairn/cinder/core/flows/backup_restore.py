"""backup_restore: a volume, new or given, holds what a backup does."""

from cairn.cinder.rpc import BACKUP, SCHEDULER
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="backup_restore",
    does="Writes what the backup holds over a volume; a new one is made for it first.",
    event="backup.restore",
    entries=(
        Entry(("available",), "restoring", when="POST /backups/{id}/restore"),
        Entry(("available",), "restoring-backup", when="the volume of that, where one is named"),
    ),
    steps=(
        ActionStep(SCHEDULER, "volume_claimed", "restoring-backup; its creation has ended",
                   undo="it is available, if nothing was written yet and it is not new, else in "
                        "error_restoring"),
        ActionStep(BACKUP, "backup_checked", "the volume's host reaches it, and its list of chunks "
                                             "is whole"),
        ActionStep(SCHEDULER, "restore_begun", "from here on what the volume held counts as lost"),
        ActionStep(BACKUP, "content_restored", "chunk by chunk, each held against its hash"),
        ActionStep(SCHEDULER, "restore_recorded", "volume and backup are available"),
    ),
    fails="The backup is available. The volume is in error_restoring, or, where nothing was "
          "written yet, as it was; with a message. The backup may be restored again.",
    cancellable=False,
)
