"""Glance's processes."""

from typing import Any

from cairn.common import health
from cairn.common.policy import Policy
from cairn.common.process import API, Host, Process
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.drivers.file import FileStore
from cairn.glance.policy import RULES
from cairn.glance.settings import Settings


def api(settings: Settings, host: Host) -> Any:
    db = host.database(settings.database)
    store = FileStore(settings.image.folder)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    host.run(Sweeper(db, store))
    glance = Glance(db, Policy(RULES, settings.policy.file), store, settings.image)
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(glance, authenticate, checks)


PROCESSES = {
    "glance-api": Process(API, "controller", Settings, api, mount="/image"),
}
