"""What nova's controller processes are made of, handed down to everything they do."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.nova.neighbours import Cloud
from cairn.nova.rpc import CONDUCTOR, Compute, Conductor
from cairn.nova.settings import ApiSettings, ConsoleSettings, QuotaSettings, ServiceSettings


@dataclass(frozen=True)
class Nova:
    db: Database
    policy: Policy
    conductor: Conductor
    compute: Compute
    cloud: Cloud
    api: ApiSettings = field(default_factory=ApiSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    # Between two looks at what another process does.
    pause: Callable[[float], None] = time.sleep

    def ring(self, ctx: Context, runner: str) -> None:
        """Ring whoever runs such works. After the commit; a lost bell costs a little time only."""
        if runner == CONDUCTOR:
            self.conductor.ring(ctx)
        elif runner.startswith("compute."):
            self.compute.ring(ctx, host=runner.removeprefix("compute."))
