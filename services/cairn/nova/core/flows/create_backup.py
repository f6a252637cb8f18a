"""createBackup: a server's disk becomes one of its last few backups."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="createBackup",
    does="Fills an image, made in Glance at the request, with the root disk as it is now; then of "
         "the server's backups of that type the oldest go, beyond so many.",
    event="compute.instance.snapshot",
    entries=(Entry(("active", "stopped", "paused", "suspended"), "image_backup"),),
    steps=(
        ActionStep(COMPUTE, "snapshot_taken", "the disk as it is now, in a file of the host's",
                   undo="removing the file"),
        ActionStep(COMPUTE, "snapshot_uploaded", "sent to Glance, which calls the image active"),
        ActionStep(COMPUTE, "snapshot_removed", "the file is gone from the host"),
        ActionStep(CONDUCTOR, "backups_rotated", "the oldest beyond so many are deleted"),
    ),
    fails="What the host or Glance said, in the action's events. The image is gone, unless it was "
          "whole already.",
)
