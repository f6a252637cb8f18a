"""Tokens: issued, described, validated, ended."""

import base64
import secrets
import time
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Unauthorized
from cairn.common.tokens import Token
from cairn.keystone.core import scopes
from cairn.keystone.core.authentication import Person, authenticate
from cairn.keystone.core.changes import changing, iso
from cairn.keystone.errors import NotKnown

if TYPE_CHECKING:
    from cairn.keystone.component import Keystone


def issue(keystone: "Keystone", auth: Document) -> tuple[str, Token]:
    """A new token for what `auth` proves, scoped as it asks. Raises Invalid, Unauthorized."""
    # Before anything is read: a revocation that happens meanwhile then covers this token.
    now = time.time()
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
        person, methods, origin = authenticate(keystone, session, auth["identity"])
        scope = _scope(keystone, session, person, auth.get("scope"))
    expires_at = now + keystone.tokens.expiration
    chain: list[str] = []
    if origin is not None:
        # Asking again for a scope never makes a login last longer.
        expires_at = min(expires_at, origin.expires_at)
        chain = [origin.audit_ids[-1]]
    extra: Document = {}
    if scope.is_domain:
        extra["is_domain"] = True
    if person.password_expires_at is not None:
        extra["password_expires_at"] = person.password_expires_at.isoformat()
    token = Token(
        user=person.reference, methods=methods, audit_ids=[_audit_id(), *chain],
        issued_at=now, expires_at=expires_at, scope=scope.document, roles=scope.roles,
        extra=extra,
    )
    return keystone.signer.sign(token), token


def _scope(
    keystone: "Keystone", session: Session, person: Person, wanted: Document | str | None
) -> scopes.Scope:
    graph = keystone.directory.roles
    if wanted == "unscoped" or (isinstance(wanted, dict) and "unscoped" in wanted):
        return scopes.UNSCOPED
    if isinstance(wanted, str):
        raise Invalid(reason=f"Invalid input for field/attribute auth.scope. '{wanted}' is not "
                             "'unscoped'.")
    if wanted is not None:
        return scopes.resolve(session, graph, person.id, wanted)
    if person.default_project_id is None:
        return scopes.UNSCOPED
    # The default project is a convenience: where it cannot be had the token is unscoped.
    try:
        return scopes.resolve(session, graph, person.id,
                              {"project": {"id": person.default_project_id}})
    except Unauthorized:
        return scopes.UNSCOPED


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
