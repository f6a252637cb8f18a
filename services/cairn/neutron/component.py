"""What neutron is made of: built once when a process starts, handed to everything that needs it."""

from dataclasses import dataclass, field

from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.neutron.rpc import Agent
from cairn.neutron.settings import NetworkSettings, QuotaSettings


@dataclass(frozen=True)
class Neutron:
    db: Database
    policy: Policy
    agents: Agent
    settings: NetworkSettings = field(default_factory=NetworkSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
