"""create_group_snapshot: the volumes of a group as they are, at one moment where the group's type
says so."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="create_group_snapshot",
    does="Takes a snapshot of each volume of a group: of one moment where the group's type says "
         "so, else one after the other.",
    event="group_snapshot.create",
    entries=(Entry(("creating",), "creating", over=None, when="POST /group_snapshots"),),
    steps=(
        ActionStep(SCHEDULER, "snapshots_looked_up", "where the group's volumes are"),
        ActionStep(VOLUME, "snapshots_taken", "by the backend", undo="removing them"),
        ActionStep(SCHEDULER, "snapshots_recorded", "available"),
    ),
    breaks=True,
    fails="The group's snapshot and its snapshots are in error, with a message; the volumes are as "
          "they were. Delete the group's snapshot, and take another.",
)
