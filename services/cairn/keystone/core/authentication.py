"""Who is it? By password or by an earlier token; methods.py has them all."""

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, Unauthorized
from cairn.common.tokens import Token
from cairn.keystone.db.models import Project, User

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone
    from cairn.keystone.core.scopes import Scope

log = logging.getLogger(__name__)

# Tables, not classes: every login asks this, and the ORM would take as long as the database.
_user, _domain = User.__table__.c, Project.__table__.alias("domain").c
_USER = (
    select(
        _user.id, _user.name, _user.enabled, _user.domain_id, _user.default_project_id,
        _user.password_hash, _user.password_expires_at,
        _domain.name.label("domain_name"), _domain.enabled.label("domain_enabled"),
    )
    .where(_domain.id == _user.domain_id)
)
_BY_ID = _USER.where(_user.id == bindparam("id"))
_BY_NAME = _USER.where(_user.name == bindparam("name"), _user.domain_id == bindparam("domain"))
_BY_NAMES = _USER.where(
    _user.name == bindparam("name"), _domain.name == bindparam("domain"), _domain.is_domain
)


@dataclass(frozen=True)
class Person:
    """A user who may log in."""

    id: str
    name: str
    domain_id: str
    domain_name: str
    default_project_id: str | None
    password_hash: str | None
    password_expires_at: dt.datetime | None

    @property
    def reference(self) -> Document:
        return {"id": self.id, "name": self.name,
                "domain": {"id": self.domain_id, "name": self.domain_name}}


@dataclass(frozen=True)
class Proof:
    """What a method has shown: who; the token it came from, the scope it is bound to, if so."""

    person: Person
    token: Token | None = None
    scope: "Scope | None" = None


Method = Callable[["Keystone", Session, Document], Proof]


def refuse(reason: str) -> Unauthorized:
    """The reason is the operator's to read; the caller learns only that it was no good."""
    log.info("authentication refused: %s", reason)
    return Unauthorized()


def lookup(session: Session, wanted: Document) -> Any:
    """The row of the user that {"id"} or {"name", "domain"} means, or None. Raises Invalid."""
    if "id" in wanted:
        return session.execute(_BY_ID, {"id": wanted["id"]}).first()
    domain = wanted.get("domain") or {}
    if "name" not in wanted or not ("id" in domain or "name" in domain):
        raise Invalid(reason="Expecting to find user.id, or user.name and user.domain, in user. "
                             "The server could not comply with the request.")
    if "id" in domain:
        found = session.execute(_BY_NAME, {"name": wanted["name"], "domain": domain["id"]})
    else:
        found = session.execute(_BY_NAMES, {"name": wanted["name"], "domain": domain["name"]})
    return found.first()


def person(row: Any) -> Person:
    """Raises Unauthorized for one who may not log in."""
    if row is None:
        raise refuse("there is no such user")
    if not row.enabled or not row.domain_enabled:
        raise refuse(f"user {row.id} or domain {row.domain_id} is disabled")
    return Person(row.id, row.name, row.domain_id, row.domain_name, row.default_project_id,
                  row.password_hash, row.password_expires_at)


def password(keystone: "Keystone", session: Session, given: Document) -> Proof:
    row = lookup(session, given["user"])
    stored = row.password_hash if row is not None else None
    user_id = row.id if row is not None else ""
    # The password first: who is disabled, or absent, is not told apart by time.
    if not keystone.passwords.right(user_id, stored, given["user"]["password"]):
        raise refuse(f"wrong password for {user_id or given['user'].get('name')}")
    who = person(row)
    if who.password_expires_at is not None and who.password_expires_at <= utcnow():
        raise refuse(f"the password of {who.id} has expired")
    return Proof(who)


def token(keystone: "Keystone", session: Session, given: Document) -> Proof:
    keystone.sweep.once()
    found = keystone.verifier.verify(given["id"])
    return Proof(person(session.execute(_BY_ID, {"id": found.user["id"]}).first()), found)
