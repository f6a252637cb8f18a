"""EC2 key pairs: credentials of type "ec2", found by their access key, that sign requests.

Whoever shows a signature of a pair acts by a delegation: with the roles the pair's user has on the
pair's project, or, for a pair that names one, with those of a trust or an application credential.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.errors import Invalid
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import (
    application_credentials,
    authentication,
    scopes,
    signatures,
    tokens,
    trusts,
)
from cairn.keystone.core.changes import Change
from cairn.keystone.core.delegations import EC2
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import ApplicationCredential, Credential, Trust
from cairn.keystone.errors import NotKnown

# The table, not the class: an object store asks this for every request it does not know yet.
_row = Credential.__table__.c
_PAIR = select(_row.id, _row.user_id, _row.project_id, _row.type, _row.blob).where(
    _row.id == bindparam("id")
)
# What a pair is bound to.
BOUNDS = ("trust_id", "app_cred_id", "access_token_id", "access_id")
# Raises ValueError for what cannot be checked: (secret, what the client gave) -> whether it agrees.
Check = Callable[[str, Document], bool]


def row_id(access: str) -> str:
    """The credential's id: it is found by its access key."""
    return hashlib.sha256(access.encode()).hexdigest()


def pair(blob: str) -> Document:
    """What a credential of this type holds. Raises Invalid."""
    try:
        document = orjson.loads(blob)
    except orjson.JSONDecodeError as wrong:
        raise Invalid(reason="Invalid input for field/attribute blob. Invalid blob in credential: "
                             "it must be JSON.") from wrong
    if not isinstance(document, dict) or not isinstance(document.get("access"), str):
        raise Invalid(reason="Invalid input for field/attribute blob. An ec2 credential needs "
                             "an access key.")
    return document


def remove(change: Change, credential: Credential) -> None:
    """And the tokens that were had with it."""
    change.revoke(delegation_id=credential.id)
    change.session.delete(credential)
    change.record("credential", "deleted", credential.id, project_id=credential.project_id)


def signed_request(secret: str, given: Document) -> bool:
    """Whether the request that `given` describes was signed with this secret. Raises ValueError for
    one that cannot be checked."""
    host = str(given.get("host", ""))
    # Some clients leave the port out of what they sign.
    return any(_same(given, signatures.request(secret, given, each))
               for each in dict.fromkeys((host, host.partition(":")[0])))


def signed_string(secret: str, given: Document) -> bool:
    """Whether the string in base64 that `given` has as `token` was signed with this secret. Raises
    Invalid for what is no base64, ValueError for what cannot be checked."""
    try:
        text = base64.urlsafe_b64decode(str(given.get("token", "")))
    except ValueError as wrong:
        raise Invalid(reason="Invalid input for field/attribute credentials.token. It is not "
                             "base64.") from wrong
    return _same(given, signatures.string(secret, text))


def _same(given: Document, signature: str) -> bool:
    return hmac.compare_digest(str(given["signature"]).encode(), signature.encode())


def token(keystone: Keystone, body: Document, check: Check) -> tuple[str, Token]:
    """The token of whoever signed. Raises Unauthorized; NotKnown for an access key nobody has."""
    now = keystone.clock.now()
    given = body.get("credentials") or body.get("credential") or body.get("ec2Credentials") or {}
    if not given.get("access") or not given.get("signature"):
        raise refuse("there is no access key, or no signature")
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
        row = session.execute(_PAIR, {"id": row_id(given["access"])}).first()
        if row is None or row.type != "ec2":
            raise NotKnown("EC2 access key", given["access"])
        held = pair(keystone.encryption.decrypt(row.blob))
        try:
            right = check(str(held.get("secret")), given)
        except ValueError as wrong:
            raise refuse(f"the signature cannot be checked: {wrong}") from wrong
        if not right:
            raise refuse(f"wrong signature of credential {row.id}")
        if check is signed_request:  # Of a string, who asks knows how long it is good.
            _refuse_old(keystone.authentication.signature_age, given, now)
        person, scope = _scope(keystone, session, row, held)
    if scope.spend is not None:
        scope.spend()
    return tokens.mint(keystone, person, scope, [EC2], now)


def _refuse_old(age: int, given: Document, now: float) -> None:
    """A request is good for some minutes after the moment that was signed with it."""
    said = signatures.moments(given)
    if said.made is None and said.ends is None:
        raise refuse("the signature has no moment, and would be good for ever")
    if said.made is not None:
        age = age if said.seconds is None else min(age, int(said.seconds))
        made = _unix(said.made)
        # Clocks differ: one may be ahead as far as the request is good, and no further.
        if not made - age <= now <= made + age:
            raise refuse("the signature is too old, or of the future")
    if said.ends is not None and _unix(said.ends) <= now:
        raise refuse("the signature has expired")


def _unix(text: str) -> float:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise refuse(f"'{text}' is not a moment") from wrong
    return instant.replace(tzinfo=instant.tzinfo or dt.UTC).timestamp()


def _scope(
    keystone: Keystone, session: Session, row: Any, held: Document
) -> tuple[Person, Scope]:
    if held.get("access_token_id"):
        raise refuse(f"credential {row.id} is bound to an OAuth token")
    bound: Any = None
    if held.get("trust_id"):
        bound = session.get(Trust, held["trust_id"])
        owners = {} if bound is None else {
            bound.trustee_user_id, bound.trustor_user_id if bound.impersonation else None}
    elif held.get("app_cred_id"):
        bound = session.get(ApplicationCredential, held["app_cred_id"])
        owners = {} if bound is None else {bound.user_id}
    else:
        return _own_scope(keystone, session, row)
    if bound is None or row.user_id not in owners or row.project_id != bound.project_id:
        raise refuse(f"what credential {row.id} is bound to is gone, or another's")
    if isinstance(bound, ApplicationCredential):
        return application_credentials.scope_of(keystone, session, bound)
    trustee = authentication.lookup(session, {"id": bound.trustee_user_id})
    return trusts.scope_of(
        keystone, session, authentication.person(keystone, trustee), bound.id
    )


def _own_scope(keystone: Keystone, session: Session, row: Any) -> tuple[Person, Scope]:
    user = authentication.lookup(session, {"id": row.user_id})
    person = authentication.person(keystone, user)
    project = scopes.project_row(session, {"id": row.project_id})
    if project is None:
        raise refuse(f"the project of credential {row.id} is gone")
    scope = scopes.of_project(session, keystone.directory.roles, person.id, project)
    if not scope.roles:
        raise refuse(f"user {person.id} has no role on project {row.project_id}")
    return person, Scope(scope.document, scope.roles, scope.is_domain,
                         extra={"delegation_id": row.id})
