"""create_snapshot: a volume as it is at one moment."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="create_snapshot",
    does="Takes a snapshot of the volume, in use or not.",
    event="snapshot.create",
    entries=(Entry(("creating",), "creating", over=None, when="POST /snapshots"),),
    steps=(
        ActionStep(SCHEDULER, "snapshot_looked_up", "where its volume is"),
        ActionStep(VOLUME, "snapshot_taken", "by the backend", undo="removing it"),
        ActionStep(SCHEDULER, "snapshot_recorded", "available"),
    ),
    breaks=True,
    fails="The snapshot is in error, with a message; the volume is as it was. Delete the snapshot, "
          "and take another.",
)
