"""What keystone is made of: built once when a process starts, handed to all that needs it."""

from dataclasses import dataclass, field

from cairn.common.auth import Revocations
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.common.tokens import Signer, Verifier
from cairn.keystone.providers.clock import Clock
from cairn.keystone.providers.directory import Directory
from cairn.keystone.providers.encryption import Encryption
from cairn.keystone.providers.passwords import Passwords
from cairn.keystone.providers.revocations import RevocationReader
from cairn.keystone.providers.throttle import Throttle
from cairn.keystone.settings import (
    AuthenticationSettings,
    ComplianceSettings,
    OAuth1Settings,
    TokenSettings,
    UnifiedLimitSettings,
)


@dataclass(frozen=True)
class Keystone:
    db: Database
    policy: Policy
    signer: Signer
    # Shared with every other API of the process: what is revoked here is refused there at once.
    verifier: Verifier
    revocations: Revocations
    revoked: RevocationReader
    passwords: Passwords
    directory: Directory
    encryption: Encryption
    tokens: TokenSettings
    throttle: Throttle = field(default_factory=Throttle)
    authentication: AuthenticationSettings = field(default_factory=AuthenticationSettings)
    compliance: ComplianceSettings = field(default_factory=ComplianceSettings)
    oauth1: OAuth1Settings = field(default_factory=OAuth1Settings)
    unified_limit: UnifiedLimitSettings = field(default_factory=UnifiedLimitSettings)

    @property
    def clock(self) -> Clock:
        return self.revoked.clock
