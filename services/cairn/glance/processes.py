"""Glance's processes."""

from typing import Any

from cairn.common import health
from cairn.common.policy import Policy, Rule
from cairn.common.process import API, Host, Process
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.core.protections import Protections
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.drivers.file import FileStore
from cairn.glance.policy import RULES
from cairn.glance.settings import Settings


def api(settings: Settings, host: Host) -> Any:
    db = host.database(settings.database)
    store = FileStore(settings.image.folder)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    host.run(Sweeper(db, store))
    protections = Protections(settings.image.property_protection_file,
                              settings.image.property_protection_rule_format)
    # Policies that protections name are the operator's own; one nobody wrote lets nobody pass.
    rules = {**{name: Rule("!") for name in protections.policies}, **RULES}
    glance = Glance(db, Policy(rules, settings.policy.file), store, settings.image, protections)
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(glance, authenticate, checks)


PROCESSES = {
    "glance-api": Process(API, "controller", Settings, api, mount="/image"),
}
