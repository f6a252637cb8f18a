"""copy_volume_to_image: a volume becomes an image."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="copy_volume_to_image",
    does="Fills an image with what the volume holds.",
    event="volume.upload",
    entries=(Entry(("available",), "uploading", when="os-volume_upload_image"),
             Entry(("available", "in-use"), "uploading", when="with force")),
    steps=(
        ActionStep(SCHEDULER, "volume_looked_up", "where it is", undo="deleting the image"),
        ActionStep(VOLUME, "image_filled", "converted and sent"),
        ActionStep(SCHEDULER, "volume_recorded", "what it was before"),
    ),
    fails="The volume is what it was, with a message; the image is gone.",
    cancellable=False,
)
