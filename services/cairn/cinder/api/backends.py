"""/scheduler-stats/get_pools, /capabilities and /os-availability-zone: what storage there is"""

from cairn.cinder.api.pages import only
from cairn.cinder.api.schemas import Query
from cairn.cinder.component import Cinder
from cairn.cinder.core import backends
from cairn.cinder.policy import RULES
from cairn.cinder.rpc import backend_of
from cairn.common import listing
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)


@api.get("/scheduler-stats/get_pools", policy="scheduler_extension:scheduler_stats:get_pools",
         query=only("detail", "name", "backend_name", "volume_type"))
def get_pools(cinder: Cinder, ctx: Context, query: Query) -> Document:
    """List the pools of every backend; with `detail` what each has and can do."""
    detail = bool(listing.read_flag(query, "detail", False))
    return {"pools": [{"name": name} | ({"capabilities": facts} if detail else {})
                      for name, facts in backends.pools(cinder, ctx, query)]}


@api.get("/capabilities/<host>", policy="volume_extension:capabilities")
def show(cinder: Cinder, ctx: Context, host: str) -> Document:
    """Show what a backend says that it is and can do."""
    facts = backends.capabilities_of(cinder, host)
    return {
        "namespace": f"OS::Storage::Capabilities::{backend_of(host)}",
        "vendor_name": facts.get("vendor_name", ""),
        "volume_backend_name": facts.get("volume_backend_name", ""),
        "pool_name": host.partition("#")[2] or None,
        "driver_version": facts.get("driver_version", ""),
        "storage_protocol": facts.get("storage_protocol", ""), "display_name": None,
        "description": None, "visibility": None, "replication_targets": [],
        "properties": {
            "thin_provisioning": {
                "title": "Thin Provisioning", "type": "boolean",
                "description": "Whether volumes take only the room that is written to."},
            "qos": {"title": "QoS", "type": "boolean",
                    "description": "Whether qos specs of volume types hold."},
        },
    }


@api.get("/os-availability-zone", policy="volume:availability_zone_list")
def zones(cinder: Cinder, ctx: Context) -> Document:
    """List the availability zones that volumes may be in."""
    return {"availabilityZoneInfo": [
        {"zoneName": name, "zoneState": {"available": available}}
        for name, available in sorted(backends.zones(cinder).items())]}
