"""Glance's processes."""

from typing import Any

from cairn.common import health
from cairn.common.policy import Policy, Rule
from cairn.common.process import API, DATA, WORKER, Host, Process, Room
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.core.known import Known
from cairn.glance.core.protections import Protections
from cairn.glance.core.stores import Stores
from cairn.glance.core.uris import Gate
from cairn.glance.policy import RULES
from cairn.glance.rpc import Worker
from cairn.glance.settings import Settings, WorkerProcess


def api(settings: Settings, host: Host) -> Any:
    db = host.database(settings.database)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    protections = Protections(settings.image.property_protection_file,
                              settings.image.property_protection_rule_format)
    # Policies that protections name are the operator's own; one nobody wrote lets nobody pass.
    rules = {**{name: Rule("!") for name in protections.policies}, **RULES}
    glance = Glance(
        db, Policy(rules, settings.policy.file), settings.image,
        Stores(settings.image, settings.stores, settings.imports, Gate(settings.imports)),
        imports=settings.imports, cache=settings.cache, protections=protections,
        known=Known(settings.image.schema_file),
        worker=Worker(host.bus(settings.messaging)), host=host.name,
        cloud=host.neighbours(settings.identity) if settings.identity.auth_url else None,
    )
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(glance, authenticate, checks)


PROCESSES = {
    "glance-api": Process(API, "controller", Settings, api, mount="/image"),
    # The same, for the bytes: who sends or takes them slowly holds no thread of the other.
    "glance-data": Process(
        API, "controller", Settings, api, mount="/image", pool=DATA,
        paths=("/v2/images/[^/]+/(file|stage)",),
    ),
    "glance-worker": Process(
        WORKER, "controller", WorkerProcess, Room("cairn.glance.worker.process")
    ),
}
