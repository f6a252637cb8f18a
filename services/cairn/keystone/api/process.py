"""The parts of keystone-api, put together."""

import flask

from cairn.common import health
from cairn.common.auth import Revocations
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.tokens import Signer
from cairn.keystone.app import create_app
from cairn.keystone.component import Keystone
from cairn.keystone.core import compliance, limits, purge
from cairn.keystone.db.models import Periodic
from cairn.keystone.policy import RULES
from cairn.keystone.providers.directory import Directory
from cairn.keystone.providers.encryption import Encryption
from cairn.keystone.providers.passwords import Passwords
from cairn.keystone.providers.revocations import FreshAuthenticator, RevocationReader
from cairn.keystone.providers.throttle import Throttle
from cairn.keystone.settings import ApiSettings


def make_component(settings: ApiSettings, host: Host) -> Keystone:
    """What the process is made of. Raises BadSetting."""
    limits.check_model(settings.unified_limit.enforcement_model)
    compliance.check_settings(settings.security_compliance)
    db, verifier = host.database(settings.database), host.verifier(settings.identity)
    bus = host.bus(settings.messaging)
    db.bell = Bell(bus, "keystone")
    # No token outlives its lifetime and the time that services may still ask about it.
    lifetime = settings.tokens.expiration + settings.tokens.allow_expired_window
    return Keystone(
        db=db,
        policy=Policy(RULES, settings.policy.file),
        signer=Signer(settings.tokens.keys),
        verifier=verifier,
        revocations=Revocations(bus),
        revoked=RevocationReader(db, verifier, lifetime),
        passwords=Passwords(settings.passwords.remember),
        directory=Directory(settings.endpoint_filter.return_all_endpoints_if_no_filter),
        encryption=Encryption(settings.credentials.keys),
        tokens=settings.tokens,
        oauth1=settings.oauth1,
        unified_limit=settings.unified_limit,
        throttle=Throttle(settings.throttle),
        authentication=settings.authentication,
        compliance=settings.security_compliance,
    )


def build(settings: ApiSettings, host: Host) -> flask.Flask:
    """The application. Raises BadSetting."""
    keystone = make_component(settings, host)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    host.periodic().every(settings.purge.interval, keystone.db, Periodic, "purge",
                          purge.make(settings, keystone.db).run)
    return create_app(keystone, FreshAuthenticator(keystone.revoked, authenticate), {
        "database": health.database(keystone.db),
        "messaging": health.messaging(listener.server),
    })
