"""What anybody may ask: which versions there are; which extensions, once."""

from typing import Any

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import NotFound
from cairn.common.microversions import Microversions, text
from cairn.nova.api.words import UUID, base, closed
from cairn.nova.component import Nova
from cairn.nova.core import network
from cairn.nova.core.servers import known
from cairn.nova.policy import RULES

MICROVERSIONS = Microversions("compute", (2, 1), (2, 104), "X-OpenStack-Nova-API-Version")

# /v2 is the same API at its first microversion.
LEGACY = Microversions("compute", (2, 1), (2, 1))

root = Api(RULES)
current = Api(RULES)
legacy = Api(RULES)
api = Api(RULES)


def document() -> Document:
    return {
        "id": "v2.1", "status": "CURRENT", "version": text(MICROVERSIONS.maximum),
        "min_version": text(MICROVERSIONS.minimum), "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{base()}/v2.1/"}],
    }


def old() -> Document:
    return {
        "id": "v2.0", "status": "SUPPORTED", "version": "", "min_version": "",
        "updated": "2011-01-21T11:33:21Z", "links": [{"rel": "self", "href": f"{base()}/v2/"}],
    }


@root.get("/", policy=PUBLIC)
def versions(nova: Nova, ctx: Context) -> Document:
    return {"versions": [old(), document()]}


@current.get("", policy=PUBLIC)
def version(nova: Nova, ctx: Context) -> Document:
    return _described(document())


@legacy.get("", policy=PUBLIC)
def old_version(nova: Nova, ctx: Context) -> Document:
    return _described(old())


def _described(found: Document) -> Document:
    found["links"].append({"rel": "describedby", "type": "text/html",
                           "href": "https://docs.openstack.org/"})
    found["media-types"] = [{"base": "application/json",
                             "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return {"version": found}


# What clients asked for by name before there were microversions: the list is closed, it says what
# Nova had when it was, and no more than that.
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
def extensions(nova: Nova, ctx: Context) -> Document:
    return {"extensions": [_extension(alias) for alias in _EXTENSIONS]}


@api.get("/extensions/<alias>", policy="os_compute_api:extensions")
def extension(nova: Nova, ctx: Context, alias: str) -> Document:
    if alias not in _EXTENSIONS:
        raise NotFound("Extension", alias)
    return {"extension": _extension(alias)}


# --- What neighbours tell ------------------------------------------------------------------

_EVENT = closed(["name", "server_uuid"], server_uuid=UUID, status={
    "enum": ["failed", "completed", "in-progress"]}, tag={"type": "string", "maxLength": 255},
    name={"enum": ["network-changed", "network-vif-plugged", "network-vif-unplugged",
                   "network-vif-deleted", "volume-extended", "volume-reimaged", "power-update",
                   "accelerator-request-bound"]})


@api.post("/os-server-external-events", policy="os_compute_api:os-server-external-events:create",
          body=closed(["events"], events={"type": "array", "minItems": 1, "items": _EVENT}))
def events(nova: Nova, ctx: Context, body: Document) -> Reply:
    """Neutron says what changed on a server's ports; what the API shows follows at once."""
    answers: list[Document] = []
    changed: dict[str, Any] = {}
    with nova.db.reading() as session:
        for event in body["events"]:
            answer: Document = {"name": event["name"], "server_uuid": event["server_uuid"],
                                "status": event.get("status", "completed"),
                                "tag": event.get("tag")}
            row = known(session, event["server_uuid"])
            if row is None or row.deleted:
                answer |= {"status": "failed", "code": 404}
            elif row.host is None:
                answer |= {"status": "failed", "code": 422}
            else:
                answer["code"] = 200
                if event["name"].startswith("network-"):
                    changed[row.id] = row
            answers.append(answer)
    network.refresh(nova, ctx, list(changed.values()))
    codes = {answer["code"] for answer in answers}
    if codes == {404}:
        raise NotFound("No instances found for any event", "")
    return Reply({"events": answers}, 200 if codes == {200} else 207)


