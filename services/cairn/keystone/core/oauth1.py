"""OAuth 1.0a (RFC 5849): a program asks, a user says yes, the program acts for the user.

Signatures are checked by oauthlib; what is kept, and who may what, is here. Upstream's order of
events: consumer, request token, authorization with a verifier, access token, login with it.
"""

import datetime as dt
import hashlib
import secrets
from functools import partial
from typing import Any

from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import Database, changed, new_hex_id, utcnow
from cairn.common.errors import Invalid, Unauthorized
from cairn.common.listing import Part, Query
from cairn.keystone.component import Keystone
from cairn.keystone.core import authentication, delegations, projects, rows, scopes
from cairn.keystone.core.attributes import merge_extra, refuse_new_id
from cairn.keystone.core.authentication import Proof
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import Role
from cairn.keystone.db.oauth1 import AccessToken, Consumer, Nonce, RequestToken
from cairn.keystone.errors import NotKnown

OAUTH1 = "OS-OAUTH1"
MANDATORY = ("oauth_signature", "oauth_signature_method", "oauth_nonce", "oauth_timestamp")
# Seconds; oauthlib refuses what says it is 600 old, or as much of the future.
REMEMBERED = 1800
OWN = {"id", "secret", "description", "links"}
QUERY = filters({})
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class _Known(RequestValidator):  # type: ignore[misc]
    """Answers oauthlib with the secrets of the one consumer and token a request is of."""

    enforce_ssl = False  # The proxy ends TLS: the request itself came without.
    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512")
    dummy_client = "nobody"

    def __init__(self, consumer_secret: str, token_secret: str) -> None:
        super().__init__()
        self.consumer_secret, self.token_secret = consumer_secret, token_secret

    def check_client_key(self, client_key: str) -> bool:
        return True  # It was looked up before.

    def check_nonce(self, nonce: str) -> bool:
        return 0 < len(nonce) <= 255

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return True

    def validate_timestamp_and_nonce(self, *args: Any, **more: Any) -> bool:
        # oauthlib has refused what is older than ten minutes; a request token works once.
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self.consumer_secret

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.token_secret


class Signed:
    """A request as it came: where to, and the Authorization header's parameters."""

    def __init__(self, url: str, authorization: str | None) -> None:
        if not authorization or not authorization.lower().startswith("oauth "):
            raise Invalid(reason="The Authorization header with OAuth parameters is required.")
        self.url, self.authorization = url, authorization
        try:
            self.parameters = dict(parse_authorization_header(authorization))
        except ValueError as wrong:
            raise Invalid(reason=f"Malformed Authorization header: {wrong}") from wrong

    def __getitem__(self, name: str) -> str:
        """Raises Invalid where it is not given."""
        value: str | None = self.parameters.get(name)
        if not value:
            raise Invalid(reason=f"Expecting to find {name} in request. The server could not "
                                 "comply with the request.")
        return value

    @property
    def once(self) -> str:
        """What no two requests of the same program and token have in common."""
        names = ("oauth_consumer_key", "oauth_token", "oauth_timestamp", "oauth_nonce")
        return hashlib.sha256("\n".join(self[name] for name in names).encode()).hexdigest()

    def check(self, consumer_secret: str, token_secret: str = "") -> None:
        """Raises Unauthorized unless it was signed with these."""
        for name in MANDATORY:
            self[name]
        endpoint = SignatureOnlyEndpoint(_Known(consumer_secret, token_secret))
        try:
            right, _ = endpoint.validate_request(
                self.url, "POST", None, {"Authorization": self.authorization}
            )
        except ValueError as wrong:  # What cannot be read as an OAuth request.
            raise Invalid(reason=f"Malformed OAuth request: {wrong}") from wrong
        if not right:
            raise refuse("an OAuth signature is wrong")


def create_consumer(keystone: Keystone, ctx: Context, request: Document) -> tuple[Consumer, str]:
    """The consumer, and its secret, which is told this once."""
    secret = new_hex_id()
    with changing(keystone, ctx) as change:
        consumer = Consumer(
            secret=keystone.encryption.encrypt(secret), description=request.get("description"),
            extra=merge_extra({}, request, OWN),
        )
        change.add("OS-OAUTH1:consumer", consumer)
    return consumer, secret


def list_consumers(keystone: Keystone, query: Query) -> Part:
    """A page of consumers. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(Consumer), query, {}, Consumer.id)


def get_consumer(keystone: Keystone, consumer_id: str) -> Consumer:
    """A consumer. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, Consumer, consumer_id)


def update_consumer(
    keystone: Keystone, ctx: Context, consumer_id: str, request: Document
) -> Consumer:
    """Change a consumer. Raises NotKnown, Invalid."""
    with changing(keystone, ctx) as change:
        consumer = rows.lock(change.session, Consumer, consumer_id)
        refuse_new_id(request, consumer_id)
        if "description" in request:
            consumer.description = request["description"]
        consumer.extra = merge_extra(consumer.extra, request, OWN)
        change.record("OS-OAUTH1:consumer", "updated", consumer_id)
    return consumer


def delete_consumer(keystone: Keystone, ctx: Context, consumer_id: str) -> None:
    """With all that it was given. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        row = rows.get(change.session, Consumer, consumer_id)
        given = select(AccessToken.id).where(AccessToken.consumer_id == consumer_id)
        for token_id in change.session.scalars(given):
            change.revoke(delegation_id=token_id)
        change.session.delete(row)
        change.record("OS-OAUTH1:consumer", "deleted", consumer_id)


def request(
    keystone: Keystone, ctx: Context, signed: Signed, project_id: str | None
) -> tuple[str, Document]:
    """A request token's secret, and what it is."""
    consumer_id = signed["oauth_consumer_key"]
    if not project_id:
        raise Invalid(reason="The Requested-Project-Id header is required.")
    with changing(keystone, ctx) as change:
        session = change.session
        projects.find(session, project_id)
        asking = rows.get(session, Consumer, consumer_id)
        signed.check(keystone.encryption.decrypt(asking.secret))
        secret = new_hex_id()
        token = RequestToken(
            secret=keystone.encryption.encrypt(secret), consumer_id=consumer_id,
            project_id=project_id, expires_at=_end(keystone.oauth1.request_token_duration),
        )
        change.add("OS-OAUTH1:request_token", token, project_id=project_id)
        session.execute(delete(RequestToken).where(RequestToken.expires_at < utcnow()))
    return secret, {"id": token.id, "expires_at": token.expires_at}


def _end(seconds: int) -> dt.datetime | None:
    return utcnow() + dt.timedelta(seconds=seconds) if seconds > 0 else None


def _request_token(session: Session, token_id: str) -> RequestToken:
    token = session.get(RequestToken, token_id)
    if token is None:
        raise NotKnown("request token", token_id)
    if token.expires_at is not None and token.expires_at <= utcnow():
        raise refuse("the request token has expired")
    return token


def authorize(
    keystone: Keystone, ctx: Context, token_id: str, roles: list[Document]
) -> str:
    """The caller says yes with these roles; the verifier to tell the program."""
    delegations.refuse_delegated(keystone, ctx)
    with changing(keystone, ctx) as change:
        session = change.session
        keystone.directory.refresh(session)
        token = _request_token(session, token_id)
        role_ids = {role.id for role in delegations.roles_named(session, roles, "roles")}
        held = delegations.held(session, keystone.directory.roles, ctx.user_id, token.project_id)
        if not role_ids <= set(held):
            raise refuse("the authorizing user does not have every role")
        token.user_id, token.role_ids = ctx.user_id, sorted(role_ids)
        token.verifier = "".join(secrets.choice(LETTERS) for _ in range(8))
        change.record("OS-OAUTH1:request_token", "updated", token_id, project_id=token.project_id)
    return token.verifier


def exchange(keystone: Keystone, ctx: Context, signed: Signed) -> tuple[str, Document]:
    """An authorized request token's end: the access token's secret, and what it is."""
    consumer_id, token_id = signed["oauth_consumer_key"], signed["oauth_token"]
    verifier = signed["oauth_verifier"]
    with changing(keystone, ctx) as change:
        session = change.session
        asked = _request_token(session, token_id)
        asking = session.get(Consumer, consumer_id)
        if asking is None or asked.consumer_id != consumer_id:
            raise refuse("the request token is of another consumer")
        decrypt = keystone.encryption.decrypt
        signed.check(decrypt(asking.secret), decrypt(asked.secret))
        if asked.user_id is None or not secrets.compare_digest(
            (asked.verifier or "").encode(), verifier.encode()
        ):
            raise refuse("the request token is not authorized, or the verifier is wrong")
        used = session.execute(delete(RequestToken).where(RequestToken.id == token_id))
        if not changed(used):
            raise Unauthorized  # Somebody else was as fast with the same token.
        session.execute(delete(AccessToken).where(AccessToken.expires_at < utcnow()))
        secret = new_hex_id()
        token = AccessToken(
            secret=keystone.encryption.encrypt(secret), consumer_id=consumer_id,
            project_id=asked.project_id, user_id=asked.user_id, role_ids=asked.role_ids,
            expires_at=_end(keystone.oauth1.access_token_duration),
        )
        change.add("OS-OAUTH1:access_token", token, project_id=token.project_id)
    return secret, {"id": token.id, "expires_at": token.expires_at}


def _find_access_token(session: Session, user_id: str, token_id: str) -> AccessToken:
    token = session.get(AccessToken, token_id)
    if token is None or token.user_id != user_id:
        raise NotKnown("access token", token_id)
    return token


def list_access_tokens(keystone: Keystone, ctx: Context, user_id: str) -> list[AccessToken]:
    """What a user gave. Raises Refused."""
    delegations.refuse_delegated(keystone, ctx)
    statement = select(AccessToken).where(AccessToken.user_id == user_id)
    with keystone.db.reading() as session:
        return list(session.scalars(statement.order_by(AccessToken.id)))


def get_access_token(
    keystone: Keystone, ctx: Context, user_id: str, token_id: str
) -> AccessToken:
    """An access token that a user gave. Raises Refused, NotKnown."""
    delegations.refuse_delegated(keystone, ctx)
    with keystone.db.reading() as session:
        return _find_access_token(session, user_id, token_id)


def delete_access_token(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> None:
    """And the tokens that were got with it. Raises Refused, NotKnown."""
    delegations.refuse_delegated(keystone, ctx)
    with changing(keystone, ctx) as change:
        token = _find_access_token(change.session, user_id, token_id)
        change.revoke(delegation_id=token.id)
        change.session.delete(token)
        change.record("OS-OAUTH1:access_token", "deleted", token_id, project_id=token.project_id)


def list_roles(keystone: Keystone, user_id: str, token_id: str) -> list[Role]:
    """Those that an access token gives. Raises NotKnown."""
    with keystone.db.reading() as session:
        token = _find_access_token(session, user_id, token_id)
        statement = select(Role).where(Role.id.in_(token.role_ids)).order_by(Role.name)
        return list(session.scalars(statement))


def by_access_token(keystone: Keystone, session: Session, given: Document) -> Proof:
    """The method of authentication: `given` is what the request was signed with."""
    signed: Signed | None = given.get("signed")
    if signed is None:
        raise refuse("oauth1 without a signed request")
    token = session.get(AccessToken, signed["oauth_token"])
    if token is None or token.expires_at is not None and token.expires_at <= utcnow():
        raise refuse("there is no such access token, or it has expired")
    asking = session.get(Consumer, token.consumer_id)
    if asking is None or signed["oauth_consumer_key"] != asking.id:
        raise refuse("the access token is of another consumer")
    decrypt = keystone.encryption.decrypt
    signed.check(decrypt(asking.secret), decrypt(token.secret))
    who = authentication.person(
        keystone, authentication.lookup(session, {"id": token.user_id})
    )
    row = scopes.project_row(session, {"id": token.project_id})
    graph = keystone.directory.roles
    scope = scopes.of_project(session, graph, who.id, row)
    kept = {role["id"] for role in scope.roles}
    roles = [role for role in graph.expand(set(token.role_ids)) if role["id"] in kept]
    if not roles:
        raise refuse(f"the user of access token {token.id} has none of its roles")
    told = {"access_token_id": token.id, "consumer_id": token.consumer_id}
    end = token.expires_at.replace(tzinfo=dt.UTC).timestamp() if token.expires_at else None
    return Proof(who, scope=Scope(
        scope.document, roles, extra={OAUTH1: told, "delegation_id": token.id}, end=end
    ), spend=partial(_use_nonce, keystone.db, signed.once))


def _use_nonce(db: Database, digest: str) -> None:
    """A signed login works once (RFC 5849, section 3.3)."""
    now = utcnow()
    try:
        with db.writing() as session:
            session.execute(delete(Nonce).where(Nonce.until < now))
            session.add(Nonce(digest=digest, until=now + dt.timedelta(seconds=REMEMBERED)))
    except IntegrityError as again:
        raise refuse("the signed login was used before") from again
