"""delete: nothing of a server is left but its history."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR, SOURCE

ACTION = Action(
    kind="delete",
    does="Ends the server and gives back what it had. What is under way is called off. A host "
         "that is down is not waited for: it ends the server when it is back.",
    event="compute.instance.delete",
    entries=(Entry(None, "deleting", over=None, when="DELETE /servers, forceDelete"),),
    steps=(
        ActionStep(COMPUTE, "domain_destroyed", "domain, disks and logs are gone from the host"),
        ActionStep(SOURCE, "kept_disks_removed",
                   "of one that was resized or moved: what was put aside is gone"),
        ActionStep(CONDUCTOR, "ports_deleted",
                   "ports deleted; those that were the user's own let go"),
        ActionStep(CONDUCTOR, "volumes_detached",
                   "volumes available again; those that were to go with it deleted"),
        ActionStep(CONDUCTOR, "allocation_removed", "the claim in placement given back"),
        ActionStep(CONDUCTOR, "server_deleted",
                   "quota given back; the image that it was shelved in is gone; DELETED"),
    ),
    breaks=True,
    fails="A fault that says why. It may be deleted again.",
    cancellable=False,
    moves=True,
)
