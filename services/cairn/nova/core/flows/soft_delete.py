"""soft_delete: a server is kept for a while after its deletion."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="soft_delete",
    does="Where `[api] reclaim_instance_interval` is set: powers the server off, and keeps it for "
         "so many seconds. What is under way is called off. One that has no host that answers, or "
         "never ran, is deleted at once.",
    event="compute.instance.soft_delete",
    entries=(Entry(("active", "stopped", "paused", "suspended", "rescued", "resized", "error",
                    "shelved"), "soft-deleting", over=None, when="DELETE /servers"),),
    steps=(
        ActionStep(COMPUTE, "domain_stopped", "powered off"),
        ActionStep(CONDUCTOR, "server_soft_deleted", "SOFT_DELETED"),
    ),
    fails="What the host said, in the action's events. The server is not deleted.",
)
