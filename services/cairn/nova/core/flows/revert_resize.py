"""revertResize: a server that was moved or resized is what it was, where it was."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import CONDUCTOR, DESTINATION, SOURCE

ACTION = Action(
    kind="revertResize",
    does="Takes the server back to where it was, and to what. What its guest wrote meanwhile to "
         "disks of its host is lost.",
    event="compute.instance.resize.revert",
    entries=(Entry(("resized",), "resize_reverting"),),
    steps=(
        ActionStep(DESTINATION, "domain_destroyed", "domain and copies are gone from the host"),
        ActionStep(CONDUCTOR, "server_moved_back", "it is on the old host, with the old flavor"),
        ActionStep(CONDUCTOR, "ports_moved_back", "bound to the old host"),
        ActionStep(CONDUCTOR, "volumes_moved_back", "Cinder lets the old host reach them"),
        ActionStep(CONDUCTOR, "allocation_reverted", "what the migration had is the server's"),
        ActionStep(SOURCE, "disks_restored", "what was put aside is in its place"),
        ActionStep(SOURCE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(SOURCE, "domain_started", "powered on, if it was"),
        ActionStep(CONDUCTOR, "resize_reverted", "quota given back; ACTIVE or SHUTOFF"),
    ),
    breaks=True,
    fails="In error, on its old host, with a fault that says why; a hard reboot starts it there.",
    moves=True,
)
