"""/os-services"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.nova.api.schemas import BOOLEAN, NAME, TEXT, Query, closed, queries
from cairn.nova.api.views import micro
from cairn.nova.component import Nova
from cairn.nova.core import boot, hosts, services
from cairn.nova.core.services import PlacedService
from cairn.nova.core.values import by_uuid
from cairn.nova.policy import RULES

api = Api(RULES)

_NAMED = {"host": {"type": "string"}, "binary": {"type": "string"}}
_UPDATE = "os_compute_api:os-services:update"


def view(nova: Nova, ctx: Context, placed: PlacedService) -> Document:
    service = placed.service
    shown: Document = {
        "id": service.id if by_uuid(ctx.version) else service.number, "binary": service.binary,
        "host": service.host, "zone": placed.zone,
        "status": "disabled" if service.disabled else "enabled",
        "state": "up" if hosts.up(service, nova.service) else "down",
        "updated_at": micro(service.seen_at or service.updated_at or service.created_at),
        "disabled_reason": service.disabled_reason,
    }
    if ctx.version >= (2, 11):
        shown["forced_down"] = service.forced_down
    return shown


def index(nova: Nova, ctx: Context, query: Query) -> Document:
    """List nova's processes by host, whether each is enabled and whether it was heard of lately."""
    listed = services.list_services(nova, host=read_value(query, "host"),
                                    binary=read_value(query, "binary"))
    return {"services": [view(nova, ctx, placed) for placed in listed]}


for _since, _until, _query in queries({(2, 1): {"host": TEXT, "binary": TEXT}}):
    api.get("/os-services", policy="os_compute_api:os-services:list", query=_query,
            since=_since, until=_until)(index)


@api.put("/os-services/enable", policy=_UPDATE, until="2.52",
         body=closed(["host", "binary"], **_NAMED),
         event="service.update")
def enable(nova: Nova, ctx: Context, body: Document) -> Document:
    """Let a service, named by host and binary, have new servers again."""
    services.change_named(nova, ctx, body["host"], body["binary"], disabled=False,
                          disabled_reason=None)
    return {"service": body | {"status": "enabled"}}


@api.put("/os-services/disable", policy=_UPDATE, until="2.52",
         body=closed(["host", "binary"], **_NAMED),
         event="service.update")
def disable(nova: Nova, ctx: Context, body: Document) -> Document:
    """Let a service, named by host and binary, have no new servers; those it has stay."""
    services.change_named(nova, ctx, body["host"], body["binary"], disabled=True,
                          disabled_reason=None)
    return {"service": body | {"status": "disabled"}}


@api.put("/os-services/disable-log-reason", policy=_UPDATE, until="2.52",
         body=closed(["host", "binary", "disabled_reason"], **_NAMED, disabled_reason=NAME),
         event="service.update")
def disable_with_reason(nova: Nova, ctx: Context, body: Document) -> Document:
    """Let a service have no new servers, and keep a reason for people to read."""
    services.change_named(nova, ctx, body["host"], body["binary"], disabled=True,
                          disabled_reason=body["disabled_reason"])
    return {"service": body | {"status": "disabled"}}


@api.put("/os-services/force-down", policy=_UPDATE, since="2.11", until="2.52",
         body=closed(["host", "binary", "forced_down"], **_NAMED, forced_down=BOOLEAN),
         event="service.update")
def force_down(nova: Nova, ctx: Context, body: Document) -> Document:
    """Call a service down without waiting for its silence, or no longer."""
    down = boot.truthy(body["forced_down"])
    services.change_named(nova, ctx, body["host"], body["binary"], forced_down=down)
    return {"service": body | {"forced_down": down}}


@api.put("/os-services/<service_id>", policy=_UPDATE, since="2.53",
         body=closed(status={"enum": ["enabled", "disabled"]}, disabled_reason=NAME,
                     forced_down=BOOLEAN) | {"minProperties": 1},
         event="service.update")
def change(nova: Nova, ctx: Context, service_id: str, body: Document) -> Document:
    """Enable or disable a compute service, or call it down without waiting for its silence."""
    status = body.get("status")
    if "disabled_reason" in body and status != "disabled":
        raise Invalid(reason="disabled_reason: it goes with status disabled.")
    values: Document = {}
    if status is not None:
        values = {"disabled": status == "disabled", "disabled_reason": body.get("disabled_reason")}
    if "forced_down" in body:
        values["forced_down"] = boot.truthy(body["forced_down"])
    return {"service": view(nova, ctx, services.change(nova, ctx, service_id, values))}


@api.delete("/os-services/<service_id>", policy="os_compute_api:os-services:delete", status=204,
            event="service.delete")
def remove(nova: Nova, ctx: Context, service_id: str) -> None:
    """Forget a process that is gone for good, its hypervisor too; one that runs comes back."""
    services.remove(nova, ctx, service_id)
