"""What placement is made of."""

from dataclasses import dataclass

from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.placement.core.names import Names
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.settings import CandidateSettings


@dataclass(frozen=True)
class Placement:
    db: Database
    policy: Policy
    names: Names
    # All providers, for candidates and lists.
    snapshot: Snapshot
    candidates: CandidateSettings
    # Where clients find it: what links and locations begin with.
    url: str


def make(
    db: Database, policy: Policy, candidates: CandidateSettings | None = None,
    url: str = "/placement",
) -> Placement:
    names = Names(db)
    return Placement(db, policy, names, Snapshot(db, names), candidates or CandidateSettings(),
                     url)
