"""/extensions and /resource_filters: what this API has"""

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import Query
from cairn.cinder.component import Cinder
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound

api = Api(RULES)

# By alias: its name, and what it is.
EXTENSIONS = {
    "OS-SCH-HNT": ("SchedulerHints", "Hints of where a volume shall be."),
    "backups": ("Backups", "Backups of volumes."),
    "capabilities": ("Capabilities", "What backends can do."),
    "os-availability-zone": ("AvailabilityZones", "Availability zones of volumes."),
    "os-hosts": ("Hosts", "Cinder's processes by host."),
    "os-quota-class-sets": ("QuotaClasses", "Limits of projects that have none of their own."),
    "os-quota-sets": ("Quotas", "Limits of projects."),
    "os-services": ("Services", "Cinder's processes."),
    "os-snapshot-manage": ("SnapshotManage", "Snapshots that backends have already."),
    "os-types-extra-specs": ("TypesExtraSpecs", "Extra specs of volume types."),
    "os-types-manage": ("TypesManage", "Volume types."),
    "os-used-limits": ("UsedLimits", "What is used of limits."),
    "os-vol-host-attr": ("VolumeHostAttribute", "Where a volume is."),
    "os-vol-image-meta": ("VolumeImageMetadata", "Image metadata of volumes."),
    "os-vol-mig-status-attr": ("VolumeMigStatusAttribute", "Migrations of volumes."),
    "os-vol-tenant-attr": ("VolumeTenantAttribute", "Whose a volume is."),
    "os-volume-actions": ("VolumeActions", "What is done to volumes."),
    "os-volume-encryption-metadata": ("VolumeEncryptionMetadata", "Encryption of volumes."),
    "os-volume-manage": ("VolumeManage", "Volumes that backends have already."),
    "os-volume-transfer": ("VolumeTransfer", "Volumes that are given to other projects."),
    "os-volume-type-access": ("VolumeTypeAccess", "Who may use a volume type."),
    "os-volume-unmanage": ("VolumeUnmanage", "Volumes that are left to their backends."),
    "qos-specs": ("Qos_specs_manage", "What disks of volume types are held to."),
    "scheduler-stats": ("Scheduler_stats", "Figures of pools."),
}

# By resource: what its list may be filtered by.
FILTERS = {
    "volume": ("name", "status", "metadata", "bootable", "migration_status",
               "availability_zone", "group_id", "size", "created_at", "updated_at",
               "consumes_quota"),
    "backup": ("name", "status", "volume_id"),
    "snapshot": ("name", "status", "volume_id", "metadata", "availability_zone", "created_at",
                 "updated_at", "consumes_quota"),
    "group": (),
    "group_snapshot": ("status", "group_id"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}


def _extension(alias: str) -> Document:
    name, description = EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "links": [],
            "updated": "2023-08-31T00:00:00+00:00"}


@api.get("/extensions", policy="volume:extensions")
def index(cinder: Cinder, ctx: Context) -> Document:
    """List the extensions of this API."""
    return {"extensions": [_extension(alias) for alias in EXTENSIONS]}


@api.get("/extensions/<alias>", policy="volume:extensions")
def show(cinder: Cinder, ctx: Context, alias: str) -> Document:
    """Show an extension of this API."""
    if alias not in EXTENSIONS:
        raise NotFound("Extension", alias)
    return {"extension": _extension(alias)}


@api.get("/resource_filters", policy="volume:resource_filters", since="3.33",
         query=only("resource"))
def filters(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List what lists may be filtered by, of all resources or of one."""
    asked = listing.read_value(query, "resource")
    return {"resource_filters": [{"resource": name, "filters": list(names)}
                                 for name, names in FILTERS.items() if asked in (None, name)]}
