"""rebuild: a new root disk from an image; everything else of the server stays."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="rebuild",
    does="Makes the server's disks anew from an image. One that was stopped is stopped again.",
    event="compute.instance.rebuild",
    entries=(Entry(("active", "stopped", "error"), "rebuilding"),),
    steps=(
        ActionStep(COMPUTE, "domain_stopped", "the plug is pulled"),
        ActionStep(CONDUCTOR, "volume_reimaged",
                   "of a server that boots from a volume: Cinder wrote the image over it"),
        ActionStep(COMPUTE, "image_found", "whether the host has the image"),
        ActionStep(COMPUTE, "image_cached", "downloaded once per host, by id and content"),
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "disks_prepared", "the old disks are gone, the new ones there"),
        ActionStep(COMPUTE, "domain_started",
                   "defined and powered on; ACTIVE, or off again as it was"),
    ),
    breaks=True,
    fails="A fault that says why. It may be rebuilt again.",
    moves=True,
    absent=lambda args: () if args.get("reimage") else (CONDUCTOR,),
)
