"""shelve: a server is powered off and its disk kept as an image."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="shelve",
    does="Powers the server off, and fills an image, made in Glance at the request, with its root "
         "disk. Its host keeps it for `[api] shelved_offload_time`. One that boots from a volume "
         "has no image, and leaves its host at once.",
    event="compute.instance.shelve",
    entries=(Entry(("active", "stopped", "paused", "suspended"), "shelving"),),
    steps=(
        ActionStep(COMPUTE, "domain_stopped", "powered off",
                   undo="powering it on again, if it ran"),
        ActionStep(COMPUTE, "snapshot_taken", "the disk as it is now, in a file of the host's",
                   undo="removing the file"),
        ActionStep(COMPUTE, "snapshot_uploaded", "sent to Glance, which calls the image active"),
        ActionStep(COMPUTE, "snapshot_removed", "the file is gone from the host"),
        ActionStep(CONDUCTOR, "server_shelved", "SHELVED; shelveOffload comes next, if it is to"),
    ),
    fails="What the host or Glance said, in the action's events. The image is gone, and the server "
          "runs if it did; one that was paused is SHUTOFF.",
)
