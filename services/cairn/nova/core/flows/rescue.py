"""rescue: a server runs from another image, its own disks beside."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE

ACTION = Action(
    kind="rescue",
    does="Powers the server off and starts it from an image, with its own disks beside, so that "
         "they can be mended.",
    event="compute.instance.rescue",
    entries=(Entry(("active", "stopped", "error"), "rescuing"),),
    steps=(
        ActionStep(COMPUTE, "image_cached", "downloaded once per host, by id and content"),
        ActionStep(COMPUTE, "domain_rescued", "off, and on again from the image; RESCUE",
                   undo="starting it as it was, if it ran"),
    ),
    fails="What the host said, in the action's events.",
)
