"""The parts of cinder-api, put together."""

from typing import Any

from cairn.cinder.app import create_app
from cairn.cinder.component import Cinder
from cairn.cinder.neighbours import over_http
from cairn.cinder.policy import RULES
from cairn.cinder.rpc import Scheduler, Volume
from cairn.cinder.settings import ApiProcess
from cairn.common import health
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host


def build(settings: ApiProcess, host: Host) -> Any:
    bus = host.bus(settings.messaging)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    db = host.database(settings.database)
    db.bell = Bell(bus, "cinder")
    cinder = Cinder(
        db=db, policy=Policy(RULES, settings.policy.file), scheduler=Scheduler(bus),
        volume=Volume(bus), cloud=over_http(host.neighbours(settings.identity)), api=settings.api,
        quota=settings.quota, service=settings.service, encryption=settings.encryption,
    )
    checks = {"database": health.database(cinder.db),
              "messaging": health.messaging(listener.server)}
    return create_app(cinder, authenticate, checks)
