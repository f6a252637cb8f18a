"""/v3/OS-OAUTH1: consumers, and how they come to tokens (RFC 5849); what users gave them."""

from typing import Any

import flask

from cairn.common.api import PUBLIC, Api, Document, Reply
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import roles, schemas
from cairn.keystone.api.views import add_link, collection, link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import oauth1
from cairn.keystone.core.oauth1 import Signed
from cairn.keystone.core.records import AccessToken, Consumer
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
USER = "/users/<user_id>/OS-OAUTH1/access_tokens"


def _consumer(consumer: Consumer) -> Document:
    return add_link({**consumer.extra, "id": consumer.id, "description": consumer.description},
                    "OS-OAUTH1/consumers")


@api.post("/OS-OAUTH1/consumers", policy="identity:create_consumer", status=201,
          body=schemas.CONSUMER_CREATE, event="identity.OS-OAUTH1:consumer.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a consumer; only this answer tells its secret."""
    consumer, secret = oauth1.create_consumer(keystone, ctx, body["consumer"])
    return {"consumer": {**_consumer(consumer), "secret": secret}}


@api.get("/OS-OAUTH1/consumers", policy="identity:list_consumers", query=oauth1.QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the consumers."""
    return page("consumers", oauth1.list_consumers(keystone, query), _consumer)


@api.get("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:get_consumer")
def show(keystone: Keystone, ctx: Context, consumer_id: str) -> Document:
    """Show a consumer without its secret."""
    return {"consumer": _consumer(oauth1.get_consumer(keystone, consumer_id))}


@api.patch("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:update_consumer",
           body=schemas.CONSUMER_UPDATE, event="identity.OS-OAUTH1:consumer.updated")
def update(keystone: Keystone, ctx: Context, consumer_id: str, body: Document) -> Document:
    """Change a consumer's description."""
    consumer = oauth1.update_consumer(keystone, ctx, consumer_id, body["consumer"])
    return {"consumer": _consumer(consumer)}


@api.delete("/OS-OAUTH1/consumers/<consumer_id>", policy="identity:delete_consumer", status=204,
            event="identity.OS-OAUTH1:consumer.deleted")
def delete(keystone: Keystone, ctx: Context, consumer_id: str) -> None:
    """Delete a consumer with its access tokens, and end the tokens that were got with them."""
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


@api.post("/OS-OAUTH1/request_token", policy=PUBLIC, status=201,
          event="identity.OS-OAUTH1:request_token.created")
def request_token(keystone: Keystone, ctx: Context) -> Reply:
    """Give a consumer a request token for the project of Requested-Project-Id."""
    project_id = flask.request.headers.get("Requested-Project-Id")
    return _answer(*oauth1.request(keystone, ctx, presented(), project_id))


@api.put("/OS-OAUTH1/authorize/<token_id>", policy="identity:authorize_request_token",
         body=schemas.REQUEST_TOKEN_AUTHORIZE, event="identity.OS-OAUTH1:request_token.updated")
def authorize(keystone: Keystone, ctx: Context, token_id: str, body: Document) -> Document:
    """Authorize a request token with some of the caller's roles; its verifier is told."""
    verifier = oauth1.authorize(keystone, ctx, token_id, body["roles"])
    return {"token": {"oauth_verifier": verifier}}


@api.post("/OS-OAUTH1/access_token", policy=PUBLIC, status=201,
          event="identity.OS-OAUTH1:access_token.created")
def access_token(keystone: Keystone, ctx: Context) -> Reply:
    """Exchange a request token, which is used up by it, for an access token."""
    return _answer(*oauth1.exchange(keystone, ctx, presented()))


def _given(token: AccessToken) -> Document:
    where = link(f"users/{token.user_id}/OS-OAUTH1/access_tokens/{token.id}")
    return {
        "id": token.id, "consumer_id": token.consumer_id, "project_id": token.project_id,
        "authorizing_user_id": token.user_id, "expires_at": _moment(token.expires_at),
        "links": {"self": where, "roles": f"{where}/roles"},
    }


@api.get(USER, policy="identity:list_access_tokens")
def list_given(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    """List the access tokens that the user has authorized."""
    return collection("access_tokens", map(
        _given, oauth1.list_access_tokens(keystone, ctx, user_id)))


@api.get(f"{USER}/<token_id>", policy="identity:get_access_token")
def show_given(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> Document:
    """Show an access token that the user has authorized."""
    return {"access_token": _given(oauth1.get_access_token(keystone, ctx, user_id, token_id))}


@api.delete(f"{USER}/<token_id>", policy="identity:delete_access_token", status=204,
            event="identity.OS-OAUTH1:access_token.deleted")
def take_back(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> None:
    """Delete an access token, and end the tokens that were got with it."""
    oauth1.delete_access_token(keystone, ctx, user_id, token_id)


@api.get(f"{USER}/<token_id>/roles", policy="identity:list_access_token_roles")
def given_roles(keystone: Keystone, ctx: Context, user_id: str, token_id: str) -> Document:
    """List the roles that an access token gives."""
    return collection("roles", map(roles.view, oauth1.list_roles(keystone, user_id, token_id)))


@api.get(f"{USER}/<token_id>/roles/<role_id>", policy="identity:get_access_token_role")
def given_role(
    keystone: Keystone, ctx: Context, user_id: str, token_id: str, role_id: str
) -> Document:
    """Show a role that an access token gives; 404 if it does not give it."""
    for role in oauth1.list_roles(keystone, user_id, token_id):
        if role.id == role_id:
            return {"role": roles.view(role)}
    raise NotKnown("role", role_id)
