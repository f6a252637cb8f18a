"""The parts of glance-api and glance-data, put together."""

import flask

from cairn.common import health
from cairn.common.events import Bell
from cairn.common.policy import Policy, Rule
from cairn.common.process import Host
from cairn.glance.app import create_app
from cairn.glance.component import Glance, PropertySchemas
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import RULES, Protections
from cairn.glance.rpc import Worker
from cairn.glance.settings import Settings


def build(settings: Settings, host: Host) -> flask.Flask:
    """The application. Raises BadSetting."""
    db = host.database(settings.database)
    db.bell = Bell(host.bus(settings.messaging), "glance")
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    protections = Protections(settings.image.property_protection_file,
                              settings.image.property_protection_rule_format)
    # Policies that protections name are the operator's own; one nobody wrote lets nobody pass.
    rules = {**{name: Rule("!") for name in protections.policies}, **RULES}
    glance = Glance(
        db, Policy(rules, settings.policy.file), settings.image,
        Stores(settings.image, settings.stores, settings.imports, Gate(settings.imports)),
        imports=settings.imports, cache=settings.cache, protections=protections,
        property_schemas=PropertySchemas(settings.image.schema_file),
        worker=Worker(host.bus(settings.messaging)), host=host.name,
        cloud=host.neighbours(settings.identity) if settings.identity.auth_url else None,
    )
    checks = {"database": health.database(db), "messaging": health.messaging(listener.server)}
    return create_app(glance, authenticate, checks)
