"""migrate: a volume moves to another pool."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

# Also those of a retype that moves.
STEPS = (
    ActionStep(SCHEDULER, "target_chosen", "another volume in the other pool, nobody's own",
               undo="forgetting it"),
    ActionStep(VOLUME, "target_made", "there", undo="removing it"),
    ActionStep(VOLUME, "bytes_copied", "of a volume that nobody uses"),
    ActionStep(SCHEDULER, "volume_switched",
               "it is where the other was, and what it was is removed after this; of a volume in "
               "use Nova is asked to move the guest, and ends it",
               undo="it is where it was"),
)

ACTION = Action(
    kind="migrate",
    does="Moves the volume to another pool, under its own id.",
    event="volume.migrate",
    entries=(Entry(("available",), "maintenance", when="os-migrate_volume"),),
    steps=STEPS,
    fails="The volume is where it was, with a message and migration_status error. It may be "
          "migrated again.",
    cancellable=False,
)
