"""Keystone's process: the API, on controllers."""

from typing import Any

from cairn.common import health
from cairn.common.auth import Revocations
from cairn.common.policy import Policy
from cairn.common.process import API, Host, Process
from cairn.common.tokens import Signer
from cairn.keystone.app import create_app
from cairn.keystone.component import Keystone
from cairn.keystone.core.changes import Sweep
from cairn.keystone.core.directory import Directory
from cairn.keystone.core.passwords import Passwords
from cairn.keystone.core.vault import Vault
from cairn.keystone.policy import RULES
from cairn.keystone.settings import ApiSettings


def component(settings: ApiSettings, host: Host) -> Keystone:
    return Keystone(
        db=host.database(settings.database),
        policy=Policy(RULES, settings.policy.file),
        signer=Signer(settings.tokens.keys),
        verifier=host.verifier(settings.identity),
        revocations=Revocations(host.bus(settings.messaging)),
        passwords=Passwords(settings.passwords.remember),
        directory=Directory(),
        vault=Vault(settings.credentials.keys),
        tokens=settings.tokens,
    )


def api(settings: ApiSettings, host: Host) -> Any:
    keystone = component(settings, host)
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    # No token outlives its lifetime and the time that services may still ask about it.
    lifetime = settings.tokens.expiration + settings.tokens.allow_expired_window
    host.run(Sweep(keystone.db, keystone.verifier, lifetime))
    return create_app(keystone, authenticate, {
        "database": health.database(keystone.db),
        "messaging": health.messaging(listener.server),
    })


PROCESSES = {
    "keystone-api": Process(
        pack=API, group="controller", settings=ApiSettings, build=api, mount="/identity"
    ),
}
