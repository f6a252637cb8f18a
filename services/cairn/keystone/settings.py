"""Keystone's settings, /etc/cairn/api/keystone-api.conf."""

from dataclasses import dataclass

from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
    PolicySettings,
    option,
    section,
)


@dataclass(frozen=True)
class TokenSettings:
    keys: str = option(
        "/etc/cairn/keys/token", "Folder of the private keys (*.key) that tokens are signed with."
    )
    expiration: int = option(3600, "Seconds that a token is valid.")
    allow_expired_window: int = option(
        172800, "Seconds after its end that a service may still validate a token (allow_expired)."
    )


@dataclass(frozen=True)
class PasswordSettings:
    remember: int = option(
        300, "Seconds that a password found right is not hashed again by the same process."
    )


@dataclass(frozen=True)
class CredentialSettings:
    keys: str = option(
        "/etc/cairn/keys/credential",
        "Folder of the keys (*.key) that stored credentials are encrypted with; bootstrap makes "
        "the first one.",
    )


@dataclass(frozen=True)
class ApiSettings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    tokens: TokenSettings = section(TokenSettings)
    passwords: PasswordSettings = section(PasswordSettings)
    credentials: CredentialSettings = section(CredentialSettings)
