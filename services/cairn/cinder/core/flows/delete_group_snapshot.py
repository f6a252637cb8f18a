"""delete_group_snapshot: nothing of a group's snapshot is left."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="delete_group_snapshot",
    does="Removes a group's snapshot, and each snapshot of it.",
    event="group_snapshot.delete",
    entries=(Entry(("available", "error", "error_deleting"), "deleting",
                   when="DELETE /group_snapshots"),),
    steps=(
        ActionStep(SCHEDULER, "snapshots_looked_up", "where their volumes are"),
        ActionStep(VOLUME, "snapshots_removed", "gone from the backend"),
        ActionStep(SCHEDULER, "snapshots_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The group's snapshot and what is left of it are in error_deleting, with a message. It "
          "may be deleted again.",
    cancellable=False,
)
