"""/extensions: what clients asked for by name before there were microversions."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.nova.component import Nova
from cairn.nova.policy import RULES

api = Api(RULES)

# The list is closed: it says what Nova had when it was, and no more than that.
_EXTENSIONS = {
    "OS-DCF": "DiskConfig", "OS-EXT-AZ": "ExtendedAvailabilityZone",
    "OS-EXT-SRV-ATTR": "ExtendedServerAttributes", "OS-EXT-STS": "ExtendedStatus",
    "OS-FLV-DISABLED": "FlavorDisabled", "OS-FLV-EXT-DATA": "FlavorExtraData",
    "OS-SCH-HNT": "SchedulerHints", "OS-SRV-USG": "ServerUsage",
    "os-admin-actions": "AdminActions", "os-aggregates": "Aggregates",
    "os-attach-interfaces": "AttachInterfaces", "os-availability-zone": "AvailabilityZone",
    "os-block-device-mapping-v2-boot": "BlockDeviceMappingV2Boot",
    "os-config-drive": "ConfigDrive", "os-console-output": "ConsoleOutput",
    "os-consoles": "Consoles", "os-deferred-delete": "DeferredDelete",
    "os-extended-volumes": "ExtendedVolumes", "os-flavor-access": "FlavorAccess",
    "os-flavor-extra-specs": "FlavorExtraSpecs", "os-flavor-manage": "FlavorManage",
    "os-flavor-rxtx": "FlavorRxtx", "os-flavor-swap": "FlavorSwap", "os-hosts": "Hosts",
    "os-hypervisors": "Hypervisors", "os-instance-actions": "InstanceActions",
    "os-keypairs": "Keypairs", "os-lock-server": "LockServer", "os-multinic": "Multinic",
    "os-multiple-create": "MultipleCreate", "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas", "os-security-groups": "SecurityGroups",
    "os-server-diagnostics": "ServerDiagnostics",
    "os-server-external-events": "ServerExternalEvents", "os-server-groups": "ServerGroups",
    "os-services": "Services", "os-simple-tenant-usage": "SimpleTenantUsage",
    "os-user-data": "UserData",
}


def _extension(alias: str) -> Document:
    name = _EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": name, "links": [],
            "updated": "2014-12-03T00:00:00Z",
            "namespace": "http://docs.openstack.org/compute/ext/fake_xml"}


@api.get("/extensions", policy="os_compute_api:extensions")
def index(nova: Nova, ctx: Context) -> Document:
    """List the extensions; the list is fixed, and what came later is told by microversion."""
    return {"extensions": [_extension(alias) for alias in _EXTENSIONS]}


@api.get("/extensions/<alias>", policy="os_compute_api:extensions")
def show(nova: Nova, ctx: Context, alias: str) -> Document:
    """Show one extension, by its alias."""
    if alias not in _EXTENSIONS:
        raise NotFound("Extension", alias)
    return {"extension": _extension(alias)}
