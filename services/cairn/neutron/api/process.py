"""The parts of neutron-api, put together."""

from typing import Any

from cairn.common import health
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.neutron.app import create_app
from cairn.neutron.component import Neutron
from cairn.neutron.policy import RULES
from cairn.neutron.rpc import Agent
from cairn.neutron.settings import ApiSettings


def build(settings: ApiSettings, host: Host) -> Any:
    bus = host.bus(settings.messaging)
    neutron = Neutron(
        db=host.database(settings.database), policy=Policy(RULES, settings.policy.file),
        agents=Agent(bus), settings=settings.network, quota=settings.quota,
    )
    neutron.db.bell = Bell(bus, "neutron")
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    checks = {"database": health.database(neutron.db),
              "messaging": health.messaging(listener.server)}
    return create_app(neutron, authenticate, checks)
