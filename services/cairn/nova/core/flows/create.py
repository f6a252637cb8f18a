"""create: a server comes to a host, with ports and disks, and runs."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="create",
    does="Makes the server on a host that has room, and starts it.",
    event="compute.instance.create",
    entries=(Entry(("building",), "scheduling", over=None, when="POST /servers"),),
    steps=(
        ActionStep(CONDUCTOR, "work_taken", "somebody works on it"),
        ActionStep(CONDUCTOR, "host_selected",
                   "placement's candidates, filters, weighers; claimed in placement",
                   undo="giving the claim back"),
        ActionStep(CONDUCTOR, "host_recorded",
                   "the server knows its host; groups are checked again",
                   undo="forgetting the host"),
        ActionStep(CONDUCTOR, "ports_created",
                   "ports made in Neutron and bound to the host; the user's own ports bound",
                   undo="deleting, or letting go"),
        ActionStep(CONDUCTOR, "volumes_created",
                   "volumes made that were asked for; all of the server's reserved",
                   undo="deleting those that were made, letting go of the others"),
        ActionStep(CONDUCTOR, "volumes_attached", "Cinder lets the host reach them",
                   undo="giving them back"),
        ActionStep(CONDUCTOR, "work_handed", "only to a host that answers"),
        ActionStep(COMPUTE, "spec_received", "everything the host needs, from the conductor"),
        ActionStep(COMPUTE, "image_found", "whether the host has the image"),
        ActionStep(COMPUTE, "image_cached", "downloaded once per host, by id and content"),
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "disks_prepared", "overlay, ephemeral, swap, config drive",
                   undo="removing them"),
        ActionStep(COMPUTE, "domain_started", "defined and powered on; ACTIVE",
                   undo="destroying it"),
    ),
    breaks=True,
    fails="Another host is tried. After the last, a fault with what each host said.",
    moves=True,
)
