"""What glance is made of."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.core.content import Expected, words
from cairn.glance.core.known import Known
from cairn.glance.core.protections import Protections
from cairn.glance.core.stores import Stores
from cairn.glance.rpc import Worker
from cairn.glance.settings import CacheSettings, ImageSettings, ImportSettings

if TYPE_CHECKING:
    from cairn.common.client import Neighbours


@dataclass(frozen=True)
class Glance:
    db: Database
    policy: Policy
    settings: ImageSettings
    stores: Stores
    imports: ImportSettings = field(default_factory=ImportSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    protections: Protections = field(default_factory=Protections)
    known: Known = field(default_factory=Known)
    # None where nothing runs beside (tests).
    worker: Worker | None = None
    cloud: "Neighbours | None" = None
    host: str = "localhost"

    def expected(self, disk_format: str | None, container_format: str | None) -> Expected:
        return Expected(
            disk_format or "", container_format or "", strict=self.settings.check_content,
            nonfatal=words(self.settings.gpt_checks_nonfatal),
            unchecked=words(self.settings.unchecked_containers),
        )
