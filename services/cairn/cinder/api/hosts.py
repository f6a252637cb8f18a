"""/os-hosts: the older view of cinder's processes"""

from typing import Any

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import Query, closed
from cairn.cinder.component import Cinder
from cairn.cinder.core import backends, service_changes, services
from cairn.cinder.core.values import stamp
from cairn.cinder.policy import RULES
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)

POLICY = "volume_extension:hosts"


def view(cinder: Cinder, row: Any) -> Document:
    """As the list shows it."""
    return {
        "host_name": row.host, "service": row.binary, "zone": row.zone,
        "service-status": "available" if services.up(row, cinder.service) else "unavailable",
        "service-state": "disabled" if row.disabled else "enabled",
        "last-update": stamp(row.seen_at),
    }


@api.get("/os-hosts", policy=POLICY, query=only("zone"))
def index(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List cinder's processes by host; of cinder-volume one for each backend."""
    listed = service_changes.index(cinder, zone=listing.read_value(query, "zone"))
    return {"hosts": [view(cinder, row) for row in listed]}


@api.get("/os-hosts/<host>", policy=POLICY)
def show(cinder: Cinder, ctx: Context, host: str) -> Document:
    """Show how much is on a backend, in all and by project."""
    return {"host": [{"resource": total} for total in backends.totals(cinder, host)]}


@api.put("/os-hosts/<host>", policy=POLICY, event="service.update",
         body=closed(["status"], status={"enum": ["enable", "disable"]}))
def change(cinder: Cinder, ctx: Context, host: str, body: Document) -> Document:
    """Enable or disable a backend."""
    disabled = body["status"] == "disable"
    service_changes.set_disabled(cinder, ctx, host, services.VOLUME, disabled)
    return {"host": host, "status": "disabled" if disabled else "enabled"}
