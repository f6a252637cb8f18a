"""shelveOffload: a shelved server leaves its host."""

from cairn.common.flows import Action, ActionStep, Entry
from cairn.nova.rpc import COMPUTE, CONDUCTOR

ACTION = Action(
    kind="shelveOffload",
    does="Removes a shelved server from its host. Its ports and volumes stay its own, and no host "
         "reaches them.",
    event="compute.instance.shelve_offload",
    entries=(Entry(("shelved",), "shelving_offloading"),),
    steps=(
        ActionStep(CONDUCTOR, "volumes_disconnected", "reserved in Cinder, for no host",
                   undo="letting the host reach them again"),
        ActionStep(CONDUCTOR, "ports_unbound", "in Neutron, from the host",
                   undo="binding them to it again"),
        ActionStep(COMPUTE, "domain_destroyed", "domain, disks and logs are gone from the host"),
        ActionStep(CONDUCTOR, "allocation_removed",
                   "the claim in placement given back, however long that takes"),
        ActionStep(CONDUCTOR, "server_offloaded", "on no host; SHELVED_OFFLOADED"),
    ),
    fails="What Cinder, Neutron or the host said, in the action's events. The server is SHELVED.",
    moves=True,
)
