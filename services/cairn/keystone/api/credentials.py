"""/v3/credentials and /v3/users/{id}/credentials/OS-EC2: secrets that users keep here."""

import hashlib
import secrets

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import new_hex_id
from cairn.common.errors import Invalid, Refused
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, collection, link, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import projects, users
from cairn.keystone.core.changes import changing
from cairn.keystone.core.delegations import refuse_delegated
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import merged
from cairn.keystone.db.models import Credential
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
OWN = {"id", "user_id", "project_id", "type", "blob", "links"}
COLUMNS = {"user_id": Credential.user_id, "type": Credential.type}


def _view(keystone: Keystone, credential: Credential) -> Document:
    return linked({
        **credential.extra, "id": credential.id, "type": credential.type,
        "user_id": credential.user_id, "project_id": credential.project_id,
        "blob": keystone.vault.open(credential.blob),
    }, "credentials")


def _permitted(keystone: Keystone, ctx: Context, verb: str, credential_id: str) -> Credential:
    """The credential, if the caller may do that to it."""
    with keystone.db.reading() as session:
        credential = session.get(Credential, credential_id)
    target = {} if credential is None else {"target.credential.user_id": credential.user_id}
    keystone.policy.enforce(ctx, f"identity:{verb}_credential", target)
    if credential is None:
        raise NotKnown("credential", credential_id)
    return credential


def _id(wanted: Document) -> str:
    """An EC2 pair is found by its access key, so its id is made of that."""
    if wanted["type"] != "ec2":
        return new_hex_id()
    access = _pair(wanted["blob"]).get("access")
    if not isinstance(access, str):
        raise Invalid(reason="Invalid input for field/attribute blob. An ec2 credential needs "
                             "an access key.")
    return ec2_id(access)


def _pair(blob: str) -> Document:
    try:
        found = orjson.loads(blob)
    except orjson.JSONDecodeError as wrong:
        raise Invalid(reason="Invalid input for field/attribute blob. Invalid blob in credential: "
                             "it must be JSON.") from wrong
    if not isinstance(found, dict):
        raise Invalid(reason="Invalid input for field/attribute blob. It must be a JSON object.")
    return found


def ec2_id(access: str) -> str:
    return hashlib.sha256(access.encode()).hexdigest()


@api.post("/credentials", policy="identity:create_credential", body=schemas.CREDENTIAL_CREATE,
          status=201, late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    refuse_delegated(keystone, ctx)
    wanted = body["credential"]
    user_id = wanted.get("user_id") or ctx.user_id
    keystone.policy.enforce(
        ctx, "identity:create_credential", {"target.credential.user_id": user_id}
    )
    if wanted["type"] == "ec2" and not wanted.get("project_id"):
        raise Invalid(reason="Invalid input for field/attribute project_id. An ec2 credential "
                             "needs a project.")
    credential = Credential(
        id=_id(wanted), user_id=user_id, project_id=wanted.get("project_id"), type=wanted["type"],
        blob=keystone.vault.close(wanted["blob"]), extra=merged({}, wanted, OWN),
    )
    with changing(keystone, ctx, "credential", "that access key") as change:
        users.find(change.session, user_id)
        change.session.add(credential)
    return {"credential": _view(keystone, credential)}


@api.get("/credentials", policy="identity:list_credentials", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    wanted = select(Credential)
    everybodys = keystone.policy.allows(
        ctx, "identity:list_credentials", {"target.credential.user_id": ""}
    )
    if not everybodys:
        wanted = wanted.where(Credential.user_id == ctx.user_id)
    keystone.policy.enforce(
        ctx, "identity:list_credentials", {"target.credential.user_id": ctx.user_id}
    )
    with keystone.db.reading() as session:
        return listed(session, "credentials", wanted, query, COLUMNS, Credential.id,
                      lambda credential: _view(keystone, credential))


@api.get("/credentials/<credential_id>", policy="identity:get_credential", late=True)
def show(keystone: Keystone, ctx: Context, credential_id: str) -> Document:
    return {"credential": _view(keystone, _permitted(keystone, ctx, "get", credential_id))}


@api.patch("/credentials/<credential_id>", policy="identity:update_credential",
           body=schemas.CREDENTIAL_UPDATE, late=True)
def update(keystone: Keystone, ctx: Context, credential_id: str, body: Document) -> Document:
    """Only what is kept may change, not whose it is or what for."""
    refuse_delegated(keystone, ctx)
    credential = _permitted(keystone, ctx, "update", credential_id)
    wanted = body["credential"]
    for fixed in ("id", "user_id", "project_id", "type"):
        if fixed in wanted and wanted[fixed] != getattr(credential, fixed):
            raise Invalid(reason=f"Invalid input for field/attribute {fixed}. It cannot be "
                                 "changed; delete the credential and create another.")
    if credential.type == "ec2" and "blob" in wanted:
        _pair(wanted["blob"])
    with changing(keystone, ctx) as change:
        row = change.session.get_one(Credential, credential_id)
        if "blob" in wanted:
            row.blob = keystone.vault.close(wanted["blob"])
        row.extra = merged(row.extra, wanted, OWN)
    return {"credential": _view(keystone, row)}


@api.delete("/credentials/<credential_id>", policy="identity:delete_credential", status=204,
            late=True)
def delete(keystone: Keystone, ctx: Context, credential_id: str) -> None:
    refuse_delegated(keystone, ctx)
    _permitted(keystone, ctx, "delete", credential_id)
    with keystone.db.writing() as session:
        session.delete(session.get_one(Credential, credential_id))


def _ec2_view(keystone: Keystone, credential: Credential) -> Document:
    pair = _pair(keystone.vault.open(credential.blob))
    path = f"users/{credential.user_id}/credentials/OS-EC2/{pair['access']}"
    return {"user_id": credential.user_id, "tenant_id": credential.project_id,
            "access": pair["access"], "secret": pair.get("secret"),
            "trust_id": pair.get("trust_id"), "links": {"self": link(path)}}


def _ec2(session: Session, user_id: str, access: str) -> Credential:
    found = session.get(Credential, ec2_id(access))
    if found is None or found.type != "ec2" or found.user_id != user_id:
        raise NotKnown("credential", access)
    return found


def _ec2_target(user_id: str) -> Document:
    return {"user_id": user_id, "target.credential.user_id": user_id}


@api.post("/users/<user_id>/credentials/OS-EC2", policy="identity:ec2_create_credential",
          body=schemas.EC2_CREATE, status=201, late=True)
def ec2_create(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    refuse_delegated(keystone, ctx)
    keystone.policy.enforce(ctx, "identity:ec2_create_credential", _ec2_target(user_id))
    access, secret = secrets.token_hex(16), secrets.token_hex(16)
    blob = orjson.dumps({"access": access, "secret": secret, "trust_id": None}).decode()
    credential = Credential(
        id=ec2_id(access), user_id=user_id, project_id=body["tenant_id"], type="ec2",
        blob=keystone.vault.close(blob), extra={},
    )
    with keystone.db.writing() as session:
        users.find(session, user_id)
        project = projects.find(session, body["tenant_id"])
        if not project.enabled:
            raise Refused(reason=f"Project {project.id} is disabled.")
        session.add(credential)
    return {"credential": _ec2_view(keystone, credential)}


@api.get("/users/<user_id>/credentials/OS-EC2", policy="identity:ec2_list_credentials", late=True)
def ec2_list(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    keystone.policy.enforce(ctx, "identity:ec2_list_credentials", _ec2_target(user_id))
    with keystone.db.reading() as session:
        users.find(session, user_id)
        found = session.scalars(select(Credential).where(
            Credential.user_id == user_id, Credential.type == "ec2"
        ))
        return collection("credentials", [_ec2_view(keystone, each) for each in found])


@api.get("/users/<user_id>/credentials/OS-EC2/<access>", policy="identity:ec2_get_credential",
         late=True)
def ec2_show(keystone: Keystone, ctx: Context, user_id: str, access: str) -> Document:
    keystone.policy.enforce(ctx, "identity:ec2_get_credential", _ec2_target(user_id))
    with keystone.db.reading() as session:
        return {"credential": _ec2_view(keystone, _ec2(session, user_id, access))}


@api.delete("/users/<user_id>/credentials/OS-EC2/<access>",
            policy="identity:ec2_delete_credential", status=204, late=True)
def ec2_delete(keystone: Keystone, ctx: Context, user_id: str, access: str) -> None:
    refuse_delegated(keystone, ctx)
    keystone.policy.enforce(ctx, "identity:ec2_delete_credential", _ec2_target(user_id))
    with keystone.db.writing() as session:
        session.delete(_ec2(session, user_id, access))
