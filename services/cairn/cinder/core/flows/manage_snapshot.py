"""manage_snapshot: something in a backend becomes a snapshot."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="manage_snapshot",
    does="Makes a snapshot of a volume of something that its backend has already.",
    event="snapshot.manage",
    entries=(Entry(("creating",), "creating", over=None, when="POST /os-snapshot-manage"),),
    steps=(
        ActionStep(SCHEDULER, "snapshot_looked_up", "where its volume is"),
        ActionStep(VOLUME, "snapshot_taken", "under its id", undo="it is as nobody's again"),
        ActionStep(SCHEDULER, "snapshot_recorded", "available"),
    ),
    breaks=True,
    fails="The snapshot is in error, with a message; delete it. What is in the backend stays.",
)
