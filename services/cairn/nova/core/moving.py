"""What it takes to move a server that is off, whatever for: steps that actions share."""

from cairn.common.flows import ActionStep
from cairn.common.work import Job
from cairn.nova.rpc import CONDUCTOR, DESTINATION, SOURCE

STEPS = (
    ActionStep(CONDUCTOR, "allocation_moved", "what it has in placement is the migration's",
               undo="moving it back"),
    ActionStep(CONDUCTOR, "host_selected",
               "placement's candidates, filters, weighers; claimed in placement",
               undo="giving the claim back"),
    ActionStep(CONDUCTOR, "work_handed", "only to hosts that answer"),
    ActionStep(SOURCE, "domain_stopped", "powered off", undo="powering on one that ran"),
    ActionStep(SOURCE, "disks_kept", "its disks are put aside, until somebody confirms",
               undo="putting them back"),
    ActionStep(DESTINATION, "disks_received",
               "copied from the host they were on, as large as the flavor says",
               undo="removing the copies"),
    ActionStep(CONDUCTOR, "ports_moved", "bound to the new host", undo="binding them back"),
    ActionStep(CONDUCTOR, "volumes_moved", "Cinder lets the new host reach them",
               undo="letting the old one"),
    ActionStep(CONDUCTOR, "server_moved", "it is on the new host, with the new flavor",
               undo="it is where it was, and what"),
    ActionStep(DESTINATION, "ports_plugged",
               "the network agent made the taps; Neutron says ACTIVE"),
    ActionStep(DESTINATION, "domain_started", "powered on, if it was",
               undo="destroying it"),
    ActionStep(CONDUCTOR, "resize_finished", "it waits for somebody to confirm or to revert that"),
)


def destination_of(job: Job) -> str:
    """The host that a server comes to: the one that it came to, else the one that was chosen."""
    return str(job.args.get("destination") or job.results["host_selected"]["host"])
