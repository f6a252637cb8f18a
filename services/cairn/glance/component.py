"""What glance is made of."""

from dataclasses import dataclass, field

from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import Protections
from cairn.glance.rpc import Worker
from cairn.glance.settings import CacheSettings, ImageSettings, ImportSettings, PropertySchemas


@dataclass(frozen=True)
class Glance:
    db: Database
    policy: Policy
    settings: ImageSettings
    stores: Stores
    imports: ImportSettings = field(default_factory=ImportSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    protections: Protections = field(default_factory=Protections)
    property_schemas: PropertySchemas = field(default_factory=PropertySchemas)
    # None where nothing runs beside (tests).
    worker: Worker | None = None
    cloud: Neighbours | None = None
    host: str = "localhost"

    def ring(self, ctx: Context) -> None:
        """Tell the worker that there may be work. After the commit."""
        if self.worker is not None:
            self.worker.ring(ctx)
