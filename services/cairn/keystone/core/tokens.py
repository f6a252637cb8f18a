"""Tokens: issued, described, validated, ended."""

import base64
import secrets
import time

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused, Unauthorized
from cairn.common.tokens import Token
from cairn.keystone.component import Keystone
from cairn.keystone.core import compliance, delegations, oauth1, receipts, scopes, trusts
from cairn.keystone.core.authentication import Proof
from cairn.keystone.core.changes import changing, iso
from cairn.keystone.core.methods import authenticate, lacking, origin
from cairn.keystone.core.narrowing import NARROW, narrow
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.errors import NotKnown, ScopeRequested


def issue(keystone: Keystone, auth: Document, receipt: str = "") -> tuple[str, Token]:
    """A new token for what `auth` proves, scoped as it asks; `receipt` is of what was proven
    before. Raises Invalid, Unauthorized; FactorsMissing, with a receipt, where that is not enough.
    """
    # Before anything is read: a revocation that happens meanwhile then covers this token.
    now = keystone.clock.now()
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
        methods, proofs = authenticate(keystone, session, auth["identity"])
        who = proofs[0].person
        if receipt:
            methods += [m for m in receipts.methods(keystone, receipt, who) if m not in methods]
        rules = lacking(who, methods)
        if rules is not None:
            _spend(proofs)
            raise receipts.wanting(keystone, who, methods, rules, now)
        person, scope = _scope(keystone, session, proofs, auth.get("scope"))
    if NARROW in auth:
        scope, methods = narrow(scope, methods, auth[NARROW], now)
    _spend(proofs)
    if scope.spend is not None:
        scope.spend()
    compliance.succeeded(keystone.db, keystone.compliance, who)
    return mint(keystone, person, scope, methods, now, origin(proofs))


def _spend(proofs: list[Proof]) -> None:
    for proof in proofs:
        if proof.spend is not None:
            proof.spend()


def mint(
    keystone: Keystone, person: Person, scope: scopes.Scope, methods: list[str], now: float,
    before: Token | None = None,
) -> tuple[str, Token]:
    """The token, signed. Asking again for a scope never makes a login last longer."""
    ends = [now + keystone.tokens.expiration]
    chain: list[str] = []
    if before is not None:
        ends.append(before.expires_at)
        chain = [before.audit_ids[-1]]
    if scope.end is not None:
        ends.append(scope.end)
    extra: Document = dict(scope.extra)
    if scope.is_domain:
        extra["is_domain"] = True
    if person.password_expires_at is not None:
        extra["password_expires_at"] = person.password_expires_at.isoformat(
            timespec="microseconds")
    token = Token(
        user=person.reference, methods=methods, audit_ids=[audit_id(), *chain],
        issued_at=now, expires_at=min(ends), scope=scope.document, roles=scope.roles,
        extra=extra,
    )
    return keystone.signer.sign(token), token


def _scope(
    keystone: Keystone, session: Session, proofs: list[Proof], request: Document | str | None
) -> tuple[Person, scopes.Scope]:
    """Whose token it becomes (a trust may change that), and for what."""
    person = proofs[0].person
    bound = next((proof.scope for proof in proofs if proof.scope is not None), None)
    if bound is not None:
        if request is not None:
            wrong = refuse("a scope was asked for with what has its own")
            raise ScopeRequested if delegations.CREDENTIAL in bound.extra else wrong
        return person, bound
    if request == "unscoped" or (isinstance(request, dict) and "unscoped" in request):
        return person, scopes.UNSCOPED
    if isinstance(request, str):
        raise Invalid(reason=f"Invalid input for field/attribute auth.scope. '{request}' is not "
                             "'unscoped'.")
    if request is not None and "OS-TRUST:trust" in request:
        if len(request) != 1:
            raise Invalid(reason="Invalid input for field/attribute auth.scope. A trust has its "
                                 "scope.")
        return trusts.scope_of(keystone, session, person, request["OS-TRUST:trust"]["id"])
    graph = keystone.directory.roles
    if request is not None:
        before = origin(proofs)
        if before is not None and "system" in (before.scope or {}) and "system" not in request:
            raise Refused(reason="A token of the system's scope gets no other of a project or a "
                                 "domain.")
        return person, scopes.resolve(session, graph, person.id, request)
    if person.default_project_id is None:
        return person, scopes.UNSCOPED
    # The default project is a convenience: where it cannot be had the token is unscoped.
    try:
        return person, scopes.resolve(session, graph, person.id,
                                      {"project": {"id": person.default_project_id}})
    except Unauthorized:
        return person, scopes.UNSCOPED


def audit_id() -> str:
    """A new audit id, as upstream makes them: 16 random bytes in base64 without padding."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def subject(
    keystone: Keystone, text: str, *, allow_expired: bool = False, minds_rules: bool = True
) -> Token:
    """The token that is asked about. Raises NotKnown: a bad one is as good as none, and so is
    one with access rules where who asks does not say that it minds them."""
    try:
        token = keystone.verifier.verify(text, allow_expired=allow_expired)
    except Unauthorized as bad:
        raise NotKnown("token", "it is not valid") from bad
    window = keystone.tokens.allow_expired_window if allow_expired else 0
    if token.expires_at + window <= time.time():
        raise NotKnown("token", "it has expired")
    rules = (token.extra.get(delegations.CREDENTIAL) or {}).get("access_rules")
    if rules is not None and not minds_rules:
        raise NotKnown("token", "it has access rules, which you do not mind")
    return token


def view(keystone: Keystone, token: Token, *, catalog: bool) -> Document:
    """A token as its document. The directory must be fresh where the catalog is asked for."""
    document: Document = {
        "methods": token.methods,
        "user": {**token.user, "password_expires_at": token.extra.get("password_expires_at")},
        "audit_ids": token.audit_ids,
        "expires_at": iso(token.expires_at),
        "issued_at": iso(token.issued_at),
    }
    if delegations.TRUST in token.extra:
        document["OS-TRUST:trust"] = token.extra[delegations.TRUST]
    if oauth1.OAUTH1 in token.extra:
        document[oauth1.OAUTH1] = token.extra[oauth1.OAUTH1]
    if delegations.CREDENTIAL in token.extra:
        document["application_credential"] = token.extra[delegations.CREDENTIAL]
    if token.scope is not None:
        document |= token.scope
        document["roles"] = token.roles
        if "project" in token.scope:
            document["is_domain"] = bool(token.extra.get("is_domain"))
        if catalog:
            project_id = (token.scope.get("project") or {}).get("id")
            document["catalog"] = keystone.directory.catalog(project_id, token.user["id"])
    return document


def revoke(keystone: Keystone, ctx: Context, token: Token, *, cascade: bool = True) -> None:
    """With `cascade`, and all that were got with it: they have its audit id for their chain's."""
    audit = token.audit_ids[0]
    with changing(keystone, ctx) as change:
        if cascade and len(token.audit_ids) == 1:
            change.revoke(audit_chain_id=audit)
        else:
            change.revoke(audit_id=audit)
        change.record("token", "revoked", audit)


def described(keystone: Keystone, token: Token, *, catalog: bool) -> Document:
    """As view, with the directory read first if it is needed."""
    if catalog and token.scope is not None:
        with keystone.db.reading() as session:
            keystone.directory.refresh(session)
    return view(keystone, token, catalog=catalog)
