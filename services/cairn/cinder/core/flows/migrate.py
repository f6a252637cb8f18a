"""migrate: a volume moves to another pool."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

# Also those of a retype that moves.
STEPS = (
    ActionStep(SCHEDULER, "target_chosen", "another volume in the other pool, nobody's own",
               undo="forgetting it"),
    ActionStep(SCHEDULER, "source_exported",
               "to the other pool's host, of a volume that nobody uses and that leaves its host",
               undo="ending that"),
    ActionStep(VOLUME, "target_made", "there", undo="removing it"),
    ActionStep(VOLUME, "bytes_copied", "of a volume that nobody uses"),
    ActionStep(SCHEDULER, "volume_switched",
               "it is where the other was, and what it was is removed after this; of a volume in "
               "use once Nova says that the guest has gone on there",
               undo="it is where it was, unless its guest has gone on"),
)

ACTION = Action(
    kind="migrate",
    does="Moves the volume to another pool, of its own host or another, under its own id. One in "
         "use moves with its guest, which goes on meanwhile.",
    event="volume.migrate",
    entries=(Entry(("available",), "maintenance", when="os-migrate_volume"),
             Entry(("in-use",), None, when="os-migrate_volume of a volume in use")),
    steps=STEPS,
    fails="The volume is where it was, with a message and migration_status error. It may be "
          "migrated again.",
    cancellable=False,
)
