"""The parts of placement-api, put together."""

import flask

from cairn.common import health
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.core import purge
from cairn.placement.db.models import Periodic
from cairn.placement.policy import RULES
from cairn.placement.settings import Settings

MOUNT = "/placement"


def build(settings: Settings, host: Host) -> flask.Flask:
    """The application. Raises BadSetting."""
    db = host.database(settings.database)
    db.bell = Bell(host.bus(settings.messaging), "placement")
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    placement = make(db, Policy(RULES, settings.policy.file), settings.placement, MOUNT)
    host.periodic().every(settings.purge.interval, db, Periodic, "purge",
                          purge.make(settings, db).run)
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(placement, authenticate, checks)
