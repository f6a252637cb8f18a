"""/limits"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.nova.api.schemas import TEXT, Query, queries
from cairn.nova.component import Nova
from cairn.nova.core import quotas
from cairn.nova.policy import RULES

api = Api(RULES)


def show(nova: Nova, ctx: Context, query: Query) -> Document:
    """Show a project's limits, by default the caller's, and what it uses of them."""
    project = read_value(query, "tenant_id") or ctx.project
    if project != ctx.project:
        nova.policy.enforce(ctx, "os_compute_api:limits:other_project")
    allowed, used = quotas.get_usage(nova, project)
    absolute = {
        "maxTotalInstances": allowed["instances"], "maxTotalCores": allowed["cores"],
        "maxTotalRAMSize": allowed["ram"], "maxServerMeta": allowed["metadata_items"],
        "maxTotalKeypairs": allowed["key_pairs"], "maxServerGroups": allowed["server_groups"],
        "maxServerGroupMembers": allowed["server_group_members"],
        "totalInstancesUsed": used["instances"], "totalCoresUsed": used["cores"],
        "totalRAMUsed": used["ram"], "totalServerGroupsUsed": used["server_groups"],
    }
    if ctx.version < (2, 57):
        absolute |= {"maxPersonality": allowed["injected_files"],
                     "maxPersonalitySize": allowed["injected_file_content_bytes"]}
    if ctx.version < (2, 39):
        absolute["maxImageMeta"] = allowed["metadata_items"]
    if ctx.version < (2, 36):
        absolute |= {"maxTotalFloatingIps": -1, "totalFloatingIpsUsed": 0, "maxSecurityGroups": -1,
                     "totalSecurityGroupsUsed": 0, "maxSecurityGroupRules": -1}
    return {"limits": {"rate": [], "absolute": absolute}}


for _since, _until, _query in queries({(2, 1): {"tenant_id": TEXT}}):
    api.get("/limits", policy="os_compute_api:limits", query=_query, since=_since,
            until=_until)(show)
