"""create: a volume comes to a backend, with what it is made from."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="create",
    does="Makes the volume on a backend that has room: empty, or with what an image, a snapshot or "
         "another volume holds.",
    event="volume.create",
    entries=(Entry(("creating",), "creating", over=None, when="POST /volumes"),),
    steps=(
        ActionStep(SCHEDULER, "backend_selected",
                   "filters and weighers; the volume knows its backend",
                   undo="forgetting the backend"),
        ActionStep(VOLUME, "volume_made", "empty, cloned, or ready for an image's content",
                   undo="removing it"),
        ActionStep(VOLUME, "image_copied", "the image's content, where it was not cloned"),
        ActionStep(SCHEDULER, "volume_recorded", "available"),
    ),
    breaks=True,
    fails="Another backend is tried. After the last the volume is in error, with a message.",
)
