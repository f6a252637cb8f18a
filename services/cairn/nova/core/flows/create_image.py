"""createImage: a server's disk becomes an image."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="createImage",
    does="Fills an image, made in Glance at the request, with the root disk as it is now. Of a "
         "server that boots from a volume it has no bytes, and names snapshots in Cinder.",
    event="compute.instance.snapshot",
    entries=(Entry(("active", "stopped", "paused", "suspended"), "image_snapshot_pending"),),
    steps=(
        ActionStep(CONDUCTOR, "volumes_snapshotted",
                   "of a server that boots from a volume: each of its volumes has a snapshot, "
                   "which is available", undo="deleting the snapshots"),
        ActionStep(CONDUCTOR, "image_described", "the image names them, and is active"),
        ActionStep(COMPUTE, "snapshot_taken",
                   "of every other: the disk as it is now, in a file of the host's",
                   undo="removing the file"),
        ActionStep(COMPUTE, "snapshot_uploaded", "sent to Glance, which calls the image active"),
        ActionStep(COMPUTE, "snapshot_removed", "the file is gone from the host"),
    ),
    fails="What Cinder, the host or Glance said, in the action's events. The image is gone, and "
          "so are the snapshots.",
    absent=lambda args: (COMPUTE,) if "volumes" in args else (CONDUCTOR,),
)
