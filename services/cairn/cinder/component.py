"""What cinder's controller processes are made of, handed down to everything they do."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cairn.cinder.neighbours import Cloud
from cairn.cinder.rpc import BACKUP, SCHEDULER, VOLUME, Scheduler, Volume
from cairn.cinder.settings import (
    ApiSettings,
    EncryptionSettings,
    QuotaSettings,
    ServiceSettings,
)
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy


@dataclass(frozen=True)
class Cinder:
    db: Database
    policy: Policy
    scheduler: Scheduler
    volume: Volume
    cloud: Cloud
    api: ApiSettings = field(default_factory=ApiSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    encryption: EncryptionSettings = field(default_factory=EncryptionSettings)
    # Between two looks at what another process does.
    pause: Callable[[float], None] = time.sleep

    def ring(self, ctx: Context, runner: str) -> None:
        """Ring whoever runs such works. After the commit; a lost bell costs a little time only."""
        room, _, host = runner.partition(".")
        if room == SCHEDULER:
            self.scheduler.ring(ctx)
        elif room in (VOLUME, BACKUP):  # Both are one process.
            self.volume.ring(ctx, host=host)
