"""unshelve: a server that was shelved runs again."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ON_HOST = Entry(("shelved",), "unshelving", when="its host has it still")
OFFLOADED = Entry(("shelved_offloaded",), "unshelving", when="on a host that is chosen for it")

ACTION = Action(
    kind="unshelve",
    does="Starts the server: where it is, or on a host that has room, with disks made of its "
         "image. Of the steps one that is on its host has only those that start it.",
    event="compute.instance.unshelve",
    entries=(ON_HOST, OFFLOADED),
    steps=(
        ActionStep(CONDUCTOR, "work_taken", "somebody works on it; Glance has its image"),
        ActionStep(CONDUCTOR, "host_selected",
                   "placement's candidates, filters, weighers; claimed in placement",
                   undo="giving the claim back"),
        ActionStep(CONDUCTOR, "host_recorded",
                   "the server knows its host; groups are checked again",
                   undo="forgetting the host"),
        ActionStep(CONDUCTOR, "ports_bound", "in Neutron, to the host", undo="unbinding them"),
        ActionStep(CONDUCTOR, "volumes_attached", "Cinder lets the host reach them",
                   undo="reserving them for no host"),
        ActionStep(CONDUCTOR, "work_handed", "only to a host that answers"),
        ActionStep(COMPUTE, "image_found", "whether the host has the image"),
        ActionStep(COMPUTE, "image_cached", "downloaded once per host, by id and content"),
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "disks_prepared",
                   "a whole copy of the image, ephemeral, swap, config drive",
                   undo="removing them"),
        ActionStep(COMPUTE, "domain_started", "defined and powered on; ACTIVE",
                   undo="destroying it"),
        ActionStep(CONDUCTOR, "image_deleted", "the image that it was kept in is gone"),
    ),
    fails="Another host is tried. After the last the server is as it was, with a fault that says "
          "what each host said. Of one that runs already nothing is undone.",
    moves=True,
)
