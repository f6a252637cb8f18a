"""What placement is made of."""

from dataclasses import dataclass

from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.placement.core.names import Names


@dataclass(frozen=True)
class Placement:
    db: Database
    policy: Policy
    # Resource classes and traits by name: they are few and never renamed.
    names: Names
