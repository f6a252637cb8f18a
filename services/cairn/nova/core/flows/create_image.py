"""createImage: a server's disk becomes an image."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="createImage",
    does="Fills an image, made in Glance at the request, with the root disk as it is now.",
    event="compute.instance.snapshot",
    entries=(Entry(("active", "stopped", "paused", "suspended"), "image_snapshot_pending"),),
    steps=(
        ActionStep(COMPUTE, "snapshot_taken", "the disk as it is now, in a file of the host's",
                   undo="removing the file"),
        ActionStep(COMPUTE, "snapshot_uploaded", "sent to Glance, which calls the image active"),
        ActionStep(COMPUTE, "snapshot_removed", "the file is gone from the host"),
    ),
    fails="What the host or Glance said, in the action's events. The image is gone.",
)
