"""backup_restore: a volume, new or given, holds what a backup does."""

from cairn.cinder.rpc import BACKUP, SCHEDULER
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="backup_restore",
    does="Writes what the backup holds over a volume; a new one is made for it first.",
    event="backup.restore",
    entries=(Entry(("available",), "restoring", when="POST /backups/{id}/restore"),),
    steps=(
        ActionStep(SCHEDULER, "volume_claimed", "restoring-backup; its creation has ended",
                   undo="it is in error_restoring"),
        ActionStep(BACKUP, "content_restored", "chunk by chunk, each held against its hash"),
        ActionStep(SCHEDULER, "restore_recorded", "volume and backup are available"),
    ),
    fails="The backup is available, the volume in error_restoring, with a message. It may be "
          "restored again.",
    cancellable=False,
)
