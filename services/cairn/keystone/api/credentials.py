"""/v3/credentials: secrets that users keep here, never for those who act by a delegation."""

from sqlalchemy import select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import new_hex_id
from cairn.common.errors import Invalid, Refused
from cairn.common.policy import PROJECT, scope_of
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, collection, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import ec2, users
from cairn.keystone.core.changes import changing
from cairn.keystone.core.delegations import delegated, refuse_delegated
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
        "blob": keystone.encryption.decrypt(credential.blob),
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
    return ec2.row_id(ec2.pair(wanted["blob"])["access"])


@api.post("/credentials", policy="identity:create_credential", body=schemas.CREDENTIAL_CREATE,
          status=201, late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    refuse_delegated(keystone, ctx)
    wanted = body["credential"]
    user_id = wanted.get("user_id") or ctx.user_id
    keystone.policy.enforce(
        ctx, "identity:create_credential", {"target.credential.user_id": user_id}
    )
    if wanted["type"] == "ec2" and scope_of(ctx) == PROJECT and ctx.project_id is None:
        raise Refused(reason="A key pair is not made with a token that has no scope.")
    if wanted["type"] == "ec2" and not wanted.get("project_id"):
        raise Invalid(reason="Invalid input for field/attribute project_id. An ec2 credential "
                             "needs a project.")
    credential = Credential(
        id=_id(wanted), user_id=user_id, project_id=wanted.get("project_id"), type=wanted["type"],
        blob=keystone.encryption.encrypt(wanted["blob"]), extra=merged({}, wanted, OWN),
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
    if delegated(keystone, ctx):
        return collection("credentials", [])
    with keystone.db.reading() as session:
        return listed(session, "credentials", wanted, query, COLUMNS, Credential.id,
                      lambda credential: _view(keystone, credential))


@api.get("/credentials/<credential_id>", policy="identity:get_credential", late=True)
def show(keystone: Keystone, ctx: Context, credential_id: str) -> Document:
    credential = _permitted(keystone, ctx, "get", credential_id)
    refuse_delegated(keystone, ctx)
    return {"credential": _view(keystone, credential)}


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
        before = ec2.pair(keystone.encryption.decrypt(credential.blob))
        after = ec2.pair(wanted["blob"])
        for key in ec2.BOUNDS:
            if before.get(key) != after.get(key):
                raise Invalid(reason=f"Invalid input for field/attribute blob. {key} cannot be "
                                     "changed.")
    with changing(keystone, ctx) as change:
        row = change.session.get_one(Credential, credential_id)
        if "blob" in wanted:
            row.blob = keystone.encryption.encrypt(wanted["blob"])
        row.extra = merged(row.extra, wanted, OWN)
    return {"credential": _view(keystone, row)}


@api.delete("/credentials/<credential_id>", policy="identity:delete_credential", status=204,
            late=True)
def delete(keystone: Keystone, ctx: Context, credential_id: str) -> None:
    refuse_delegated(keystone, ctx)
    _permitted(keystone, ctx, "delete", credential_id)
    with changing(keystone, ctx) as change:
        ec2.remove(change, change.session.get_one(Credential, credential_id))
