"""Keystone's process: the API, on controllers."""

from typing import Any

from cairn.common import health
from cairn.common.auth import Revocations
from cairn.common.policy import Policy
from cairn.common.process import API, IDENTITY, Host, Process
from cairn.common.tokens import Signer
from cairn.keystone.app import create_app
from cairn.keystone.component import Keystone
from cairn.keystone.core import compliance, limits, purge
from cairn.keystone.core.changes import FreshAuthenticator, Sweep
from cairn.keystone.core.directory import Directory
from cairn.keystone.core.passwords import Passwords
from cairn.keystone.core.throttle import Throttle
from cairn.keystone.core.vault import Vault
from cairn.keystone.db.models import Periodic
from cairn.keystone.policy import RULES
from cairn.keystone.settings import ApiSettings


def component(settings: ApiSettings, host: Host) -> Keystone:
    limits.check_model(settings.unified_limit.enforcement_model)
    compliance.check_settings(settings.security_compliance)
    db, verifier = host.database(settings.database), host.verifier(settings.identity)
    # No token outlives its lifetime and the time that services may still ask about it.
    lifetime = settings.tokens.expiration + settings.tokens.allow_expired_window
    return Keystone(
        db=db,
        policy=Policy(RULES, settings.policy.file),
        signer=Signer(settings.tokens.keys),
        verifier=verifier,
        revocations=Revocations(host.bus(settings.messaging)),
        sweep=Sweep(db, verifier, lifetime),
        passwords=Passwords(settings.passwords.remember),
        directory=Directory(settings.endpoint_filter.return_all_endpoints_if_no_filter),
        vault=Vault(settings.credentials.keys),
        tokens=settings.tokens,
        oauth1=settings.oauth1,
        unified_limit=settings.unified_limit,
        throttle=Throttle(settings.throttle),
        authentication=settings.authentication,
        compliance=settings.security_compliance,
    )


def api(settings: ApiSettings, host: Host) -> Any:
    keystone = component(settings, host)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    host.run(keystone.sweep)
    host.periodic().every(settings.purge.interval, keystone.db, Periodic, "purge",
                          purge.make(settings, keystone.db).run)
    return create_app(keystone, FreshAuthenticator(keystone.sweep, authenticate), {
        "database": health.database(keystone.db),
        "messaging": health.messaging(listener.server),
    })


PROCESSES = {
    "keystone-api": Process(
        pack=API, group="controller", settings=ApiSettings, build=api, mount="/identity",
        # It alone may read what tokens are signed and credentials encrypted with.
        pool=IDENTITY,
    ),
}
