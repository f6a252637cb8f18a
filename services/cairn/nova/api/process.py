"""The parts of nova-api, put together."""

from typing import Any

from cairn.common import health
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.nova.app import create_app
from cairn.nova.component import Nova
from cairn.nova.neighbours import over_http
from cairn.nova.policy import RULES
from cairn.nova.rpc import Compute, Conductor
from cairn.nova.settings import ApiProcess


def build(settings: ApiProcess, host: Host) -> Any:
    bus = host.bus(settings.messaging)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    db = host.database(settings.database)
    db.bell = Bell(bus, "nova")
    nova = Nova(
        db=db, policy=Policy(RULES, settings.policy.file),
        conductor=Conductor(bus), compute=Compute(bus),
        cloud=over_http(host.neighbours(settings.identity)), api=settings.api, quota=settings.quota,
        service=settings.service, console=settings.console,
    )
    checks = {"database": health.database(nova.db), "messaging": health.messaging(listener.server)}
    return create_app(nova, authenticate, checks)
