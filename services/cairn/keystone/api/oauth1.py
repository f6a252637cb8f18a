"""/v3/OS-OAUTH1: consumers, and how they come to tokens (RFC 5849); what users gave them."""

from typing import Any

import flask
from sqlalchemy import select

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.db import new_hex_id
from cairn.keystone.api import roles, schemas
from cairn.keystone.api.views import QUERY, collection, link, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import delegations, oauth1
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.oauth1 import Signed
from cairn.keystone.core.projects import merged, refuse_new_id
from cairn.keystone.db.models import Role
from cairn.keystone.db.oauth1 import AccessToken, Consumer
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
OWN = {"id", "secret", "description", "links"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
USER = "/users/<user_id>/OS-OAUTH1/access_tokens"


def _consumer(consumer: Consumer) -> Document:
    return linked({**consumer.extra, "id": consumer.id, "description": consumer.description},
                  "OS-OAUTH1/consumers")


@api.post("/OS-OAUTH1/consumers", policy="identity:create_consumer", status=201,
          body=schemas.CONSUMER_CREATE)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """The only answer with the consumer's secret."""
    wanted, secret = body["consumer"], new_hex_id()
    with keystone.db.writing() as session:
        consumer = Consumer(
            secret=keystone.encryption.encrypt(secret), description=wanted.get("description"),
            extra=merged({}, wanted, OWN),
        )
        session.add(consumer)
    return {"consumer": {**_consumer(consumer), "secret": secret}}


@api.get("/OS-OAUTH1/consumers", policy="identity:list_consumers", query=QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    with keystone.db.reading() as session:
        return listed(session, "consumers", select(Consumer), query, {}, Consumer.id, _consumer)


@api.get("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:get_consumer")
def show(keystone: Keystone, ctx: Context, consumer_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"consumer": _consumer(oauth1.consumer(session, consumer_id))}


@api.patch("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:update_consumer",
           body=schemas.CONSUMER_UPDATE)
def update(keystone: Keystone, ctx: Context, consumer_id: str, body: Document) -> Document:
    wanted = body["consumer"]
    with keystone.db.writing() as session:
        consumer = oauth1.consumer(session, consumer_id)
        refuse_new_id(wanted, consumer_id)
        if "description" in wanted:
            consumer.description = wanted["description"]
        consumer.extra = merged(consumer.extra, wanted, OWN)
    return {"consumer": _consumer(consumer)}


@api.delete("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:delete_consumer", status=204)
def delete(keystone: Keystone, ctx: Context, consumer_id: str) -> None:
    oauth1.delete_consumer(keystone, ctx, consumer_id)


def presented() -> Signed:
    """This request, for its signature to be checked. Raises Invalid where it has none."""
    path = flask.request.full_path if flask.request.query_string else flask.request.path
    # What the client signed is the address it was told, whatever is between it and us.
    url = flask.request.root_url.rstrip("/") + path
    return Signed(url, flask.request.headers.get("Authorization"))


def _answer(secret: str, token: Document) -> Reply:
    text = f"oauth_token={token['id']}&oauth_token_secret={secret}"
    if token["expires_at"] is not None:
        text += f"&oauth_expires_at={_moment(token['expires_at'])}"
    return Reply(text, headers=FORM)


def _moment(moment: Any) -> str | None:
    return moment.isoformat(timespec="microseconds") + "Z" if moment is not None else None


@api.post("/OS-OAUTH1/request_token", policy=PUBLIC, status=201)
def request_token(keystone: Keystone, ctx: Context) -> Reply:
    """A consumer asks to act on the project of the header Requested-Project-Id."""
    project_id = flask.request.headers.get("Requested-Project-Id")
    return _answer(*oauth1.request(keystone, presented(), project_id))


@api.put("/OS-OAUTH1/authorize/<token_id>", policy="identity:authorize_request_token",
         body=schemas.REQUEST_TOKEN_AUTHORIZE)
def authorize(keystone: Keystone, ctx: Context, token_id: str, body: Document) -> Document:
    verifier = oauth1.authorize(keystone, ctx, token_id, body["roles"])
    return {"token": {"oauth_verifier": verifier}}


@api.post("/OS-OAUTH1/access_token", policy=PUBLIC, status=201)
def access_token(keystone: Keystone, ctx: Context) -> Reply:
    return _answer(*oauth1.exchange(keystone, presented()))


def _given(token: AccessToken) -> Document:
    where = link(f"users/{token.user_id}/OS-OAUTH1/access_tokens/{token.id}")
    return {
        "id": token.id, "consumer_id": token.consumer_id, "project_id": token.project_id,
        "authorizing_user_id": token.user_id, "expires_at": _moment(token.expires_at),
        "links": {"self": where, "roles": f"{where}/roles"},
    }


@api.get(USER, policy="identity:list_access_tokens")
def given(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    delegations.refuse_delegated(keystone, ctx)
    with keystone.db.reading() as session:
        return collection("access_tokens", map(_given, oauth1.tokens_of(session, user_id)))


@api.get(f"{USER}/<token_id>", policy="identity:get_access_token")
def show_given(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> Document:
    delegations.refuse_delegated(keystone, ctx)
    with keystone.db.reading() as session:
        return {"access_token": _given(oauth1.access_token(session, user_id, token_id))}


@api.delete(f"{USER}/<token_id>", policy="identity:delete_access_token", status=204)
def take_back(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> None:
    """And the tokens that were got with it."""
    delegations.refuse_delegated(keystone, ctx)
    with changing(keystone, ctx) as change:
        oauth1.forget(change, oauth1.access_token(change.session, user_id, token_id))


def _roles(keystone: Keystone, user_id: str, token_id: str) -> list[Role]:
    with keystone.db.reading() as session:
        token = oauth1.access_token(session, user_id, token_id)
        query = select(Role).where(Role.id.in_(token.role_ids)).order_by(Role.name)
        return list(session.scalars(query))


@api.get(f"{USER}/<token_id>/roles", policy="identity:list_access_token_roles")
def given_roles(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> Document:
    return collection("roles", map(roles.view, _roles(keystone, user_id, token_id)))


@api.get(f"{USER}/<token_id>/roles/<role_id>", policy="identity:get_access_token_role")
def given_role(
    keystone: Keystone, ctx: Context, user_id: str, token_id: str, role_id: str
) -> Document:
    for role in _roles(keystone, user_id, token_id):
        if role.id == role_id:
            return {"role": roles.view(role)}
    raise NotKnown("role", role_id)
