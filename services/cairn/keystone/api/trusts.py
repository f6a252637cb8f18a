"""/v3/OS-TRUST/trusts: a user lets another act with some roles."""

import datetime as dt

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import roles, schemas
from cairn.keystone.api.views import collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import trusts
from cairn.keystone.core.records import Role, Trust
from cairn.keystone.policy import RULES

api = Api(RULES)


def stamp(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds") + "Z"


def _view(trust: Trust, given: list[Role] | None = None) -> Document:
    path = f"OS-TRUST/trusts/{trust.id}"
    document: Document = {
        **trust.extra, "id": trust.id, "trustor_user_id": trust.trustor_user_id,
        "trustee_user_id": trust.trustee_user_id, "project_id": trust.project_id,
        "impersonation": trust.impersonation, "expires_at": stamp(trust.expires_at),
        "remaining_uses": trust.remaining_uses, "deleted_at": None,
        "redelegation_count": trust.redelegation_count, "links": {"self": link(path)},
        "redelegated_trust_id": trust.redelegated_trust_id,
    }
    if given is not None:
        document["roles"] = [roles.view(role) for role in given]
        document["roles_links"] = {"self": link(f"{path}/roles"), "next": None, "previous": None}
    return document


@api.post("/OS-TRUST/trusts", policy="identity:create_trust", body=schemas.TRUST_CREATE,
          status=201, late=True, event="identity.OS-TRUST:trust.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a trust: another user may act with some of the caller's roles on a project."""
    return {"trust": _view(*trusts.create(keystone, ctx, body["trust"]))}


@api.get("/OS-TRUST/trusts", policy="identity:list_trusts", query=trusts.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the trusts that still hold; who may not see all names the trustor or trustee."""
    return collection("trusts", map(_view, trusts.list_trusts(keystone, ctx, query)))


@api.get("/OS-TRUST/trusts/<trust_id>", policy="identity:get_trust", late=True)
def show(keystone: Keystone, ctx: Context, trust_id: str) -> Document:
    """Show a trust with its roles; 404 once it has expired or is used up."""
    return {"trust": _view(*trusts.get(keystone, ctx, trust_id))}


@api.delete("/OS-TRUST/trusts/<trust_id>", policy="identity:delete_trust", status=204, late=True,
            event="identity.OS-TRUST:trust.deleted")
def delete(keystone: Keystone, ctx: Context, trust_id: str) -> None:
    """Delete a trust and those that were made with it; their tokens end."""
    trusts.remove(keystone, ctx, trust_id)


@api.get("/OS-TRUST/trusts/<trust_id>/roles", policy="identity:list_roles_for_trust", late=True)
def list_roles(keystone: Keystone, ctx: Context, trust_id: str) -> Document:
    """List the roles that a trust gives."""
    return collection("roles", map(roles.view, trusts.list_roles(keystone, ctx, trust_id)))


@api.get("/OS-TRUST/trusts/<trust_id>/roles/<role_id>", policy="identity:get_role_for_trust",
         late=True)
def show_role(keystone: Keystone, ctx: Context, trust_id: str, role_id: str) -> Document:
    """Show a role that a trust gives; 404 if it does not give it."""
    return {"role": roles.view(trusts.get_role(keystone, ctx, trust_id, role_id))}
