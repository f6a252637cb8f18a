"""restore: a server that was deleted, and is kept for a while, is there again."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="restore",
    does="Brings back a server that is SOFT_DELETED. One that ran is powered on.",
    event="compute.instance.restore",
    entries=(Entry(("soft-delete",), "restoring"),),
    steps=(
        ActionStep(COMPUTE, "ports_plugged",
                   "the network agent made the taps; Neutron says ACTIVE"),
        ActionStep(COMPUTE, "domain_started", "powered on"),
        ActionStep(CONDUCTOR, "server_restored", "it is what it was"),
    ),
    fails="What the host said, in the action's events. The server is SOFT_DELETED.",
    absent=lambda args: () if args.get("starts") else (COMPUTE,),
)
