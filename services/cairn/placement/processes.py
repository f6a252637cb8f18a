"""Placement's processes."""

from typing import Any

from cairn.common import health
from cairn.common.policy import Policy
from cairn.common.process import API, Host, Process
from cairn.placement.app import create_app
from cairn.placement.component import Placement
from cairn.placement.core.names import Names
from cairn.placement.policy import RULES
from cairn.placement.settings import Settings


def api(settings: Settings, host: Host) -> Any:
    db = host.database(settings.database)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    placement = Placement(db, Policy(RULES, settings.policy.file), Names(db))
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(placement, authenticate, checks)


PROCESSES = {
    "placement-api": Process(API, "controller", Settings, api, mount="/placement"),
}
