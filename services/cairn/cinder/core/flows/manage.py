"""manage: something in a backend becomes a volume."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="manage",
    does="Makes a volume of something that is in a backend already.",
    event="volume.manage",
    entries=(Entry(("managing",), "managing", over=None, when="POST /os-volume-manage"),),
    steps=(
        ActionStep(SCHEDULER, "volume_looked_up", "where it shall be"),
        ActionStep(VOLUME, "size_found", "as the backend has it"),
        ActionStep(SCHEDULER, "quota_claimed", "its size counts"),
        ActionStep(VOLUME, "volume_taken", "under its id", undo="it is as nobody's again"),
        ActionStep(SCHEDULER, "volume_recorded", "available"),
    ),
    breaks=True,
    fails="The volume is in error_managing, with a message; delete it. What is in the backend "
          "stays.",
)
