"""reimage: an image is written over a volume."""

from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.flows import Action, ActionStep, Entry

ACTION = Action(
    kind="reimage",
    does="Writes an image over what the volume holds.",
    event="volume.reimage",
    entries=(Entry(("available", "error"), "downloading", when="os-reimage"),
             Entry(("available", "error", "reserved"), "downloading",
                   when="os-reimage with reimage_reserved")),
    steps=(
        ActionStep(SCHEDULER, "volume_looked_up", "where it is"),
        ActionStep(VOLUME, "image_copied", "fetched, looked at, and written"),
        ActionStep(SCHEDULER, "volume_recorded", "bootable, with the image's metadata"),
        ActionStep(SCHEDULER, "servers_told", "those that it is reserved for"),
    ),
    breaks=True,
    fails="The volume is in error, for it may hold half of the image, with a message. It may be "
          "reimaged again.",
    cancellable=False,
)
