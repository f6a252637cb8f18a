"""Keystone's settings, /etc/cairn/api/keystone-api.conf."""

from dataclasses import dataclass

from cairn.common import settings as common
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
class AuthenticationSettings:
    receipt_expiration: int = option(
        300, "Seconds that a user has to bring the other factors that a login needs."
    )
    totp_previous_windows: int = option(
        1, "How many 30 second windows ago a one-time passcode may be from."
    )
    signature_age: int = option(
        900, "Seconds that a request signed with an EC2 key pair is good for."
    )
    application_credentials: int = option(
        -1, "How many application credentials a user may have; -1: any number."
    )


@dataclass(frozen=True)
class ThrottleSettings:
    """How many wrong passwords, passcodes and secrets at once, and how many seconds until one more;
    0: any number. Each process counts for itself."""

    account_failures: int = option(10, "For one account, from one address.")
    account_pause: float = option(30, "Seconds until one more.")
    address_failures: int = option(60, "From one address (of IPv6: one /64), for any account.")
    address_pause: float = option(2, "Seconds until one more.")
    everywhere_failures: int = option(
        100, "For one account, from all addresses it has not logged in from lately."
    )
    everywhere_pause: float = option(5, "Seconds until one more.")


@dataclass(frozen=True)
class ComplianceSettings:
    """What PCI DSS asks of passwords and accounts, under the names operators know; all off."""

    lockout_failure_attempts: int = option(
        0, "After how many wrong passwords or passcodes in a row an account is locked; 0: never."
    )
    lockout_duration: int = option(
        1800, "Seconds that a locked account stays locked; 0: until an admin enables the user."
    )
    disable_user_account_days_inactive: int = option(
        0, "After how many days without a login a user counts as disabled; 0: never."
    )
    password_expires_days: int = option(0, "Days that a new password is good for; 0: for ever.")
    unique_last_password_count: int = option(
        0, "How many of a user's last passwords, the current one included, the user may not choose "
           "again; 0: any may be."
    )
    minimum_password_age: int = option(
        0, "Days that a password one chose oneself must be kept; 0: none."
    )
    password_regex: str = option(
        "", "Regular expression that a new password must match from its beginning on; empty: any "
            "will do."
    )
    password_regex_description: str = option(
        "", "What password_regex asks for, in words for those whose password it refuses."
    )
    change_password_upon_first_use: bool = option(
        False, "Whether users must change a password that an admin gave them before it is good."
    )


@dataclass(frozen=True)
class CredentialSettings:
    keys: str = option(
        "/etc/cairn/keys/credential",
        "Folder of the keys (*.key) that stored credentials are encrypted with; bootstrap makes "
        "the first one.",
    )


@dataclass(frozen=True)
class OAuth1Settings:
    request_token_duration: int = option(
        28800, "Seconds that a request token waits for its authorization; 0: for ever."
    )
    access_token_duration: int = option(
        86400, "Seconds that an access token is good for; 0: for ever."
    )


@dataclass(frozen=True)
class EndpointFilterSettings:
    return_all_endpoints_if_no_filter: bool = option(
        True, "Whether a project that is tied to no endpoint has all of them in its catalog, or "
              "none."
    )


@dataclass(frozen=True)
class UnifiedLimitSettings:
    enforcement_model: str = option(
        "flat", "How limits of a project and of those below it go together: flat (not at all) or "
                "strict_two_level (children may not have more than their parent)."
    )


@dataclass(frozen=True)
class PurgeSettings(common.PurgeSettings):
    expired_days: float = option(
        30.0, "Days that expired trusts, application credentials and OAuth tokens are kept; 0: for "
              "ever."
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
    oauth1: OAuth1Settings = section(OAuth1Settings)
    endpoint_filter: EndpointFilterSettings = section(EndpointFilterSettings)
    unified_limit: UnifiedLimitSettings = section(UnifiedLimitSettings)
    authentication: AuthenticationSettings = section(AuthenticationSettings)
    throttle: ThrottleSettings = section(ThrottleSettings)
    security_compliance: ComplianceSettings = section(ComplianceSettings)
    purge: PurgeSettings = section(PurgeSettings)
