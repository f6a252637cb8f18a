"""/os-availability-zone"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.nova.api.views import micro
from cairn.nova.component import Nova
from cairn.nova.core import hosts, services
from cairn.nova.policy import RULES

api = Api(RULES)


@api.get("/os-availability-zone", policy="os_compute_api:os-availability-zone:list")
def index(nova: Nova, ctx: Context) -> Document:
    """List availability zones of compute hosts; one is available while a host of it is enabled."""
    available: dict[str, bool] = {}
    for placed in services.list_services(nova, binary=hosts.COMPUTE):
        enabled = not placed.service.disabled
        available[placed.zone] = available.get(placed.zone, False) or enabled
    return {"availabilityZoneInfo": [
        {"zoneName": zone, "zoneState": {"available": ready}, "hosts": None}
        for zone, ready in sorted(available.items())
    ]}


@api.get("/os-availability-zone/detail", policy="os_compute_api:os-availability-zone:detail")
def detail(nova: Nova, ctx: Context) -> Document:
    """List all zones, the internal one too, with each host's services and whether they are up."""
    zones: dict[str, Any] = {}
    for placed in services.list_services(nova):
        service = placed.service
        zones.setdefault(placed.zone, {}).setdefault(service.host, {})[service.binary] = {
            "available": hosts.up(service, nova.service), "active": not service.disabled,
            "updated_at": micro(service.seen_at),
        }
    return {"availabilityZoneInfo": [
        {"zoneName": zone, "zoneState": {"available": True}, "hosts": members}
        for zone, members in sorted(zones.items())
    ]}
