"""backup_create: what a volume holds is kept elsewhere."""

from cairn.cinder.rpc import BACKUP, SCHEDULER
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="backup_create",
    does="Keeps what the volume or its snapshot holds in chunks; of an incremental backup those "
         "that its parent does not have.",
    event="backup.create",
    entries=(
        Entry(("available",), "backing-up", when="POST /backups"),
        Entry(("available", "in-use"), "backing-up", when="POST /backups with force"),
        Entry(("available",), "backing-up", when="POST /backups of a snapshot"),
    ),
    steps=(
        ActionStep(SCHEDULER, "backup_looked_up", "the volume, its snapshot, the backup before"),
        ActionStep(BACKUP, "source_frozen", "a hidden clone, where somebody writes to the volume",
                   undo="removing the clone"),
        ActionStep(BACKUP, "chunks_stored", "what is new of it, and the list of all",
                   undo="removing them"),
        ActionStep(BACKUP, "source_thawed", "the clone is removed"),
        ActionStep(SCHEDULER, "backup_recorded", "available; the volume is as it was"),
    ),
    breaks=True,
    fails="The backup is in error, with a fail_reason and a message. The volume is as it was.",
    cancellable=False,
)
