"""Placement's settings, /etc/cairn/api/placement-api.conf."""

from dataclasses import dataclass

from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
    PolicySettings,
    PurgeSettings,
    option,
    section,
)


@dataclass(frozen=True)
class CandidateSettings:
    randomize_allocation_candidates: bool = option(
        True, "Whether candidates come in another order each time, so that schedulers that ask "
              "at once for a few of many hosts do not all get the same ones.")
    max_allocation_candidates: int = option(
        100_000, "The most candidates that are ever made for one request; -1 for any number.")


@dataclass(frozen=True)
class Settings:
    database: DatabaseSettings = section(DatabaseSettings)
    messaging: MessagingSettings = section(MessagingSettings)
    identity: IdentitySettings = section(IdentitySettings)
    policy: PolicySettings = section(PolicySettings)
    purge: PurgeSettings = section(PurgeSettings)
    placement: CandidateSettings = section(CandidateSettings)
