"""Secrets that users keep here, never for those who act by a delegation."""

from dataclasses import dataclass

from sqlalchemy import select

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import new_hex_id
from cairn.common.errors import Invalid, Refused
from cairn.common.listing import Part, Query
from cairn.common.policy import PROJECT, scope_of
from cairn.keystone.component import Keystone
from cairn.keystone.core import ec2, rows
from cairn.keystone.core.attributes import merge_extra
from cairn.keystone.core.changes import changing
from cairn.keystone.core.delegations import delegated, refuse_delegated
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import Credential, User
from cairn.keystone.errors import NotKnown

OWN = {"id", "user_id", "project_id", "type", "blob", "links"}
COLUMNS = {"user_id": Credential.user_id, "type": Credential.type}
QUERY = filters(COLUMNS)


@dataclass(frozen=True)
class OpenCredential:
    """A credential, and what it holds in the clear."""

    row: Credential
    blob: str

    @property
    def id(self) -> str:
        return self.row.id


def _open(keystone: Keystone, row: Credential) -> OpenCredential:
    return OpenCredential(row, keystone.encryption.decrypt(row.blob))


def _authorize(keystone: Keystone, ctx: Context, verb: str, credential_id: str) -> Credential:
    """The credential, if the caller may do that to it. Raises Forbidden, NotKnown."""
    with keystone.db.reading() as session:
        credential = session.get(Credential, credential_id)
    target = {} if credential is None else {"target.credential.user_id": credential.user_id}
    keystone.policy.enforce(ctx, f"identity:{verb}_credential", target)
    if credential is None:
        raise NotKnown("credential", credential_id)
    return credential


def _make_id(request: Document) -> str:
    """An EC2 pair is found by its access key, so its id is made of that."""
    if request["type"] != "ec2":
        return new_hex_id()
    return ec2.row_id(ec2.pair(request["blob"])["access"])


def create(keystone: Keystone, ctx: Context, request: Document) -> OpenCredential:
    """Keep a credential, encrypted, for the caller or the user it names. Raises Forbidden, Refused,
    Invalid, NotKnown for the user, Taken."""
    refuse_delegated(keystone, ctx)
    user_id = request.get("user_id") or ctx.user_id
    keystone.policy.enforce(
        ctx, "identity:create_credential", {"target.credential.user_id": user_id}
    )
    if request["type"] == "ec2" and scope_of(ctx) == PROJECT and ctx.project_id is None:
        raise Refused(reason="A key pair is not made with a token that has no scope.")
    if request["type"] == "ec2" and not request.get("project_id"):
        raise Invalid(reason="Invalid input for field/attribute project_id. An ec2 credential "
                             "needs a project.")
    credential = Credential(
        id=_make_id(request), user_id=user_id, project_id=request.get("project_id"),
        type=request["type"], blob=keystone.encryption.encrypt(request["blob"]),
        extra=merge_extra({}, request, OWN),
    )
    with changing(keystone, ctx, "credential", "that access key") as change:
        rows.get(change.session, User, user_id)
        change.add("credential", credential, project_id=credential.project_id)
    return _open(keystone, credential)


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of credentials (OpenCredential): the caller's own, unless the caller may see
    everybody's; none for who acts by a delegation. Raises Forbidden, Invalid, NotKnown."""
    statement = select(Credential)
    if not keystone.policy.allows(
        ctx, "identity:list_credentials", {"target.credential.user_id": ""}
    ):
        statement = statement.where(Credential.user_id == ctx.user_id)
    keystone.policy.enforce(
        ctx, "identity:list_credentials", {"target.credential.user_id": ctx.user_id}
    )
    if delegated(keystone, ctx):
        return Part([], False)
    with keystone.db.reading() as session:
        part = fetch_page(session, statement, query, COLUMNS, Credential.id)
    return Part([_open(keystone, row) for row in part.rows], part.more)


def get(keystone: Keystone, ctx: Context, credential_id: str) -> OpenCredential:
    """A credential, opened. Raises Forbidden, Refused, NotKnown."""
    credential = _authorize(keystone, ctx, "get", credential_id)
    refuse_delegated(keystone, ctx)
    return _open(keystone, credential)


def update(
    keystone: Keystone, ctx: Context, credential_id: str, request: Document
) -> OpenCredential:
    """Only what is kept may change, not whose it is or what for. Raises Forbidden, Refused,
    NotKnown, Invalid."""
    refuse_delegated(keystone, ctx)
    credential = _authorize(keystone, ctx, "update", credential_id)
    for fixed in ("id", "user_id", "project_id", "type"):
        if fixed in request and request[fixed] != getattr(credential, fixed):
            raise Invalid(reason=f"Invalid input for field/attribute {fixed}. It cannot be "
                                 "changed; delete the credential and create another.")
    if credential.type == "ec2" and "blob" in request:
        before = ec2.pair(keystone.encryption.decrypt(credential.blob))
        after = ec2.pair(request["blob"])
        for key in ec2.BOUNDS:
            if before.get(key) != after.get(key):
                raise Invalid(reason=f"Invalid input for field/attribute blob. {key} cannot be "
                                     "changed.")
    with changing(keystone, ctx) as change:
        row = rows.lock(change.session, Credential, credential_id)
        if "blob" in request:
            row.blob = keystone.encryption.encrypt(request["blob"])
        row.extra = merge_extra(row.extra, request, OWN)
        change.record("credential", "updated", row.id, project_id=row.project_id)
    return _open(keystone, row)


def delete(keystone: Keystone, ctx: Context, credential_id: str) -> None:
    """Delete a credential, and end the tokens it got. Raises Forbidden, Refused, NotKnown."""
    refuse_delegated(keystone, ctx)
    _authorize(keystone, ctx, "delete", credential_id)
    with changing(keystone, ctx) as change:
        ec2.remove(change, rows.get(change.session, Credential, credential_id))
