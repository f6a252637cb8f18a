"""Tokens: issued, described, validated, ended."""

import base64
import secrets
import time
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused, Unauthorized
from cairn.common.tokens import Token
from cairn.keystone.core import delegations, scopes
from cairn.keystone.core.authentication import Person, Proof, refuse
from cairn.keystone.core.changes import changing, iso
from cairn.keystone.core.methods import authenticate
from cairn.keystone.errors import NotKnown

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone


def issue(keystone: "Keystone", auth: Document) -> tuple[str, Token]:
    """A new token for what `auth` proves, scoped as it asks. Raises Invalid, Unauthorized."""
    # Before anything is read: a revocation that happens meanwhile then covers this token.
    now = time.time()
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
        methods, proof = authenticate(keystone, session, auth["identity"])
        person, scope = _scope(keystone, session, proof, auth.get("scope"))
    ends = [now + keystone.tokens.expiration]
    chain: list[str] = []
    if proof.token is not None:
        # Asking again for a scope never makes a login last longer.
        ends.append(proof.token.expires_at)
        chain = [proof.token.audit_ids[-1]]
    if scope.end is not None:
        ends.append(scope.end)
    extra: Document = dict(scope.extra)
    if scope.is_domain:
        extra["is_domain"] = True
    if person.password_expires_at is not None:
        extra["password_expires_at"] = person.password_expires_at.isoformat()
    token = Token(
        user=person.reference, methods=methods, audit_ids=[_audit_id(), *chain],
        issued_at=now, expires_at=min(ends), scope=scope.document, roles=scope.roles,
        extra=extra,
    )
    return keystone.signer.sign(token), token


def _scope(
    keystone: "Keystone", session: Session, proof: Proof, wanted: Document | str | None
) -> tuple[Person, scopes.Scope]:
    """Whose token it becomes (a trust may change that), and for what."""
    person = proof.person
    if proof.scope is not None:
        if wanted is not None:
            raise refuse("an application credential has its scope")
        return person, proof.scope
    if proof.token is not None and "delegation_id" in proof.token.extra:
        return person, _same_scope(proof.token, wanted)
    if wanted == "unscoped" or (isinstance(wanted, dict) and "unscoped" in wanted):
        return person, scopes.UNSCOPED
    if isinstance(wanted, str):
        raise Invalid(reason=f"Invalid input for field/attribute auth.scope. '{wanted}' is not "
                             "'unscoped'.")
    if wanted is not None and "OS-TRUST:trust" in wanted:
        if len(wanted) != 1:
            raise Invalid(reason="Invalid input for field/attribute auth.scope. A trust has its "
                                 "scope.")
        return delegations.by_trust(keystone, session, person, wanted["OS-TRUST:trust"]["id"])
    graph = keystone.directory.roles
    if wanted is not None:
        return person, scopes.resolve(session, graph, person.id, wanted)
    if person.default_project_id is None:
        return person, scopes.UNSCOPED
    # The default project is a convenience: where it cannot be had the token is unscoped.
    try:
        return person, scopes.resolve(session, graph, person.id,
                                      {"project": {"id": person.default_project_id}})
    except Unauthorized:
        return person, scopes.UNSCOPED


def _same_scope(token: Token, wanted: Document | str | None) -> scopes.Scope:
    """What a token of a delegation becomes when it is used to get another: the same."""
    mine = (token.scope or {}).get("project", {})
    project = wanted.get("project", {}) if isinstance(wanted, dict) else {}
    if wanted is not None and project.get("id", project.get("name")) not in (
        mine.get("id"), mine.get("name")
    ):
        raise Refused(reason="A token that was given for a trust or an application credential "
                             "cannot get one of another scope.")
    return scopes.Scope(token.scope, token.roles, extra=token.extra, end=token.expires_at)


def _audit_id() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def subject(keystone: "Keystone", text: str, *, allow_expired: bool = False) -> Token:
    """The token that is asked about. Raises NotKnown: a bad one is as good as none."""
    try:
        token = keystone.verifier.verify(text, allow_expired=allow_expired)
    except Unauthorized as bad:
        raise NotKnown("token", "it is not valid") from bad
    window = keystone.tokens.allow_expired_window if allow_expired else 0
    if token.expires_at + window <= time.time():
        raise NotKnown("token", "it has expired")
    return token


def view(keystone: "Keystone", token: Token, *, catalog: bool) -> Document:
    """A token as its document. The directory must be fresh where the catalog is asked for."""
    found: Document = {
        "methods": token.methods,
        "user": {**token.user, "password_expires_at": token.extra.get("password_expires_at")},
        "audit_ids": token.audit_ids,
        "expires_at": iso(token.expires_at),
        "issued_at": iso(token.issued_at),
    }
    if delegations.TRUST in token.extra:
        found["OS-TRUST:trust"] = token.extra[delegations.TRUST]
    if delegations.CREDENTIAL in token.extra:
        found["application_credential"] = token.extra[delegations.CREDENTIAL]
    if token.scope is not None:
        found |= token.scope
        found["roles"] = token.roles
        if "project" in token.scope:
            found["is_domain"] = bool(token.extra.get("is_domain"))
        if catalog:
            project_id = (token.scope.get("project") or {}).get("id")
            found["catalog"] = keystone.directory.catalog(project_id, token.user["id"])
    return found


def revoke(keystone: "Keystone", ctx: Context, token: Token) -> None:
    with changing(keystone, ctx) as change:
        change.revoke(audit_id=token.audit_ids[0])


def described(keystone: "Keystone", token: Token, *, catalog: bool) -> Document:
    """As view, with the directory read first if it is needed."""
    if catalog and token.scope is not None:
        with keystone.db.reading() as session:
            keystone.directory.refresh(session)
    return view(keystone, token, catalog=catalog)
