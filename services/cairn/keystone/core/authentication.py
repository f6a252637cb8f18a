"""Who is it? How users are looked up, and who of them may log in; methods.py has the ways to show
that one is the user.

A user is looked up in the database, and what is not kept here (a directory, another cloud) has no
other way in: an identity driver of a domain would answer `lookup` for that domain, and its method
of authentication would be one more in methods.METHODS.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import client_address, compliance, domain_names
from cairn.keystone.core.domain_names import DEFAULT
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import Project, User
from cairn.keystone.providers import passwords

# Tables, not classes: every login asks this, and the ORM would take as long as the database.
_user, _domain = User.__table__.c, Project.__table__.alias("domain").c
_USER = (
    select(
        _user.id, _user.name, _user.enabled, _user.domain_id, _user.default_project_id,
        _user.password_hash, _user.password_expires_at, _user.options, _user.failures,
        _user.failed_at, _user.last_active_at, _user.created_at,
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
class Proof:
    """What a method has shown: who; the token it came from, the scope it is bound to, if so."""

    person: Person
    token: Token | None = None
    scope: Scope | None = None
    # Uses the proof up, once all others hold as well. Raises Unauthorized if somebody was faster.
    spend: Callable[[], None] | None = None
    # The hash that a password agreed with: by now the user may have another.
    stored: str | None = None


Method = Callable[[Keystone, Session, Document], Proof]


def checked(
    keystone: Keystone, account: str, stored: str | None, text: str, owner: str = ""
) -> bool:
    """Whether a password or another secret is right; `owner` is whose, if that is known. Raises
    TooManyAttempts of one who guesses, Busy."""
    def check(stored: str, text: str) -> bool:
        with keystone.throttle.attempt(account, client_address.address()) as attempt:
            attempt.right = passwords.agrees(stored, text)
        return attempt.right

    return keystone.passwords.right(owner, stored, text, check)


def account(row: Any, given: Document) -> str:
    """The user's id, or for one there is not the name it was asked for by."""
    if row is not None:
        return str(row.id)
    domain = given.get("domain") or {}
    named = orjson.dumps([given.get("id"), given.get("name"), domain.get("id"), domain.get("name")])
    return hashlib.sha256(named).hexdigest()


def lookup(session: Session, reference: Document) -> Any:
    """The row of the user that {"id"} or {"name", "domain"} means, or None. Raises Invalid."""
    if "id" in reference:
        return session.execute(_BY_ID, {"id": reference["id"]}).first()
    domain = reference.get("domain") or {}
    if "name" not in reference or not ("id" in domain or "name" in domain):
        raise Invalid(reason="Expecting to find user.id, or user.name and user.domain, in user. "
                             "The server could not comply with the request.")
    if "id" in domain:
        result = session.execute(_BY_NAME, {"name": reference["name"], "domain": domain["id"]})
    else:
        names = {"name": reference["name"], "domain": domain["name"]}
        row = session.execute(_BY_NAMES, names).first()
        if row is not None or not domain_names.is_default(session, domain["name"]):
            return row
        result = session.execute(_BY_NAME, {"name": reference["name"], "domain": DEFAULT})
    return result.first()


def person(keystone: Keystone, row: Any) -> Person:
    """The user of a row of `lookup`. Raises Unauthorized for one who may not log in."""
    if row is None:
        raise refuse("there is no such user")
    if not row.enabled or not row.domain_enabled:
        raise refuse(f"user {row.id} or domain {row.domain_id} is disabled")
    if compliance.inactive(keystone.compliance, row):
        raise refuse(f"user {row.id} has not logged in for too long")
    return Person(row.id, row.name, row.domain_id, row.domain_name, row.default_project_id,
                  row.password_expires_at, row.options or {}, row.failures, row.last_active_at)
