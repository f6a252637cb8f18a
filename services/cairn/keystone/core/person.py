"""A user who may log in, as the methods of authentication show it."""

import datetime as dt
from dataclasses import dataclass, field

from cairn.common.api import Document


@dataclass(frozen=True)
class Person:
    """A user who may log in."""

    id: str
    name: str
    domain_id: str
    domain_name: str
    default_project_id: str | None
    password_expires_at: dt.datetime | None
    options: Document = field(default_factory=dict)
    # What a login makes null and void: see compliance.succeeded.
    failures: int = 0
    last_active_at: dt.date | None = None

    @property
    def reference(self) -> Document:
        return {"id": self.id, "name": self.name,
                "domain": {"id": self.domain_id, "name": self.domain_name}}
