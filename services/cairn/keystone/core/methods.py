"""The methods of authentication, by the names that clients ask for them with.

A method is a function (keystone, session, what the client gave) -> Proof that raises Unauthorized;
METHODS is all there is to do to have one more.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.db import Database, changed
from cairn.common.errors import Invalid, Refused, Unauthorized
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import (
    application_credentials,
    authentication,
    client_address,
    compliance,
    delegations,
    oauth1,
    totp,
)
from cairn.keystone.core.authentication import Method, Proof
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.db.models import Credential
from cairn.keystone.errors import NotKnown, PasswordExpired


def password(
    keystone: Keystone, session: Session, given: Document, *, to_change: bool = False
) -> Proof:
    """`to_change`: an expired one is still good for choosing another."""
    row = authentication.lookup(session, given["user"])
    account, text = authentication.account(row, given["user"]), given["user"]["password"]
    _refuse_locked(keystone, row, account, text)
    stored = row.password_hash if row is not None else None
    user_id = row.id if row is not None else ""
    # The password first: who is disabled, or absent, is not told apart by time.
    if not keystone.passwords.remembers(user_id, stored, text):
        if not authentication.checked(keystone, account, stored, text, user_id):
            if user_id:
                compliance.failed(keystone.db, keystone.compliance, user_id)
            raise refuse(f"wrong password for {user_id or given['user'].get('name')}")
        if compliance.locked_meanwhile(keystone.db, keystone.compliance, user_id):
            raise refuse(f"user {user_id} was locked meanwhile")
    who = authentication.person(keystone, row)
    if compliance.expired(row) and not to_change:
        raise PasswordExpired(id=who.id)
    return Proof(who, stored=stored)


def _refuse_locked(keystone: Keystone, row: Any, account: str, text: str) -> None:
    if row is not None and compliance.locked(keystone.compliance, row):
        # As long as a wrong password takes: a locked account is not told apart either.
        authentication.checked(keystone, account, None, text)
        raise refuse(f"user {row.id} is locked")


def token(keystone: Keystone, session: Session, given: Document) -> Proof:
    """An earlier token: for another scope, and never for longer. Raises NotKnown: a bad one is as
    good as none."""
    keystone.revoked.read()
    try:
        token = keystone.verifier.verify(given["id"])
    except Unauthorized as bad:
        raise NotKnown("token", "it is not valid") from bad
    if delegations.kinds(token):
        raise Refused(reason="A token that was given for a trust, an application credential or "
                             "another delegation gets no other token.")
    row = authentication.lookup(session, {"id": token.user["id"]})
    return Proof(authentication.person(keystone, row), token)


def one_time_passcode(keystone: Keystone, session: Session, given: Document) -> Proof:
    """RFC 6238, with a credential of type "totp"; a passcode works once (section 5.2)."""
    row = authentication.lookup(session, given["user"])
    account = authentication.account(row, given["user"])
    _refuse_locked(keystone, row, account, given["user"]["passcode"])
    with keystone.throttle.attempt(account, client_address.address()) as attempt:
        proof = _passcode(keystone, session, row, given["user"]["passcode"])
        attempt.right = proof is not None
    if proof is not None:
        return proof
    if row is not None:
        compliance.failed(keystone.db, keystone.compliance, row.id)
    raise refuse(f"wrong passcode for {row.id if row is not None else 'a stranger'}")


def _passcode(keystone: Keystone, session: Session, row: Any, code: str) -> Proof | None:
    mine: Iterable[Credential] = [] if row is None else session.scalars(select(Credential).where(
        Credential.user_id == row.id, Credential.type == "totp"
    ))
    back = keystone.authentication.totp_previous_windows
    for credential in mine:
        secret = keystone.encryption.decrypt(credential.blob)
        window = totp.window(secret, code, keystone.clock.now(), back)
        if window is not None and window > (credential.used_window or 0):
            who = authentication.person(keystone, row)
            return Proof(who, spend=partial(_use_passcode, keystone.db, credential.id, window))
    return None


def _use_passcode(db: Database, credential_id: str, window: int) -> None:
    fresh = or_(Credential.used_window.is_(None), Credential.used_window < window)
    with db.writing() as session:
        took = session.execute(
            update(Credential).where(Credential.id == credential_id, fresh)
            .values(used_window=window).execution_options(synchronize_session=False)
        )
        if not changed(took):
            raise refuse("the passcode was used before")


def application_credential(keystone: Keystone, session: Session, given: Document) -> Proof:
    """The secret of an application credential, which has a scope of its own. Raises Unauthorized,
    Invalid, TooManyAttempts, Busy."""
    person, scope = application_credentials.by_secret(keystone, session, given)
    return Proof(person, scope=scope)


METHODS: dict[str, Method] = {
    "password": password,
    "token": token,
    "totp": one_time_passcode,
    "application_credential": application_credential,
    "oauth1": oauth1.by_access_token,
}


def authenticate(
    keystone: Keystone, session: Session, identity: Document
) -> tuple[list[str], list[Proof]]:
    """All the methods that showed it, and what each showed; of one user. Raises Unauthorized."""
    proofs = []
    names = list(dict.fromkeys(identity["methods"]))
    for name in names:
        if name not in identity:
            raise Invalid(reason=f"Invalid input for field/attribute auth.identity. "
                                 f"'{name}' is a required property")
    for name in names:
        method = METHODS.get(name)
        if method is None:
            raise refuse(f"no such method: {name}")
        proofs.append(method(keystone, session, identity[name]))
    if len({proof.person.id for proof in proofs}) != 1:
        raise refuse("there is no method, or they name different users")
    before: list[str] = []
    for proof in proofs:
        if proof.token is not None:
            before += [m for m in proof.token.methods if m not in names]
    return [*names, *before], proofs


def lacking(person: Person, methods: list[str]) -> list[list[str]] | None:
    """None when these methods are enough for this user; else the rules of which they are a part.

    Of a rule only the methods that exist count; a rule with none of them is not one, and without
    a rule any method will do.
    """
    if not person.options.get("multi_factor_auth_enabled", True):
        return None
    rules = [sorted(set(rule) & set(METHODS))
             for rule in person.options.get("multi_factor_auth_rules") or []]
    rules = [rule for rule in rules if rule]
    if not rules or any(set(rule) <= set(methods) for rule in rules):
        return None
    return [rule for rule in rules if set(rule) & set(methods)]


def origin(proofs: list[Proof]) -> Token | None:
    """The token that another is asked for with."""
    return next((proof.token for proof in proofs if proof.token is not None), None)
