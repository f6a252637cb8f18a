"""What bounds placement's tables: it forgets by itself what nobody needs any more."""

from cairn.common import events
from cairn.common.db import Database
from cairn.common.purge import Purge
from cairn.placement.db.models import Event, EventReader
from cairn.placement.settings import Settings

PROCESS = "placement-api"

_PROVIDER = "goes with its provider"
KEPT = {
    "resource_providers": "the hosts of the cloud, and what is in them",
    "resource_provider_changes": "the last 20,000 to 40,000, pruned by who reads them",
    "resource_classes": "the operator's", "traits": "the operator's",
    "inventories": _PROVIDER, "resource_provider_traits": _PROVIDER,
    "resource_provider_aggregates": _PROVIDER,
    "periodic": "one row for each periodic thing",
    "consumers": "goes with its last allocation", "allocations": "goes with its server",
}


def make(settings: Settings, db: Database, cloud: object = None) -> Purge:
    """What placement-api forgets by itself: old events that all their readers have read."""
    return Purge(db, settings.purge, (events.age(Event, EventReader, settings.purge),))
