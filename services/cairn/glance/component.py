"""What glance is made of."""

from dataclasses import dataclass, field

from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.core.protections import Protections
from cairn.glance.drivers.base import Store
from cairn.glance.settings import ImageSettings


@dataclass(frozen=True)
class Glance:
    db: Database
    policy: Policy
    store: Store
    settings: ImageSettings
    protections: Protections = field(default_factory=Protections)
