"""revert: a volume is what it was at a snapshot."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="revert",
    does="Gives the volume the content of its latest snapshot.",
    event="volume.revert",
    entries=(Entry(("available",), "reverting", when="revert"),),
    steps=(
        ActionStep(SCHEDULER, "snapshot_looked_up", "where it is"),
        ActionStep(VOLUME, "volume_reverted", "by the backend, whole or not at all"),
        ActionStep(SCHEDULER, "volume_recorded", "available"),
    ),
    fails="The volume holds what it held or what the snapshot does, with a message. It may be "
          "reverted again.",
    cancellable=False,
)
