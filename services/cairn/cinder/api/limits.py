"""/limits"""

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import Query
from cairn.cinder.component import Cinder
from cairn.cinder.core import quota_sets
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

# The API's names of limits, and of what is used of them.
NAMES = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
    "snapshots": ("maxTotalSnapshots", "totalSnapshotsUsed"),
    "backups": ("maxTotalBackups", "totalBackupsUsed"),
    "backup_gigabytes": ("maxTotalBackupGigabytes", "totalBackupGigabytesUsed"),
}


@api.get("/limits", policy="limits_extension:used_limits", query=only("project_id", "tenant_id"))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """Show the caller's project's limits and what is used of them; administrators may name another
    project. Requests are not limited by rate."""
    project_id = ctx.project
    asked = listing.read_value(query, "project_id") or listing.read_value(query, "tenant_id")
    if asked and ctx.is_admin and ctx.version >= (3, 39):
        project_id = asked
    limits = quota_sets.limits(cinder, ctx, project_id)
    used = quota_sets.usage(cinder, ctx, project_id)
    absolute: Document = {}
    for name, (most, in_use) in NAMES.items():
        absolute |= {most: limits[name], in_use: used[name]}
    return {"limits": {"rate": [], "absolute": absolute}}
