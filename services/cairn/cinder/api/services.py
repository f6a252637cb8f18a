"""/os-services"""

from typing import Any

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import NAME, TEXT_OR_NONE, Query, closed
from cairn.cinder.component import Cinder
from cairn.cinder.core import log_levels, service_changes, services
from cairn.cinder.core.values import stamp
from cairn.cinder.errors import InvalidInput, NoSuchCluster
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

_UPDATE = "volume_extension:services:update"
_SERVICE: dict[str, Any] = {"host": NAME, "service": NAME, "binary": NAME}
_HOST = closed(host=TEXT_OR_NONE, cluster=TEXT_OR_NONE)
_FAIL = closed(host=TEXT_OR_NONE, cluster=TEXT_OR_NONE, backend_id=TEXT_OR_NONE)
_LOG: dict[str, Any] = {"binary": TEXT_OR_NONE, "server": TEXT_OR_NONE, "prefix": TEXT_OR_NONE}


def view(cinder: Cinder, ctx: Context, row: Any) -> Document:
    """As lists show it."""
    shown: Document = {
        "binary": row.binary, "host": row.host, "zone": row.zone,
        "status": "disabled" if row.disabled else "enabled",
        "state": "up" if services.up(row, cinder.service) else "down",
        "updated_at": stamp(row.seen_at or row.updated_at or row.created_at),
        "disabled_reason": row.disabled_reason,
    }
    if row.binary == services.VOLUME:
        shown |= {"replication_status": "disabled", "active_backend_id": None,
                  "frozen": row.frozen}
        if ctx.version >= (3, 49):
            shown["backend_state"] = "down" if row.report.get("trouble") else "up"
    if ctx.version >= (3, 7):
        shown["cluster"] = None
    return shown


@api.get("/os-services", policy="volume_extension:services:index", query=only("host", "binary"))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List cinder's processes (of cinder-volume one for each backend), whether each is enabled and
    whether it was heard of lately."""
    listed = service_changes.index(cinder, host=listing.read_value(query, "host"),
                                   binary=listing.read_value(query, "binary"))
    return {"services": [view(cinder, ctx, row) for row in listed]}


def _named(body: Document) -> tuple[str, str]:
    binary = body.get("binary") or body.get("service")
    if not binary:
        raise InvalidInput(reason="Missing required element 'binary' in request body.")
    return body["host"], binary


@api.put("/os-services/enable", policy=_UPDATE, body=closed(["host"], **_SERVICE),
         event="service.update")
def enable(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Let a backend have new volumes again."""
    host, binary = _named(body)
    service_changes.set_disabled(cinder, ctx, host, binary, False)
    return {"host": host, "service": binary, "binary": binary, "disabled": False,
            "status": "enabled", "disabled_reason": None}


@api.put("/os-services/disable", policy=_UPDATE, body=closed(["host"], **_SERVICE),
         event="service.update")
def disable(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Let a backend have no new volumes; those it has stay."""
    host, binary = _named(body)
    service_changes.set_disabled(cinder, ctx, host, binary, True)
    return {"host": host, "service": binary, "binary": binary, "disabled": True,
            "status": "disabled"}


@api.put("/os-services/disable-log-reason", policy=_UPDATE, event="service.update",
         body=closed(["host", "disabled_reason"], **_SERVICE, disabled_reason=NAME))
def disable_with_reason(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Let a backend have no new volumes, and keep a reason for people to read."""
    host, binary = _named(body)
    reason = body["disabled_reason"].strip()
    service_changes.set_disabled(cinder, ctx, host, binary, True, reason)
    return {"host": host, "service": binary, "binary": binary, "disabled": True,
            "status": "disabled", "disabled_reason": reason}


def _backend(body: Document) -> str:
    if body.get("cluster"):
        raise NoSuchCluster(body["cluster"])
    if not body.get("host"):
        raise InvalidInput(reason="host: name a backend as host@backend.")
    return str(body["host"])


@api.put("/os-services/freeze", policy="volume:freeze_host", body=_HOST, event="service.update")
def freeze(cinder: Cinder, ctx: Context, body: Document) -> None:
    """Let a backend take no new volume until it is thawed."""
    service_changes.set_frozen(cinder, ctx, _backend(body), True)


@api.put("/os-services/thaw", policy="volume:freeze_host", body=_HOST, event="service.update")
def thaw(cinder: Cinder, ctx: Context, body: Document) -> None:
    """Let a backend that is frozen take new volumes again."""
    service_changes.set_frozen(cinder, ctx, _backend(body), False)


_NOT = "No backend replicates: it only refuses."


@api.put("/os-services/failover_host", policy="volume:failover_host", body=_FAIL, status=202,
         changes_nothing=_NOT)
def failover_host(cinder: Cinder, ctx: Context, body: Document) -> None:
    """Would let a replicated backend go over to its copy: no backend of ours is replicated."""
    service_changes.refuse_failover(cinder, _backend(body))


@api.put("/os-services/failover", policy="volume:failover_host", body=_FAIL, status=202,
         since="3.26", changes_nothing=_NOT)
def failover(cinder: Cinder, ctx: Context, body: Document) -> None:
    """The same by its newer name."""
    service_changes.refuse_failover(cinder, _backend(body))


@api.put("/os-services/set-log", policy=_UPDATE, status=202, since="3.32",
         body=closed(["level"], level=NAME, **_LOG),
         changes_nothing="What a process writes to its log is no resource of the cloud.")
def set_log(cinder: Cinder, ctx: Context, body: Document) -> None:
    """Set how much storage hosts write to their logs, until they start again."""
    log_levels.put(cinder, ctx, body["level"], body.get("binary"), body.get("server"),
                   body.get("prefix"))


@api.put("/os-services/get-log", policy="volume_extension:services:index", since="3.32",
         body=closed(**_LOG), changes_nothing="It only reads.")
def get_log(cinder: Cinder, ctx: Context, body: Document) -> Document:
    """Tell how much storage hosts write to their logs."""
    return {"log_levels": log_levels.read(cinder, ctx, body.get("binary"), body.get("server"),
                                          body.get("prefix"))}
