"""extend: a volume grows."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="extend",
    does="Makes the volume larger, in use or not; its new size counts from the request on.",
    event="volume.resize",
    entries=(Entry(("available",), "extending", when="os-extend"),
             Entry(("in-use",), "extending", when="os-extend of a volume in use")),
    steps=(
        ActionStep(SCHEDULER, "room_found", "its pool has room for the rest"),
        ActionStep(VOLUME, "volume_extended", "by the backend"),
        ActionStep(SCHEDULER, "size_recorded", "what it was before, and larger"),
        ActionStep(SCHEDULER, "guests_told", "servers that use it see it"),
    ),
    fails="The volume is what it was, with its old size, with a message. It may be extended again.",
    cancellable=False,
)
