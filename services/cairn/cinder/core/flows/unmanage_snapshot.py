"""unmanage_snapshot: a snapshot is left to itself."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="unmanage_snapshot",
    does="Forgets the snapshot; what its backend has of it stays.",
    event="snapshot.unmanage",
    entries=(Entry(("available", "error"), "unmanaging", when="os-unmanage"),),
    steps=(
        ActionStep(SCHEDULER, "snapshot_looked_up", "where its volume is"),
        ActionStep(VOLUME, "snapshot_left", "under a name that is nobody's"),
        ActionStep(SCHEDULER, "snapshot_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The snapshot is in error, with a message: its backend may have left it. It may be left "
          "again.",
    cancellable=False,
)
