"""/v3/users/{id}/credentials/OS-EC2, key pairs that sign requests; /v3/ec2tokens and /v3/s3tokens,
where a service asks whose a signature is.

Only services and admins may ask: a signed address that somebody passed on must not become a token
of whoever signed it.
"""

import secrets

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import ec2, projects, tokens, users
from cairn.keystone.core.changes import changing
from cairn.keystone.core.delegations import refuse_delegated
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import Credential
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)


def _view(keystone: Keystone, credential: Credential) -> Document:
    pair = ec2.pair(keystone.encryption.decrypt(credential.blob))
    path = f"users/{credential.user_id}/credentials/OS-EC2/{pair['access']}"
    return {"user_id": credential.user_id, "tenant_id": credential.project_id,
            "access": pair["access"], "secret": pair.get("secret"),
            "trust_id": pair.get("trust_id"), "links": {"self": link(path)}}


def _find(session: Session, access: str) -> Credential:
    found = session.get(Credential, ec2.row_id(access))
    if found is None or found.type != "ec2":
        raise NotKnown("credential", access)
    return found


def _permitted(
    keystone: Keystone, ctx: Context, policy: str, user_id: str, access: str
) -> Credential:
    """The pair, if the caller may do that to it: its own user counts, not the one of the path."""
    with keystone.db.reading() as session:
        found = _find(session, access)
        keystone.policy.enforce(ctx, policy, _target(found.user_id))
        refuse_delegated(keystone, ctx)
        users.find(session, user_id)
    return found


def _target(user_id: str) -> Document:
    return {"user_id": user_id, "target.credential.user_id": user_id}


@api.post("/users/<user_id>/credentials/OS-EC2", policy="identity:ec2_create_credential",
          body=schemas.EC2_CREATE, status=201, late=True)
def create(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    refuse_delegated(keystone, ctx)
    keystone.policy.enforce(ctx, "identity:ec2_create_credential", _target(user_id))
    access, secret = secrets.token_hex(16), secrets.token_hex(16)
    blob = orjson.dumps({"access": access, "secret": secret, "trust_id": None}).decode()
    credential = Credential(
        id=ec2.row_id(access), user_id=user_id, project_id=body["tenant_id"], type="ec2",
        blob=keystone.encryption.encrypt(blob), extra={},
    )
    with keystone.db.writing() as session:
        users.find(session, user_id)
        project = projects.find(session, body["tenant_id"])
        if not project.enabled:
            raise Refused(reason=f"Project {project.id} is disabled.")
        session.add(credential)
    return {"credential": _view(keystone, credential)}


@api.get("/users/<user_id>/credentials/OS-EC2", policy="identity:ec2_list_credentials", late=True)
def index(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    keystone.policy.enforce(ctx, "identity:ec2_list_credentials", _target(user_id))
    refuse_delegated(keystone, ctx)
    with keystone.db.reading() as session:
        users.find(session, user_id)
        found = session.scalars(select(Credential).where(
            Credential.user_id == user_id, Credential.type == "ec2"
        ))
        return collection("credentials", [_view(keystone, each) for each in found])


@api.get("/users/<user_id>/credentials/OS-EC2/<access>", policy="identity:ec2_get_credential",
         late=True)
def show(keystone: Keystone, ctx: Context, user_id: str, access: str) -> Document:
    found = _permitted(keystone, ctx, "identity:ec2_get_credential", user_id, access)
    return {"credential": _view(keystone, found)}


@api.delete("/users/<user_id>/credentials/OS-EC2/<access>",
            policy="identity:ec2_delete_credential", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, user_id: str, access: str) -> None:
    _permitted(keystone, ctx, "identity:ec2_delete_credential", user_id, access)
    with changing(keystone, ctx) as change:
        ec2.remove(change, _find(change.session, access))


@api.post("/ec2tokens", policy="identity:ec2tokens_validate", body=schemas.EC2_TOKENS,
          query=QUERY)
def ec2_token(keystone: Keystone, ctx: Context, body: Document, query: Query) -> Reply:
    """The token of whoever signed a request to an EC2 API."""
    text, token = ec2.token(keystone, body, ec2.signed_request)
    view = tokens.view(keystone, token, catalog="nocatalog" not in query.keys())
    return Reply({"token": view}, headers={"X-Subject-Token": text, "Vary": "X-Auth-Token"})


@api.post("/s3tokens", policy="identity:s3tokens_validate", body=schemas.EC2_TOKENS, query=QUERY)
def s3_token(keystone: Keystone, ctx: Context, body: Document, query: Query) -> Reply:
    """As ec2tokens, of the string that was signed; who asks learns whose it is, but gets nothing
    to act as that user with."""
    _, token = ec2.token(keystone, body, ec2.signed_string)
    return Reply({"token": tokens.view(keystone, token, catalog="nocatalog" not in query.keys())})
