"""unmanage: a volume is left to itself."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="unmanage",
    does="Forgets the volume; what its backend has of it stays.",
    event="volume.unmanage",
    entries=(Entry(("available", "error", "error_managing"), "unmanaging", when="os-unmanage"),),
    steps=(
        ActionStep(SCHEDULER, "volume_looked_up", "where it is"),
        ActionStep(VOLUME, "volume_left", "under a name that is nobody's"),
        ActionStep(SCHEDULER, "volume_forgotten", "quota given back"),
    ),
    breaks=True,
    fails="The volume is in error, with a message: its backend may have left it. It may be left "
          "again.",
    cancellable=False,
)
