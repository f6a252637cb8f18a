"""/v3/OS-TRUST/trusts: a user lets another act with some roles."""

import datetime as dt
from typing import Any

from sqlalchemy import or_, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.keystone.api import roles, schemas
from cairn.keystone.api.views import QUERY, collection, link
from cairn.keystone.component import Keystone
from cairn.keystone.core import delegations, trusts
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import Role, Trust
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)


def stamp(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds") + "Z"


def _view(trust: Trust, given: list[Role] | None = None) -> Document:
    path = f"OS-TRUST/trusts/{trust.id}"
    found: Document = {
        **trust.extra, "id": trust.id, "trustor_user_id": trust.trustor_user_id,
        "trustee_user_id": trust.trustee_user_id, "project_id": trust.project_id,
        "impersonation": trust.impersonation, "expires_at": stamp(trust.expires_at),
        "remaining_uses": trust.remaining_uses, "deleted_at": None,
        "redelegation_count": trust.redelegation_count, "links": {"self": link(path)},
        "redelegated_trust_id": trust.redelegated_trust_id,
    }
    if given is not None:
        found["roles"] = [roles.view(role) for role in given]
        found["roles_links"] = {"self": link(f"{path}/roles"), "next": None, "previous": None}
    return found


def _permitted(keystone: Keystone, ctx: Context, policy: str, trust_id: str) -> Trust:
    """The trust, if the caller may do that to it."""
    with keystone.db.reading() as session:
        trust = trusts.find(session, trust_id)
    keystone.policy.enforce(ctx, policy, {
        "target.trust.trustor_user_id": trust.trustor_user_id,
        "target.trust.trustee_user_id": trust.trustee_user_id,
    })
    return trust


@api.post("/OS-TRUST/trusts", policy="identity:create_trust", body=schemas.TRUST_CREATE,
          status=201, late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["trust"]
    keystone.policy.enforce(ctx, "identity:create_trust", {
        "target.trust.trustor_user_id": wanted["trustor_user_id"]
    })
    return {"trust": _view(*trusts.create(keystone, ctx, wanted))}


@api.get("/OS-TRUST/trusts", policy="identity:list_trusts", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    wanted = select(Trust).where(
        or_(Trust.expires_at.is_(None), Trust.expires_at > utcnow()),
        or_(Trust.remaining_uses.is_(None), Trust.remaining_uses > 0),
    )
    rule = "identity:list_trusts"
    target: Document = {}
    sides: Any = {"trustor": Trust.trustor_user_id, "trustee": Trust.trustee_user_id}
    for side, column in sides.items():
        user_id = query.get(f"{side}_user_id")
        if user_id:
            wanted = wanted.where(column == user_id)
            if not target:
                rule = f"identity:list_trusts_for_{side}"
                target = {f"target.trust.{side}_user_id": user_id}
    keystone.policy.enforce(ctx, rule, target)
    delegations.refuse_delegated(keystone, ctx, delegations.TRUST)
    with keystone.db.reading() as session:
        return collection("trusts", map(_view, session.scalars(wanted.order_by(Trust.id))))


@api.get("/OS-TRUST/trusts/<trust_id>", policy="identity:get_trust", late=True)
def show(keystone: Keystone, ctx: Context, trust_id: str) -> Document:
    trust = _permitted(keystone, ctx, "identity:get_trust", trust_id)
    delegations.refuse_delegated(keystone, ctx, delegations.TRUST)
    with keystone.db.reading() as session:
        return {"trust": _view(trust, trusts.roles_of(session, trust_id))}


@api.delete("/OS-TRUST/trusts/<trust_id>", policy="identity:delete_trust", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, trust_id: str) -> None:
    _permitted(keystone, ctx, "identity:delete_trust", trust_id)
    trusts.remove(keystone, ctx, trust_id)


@api.get("/OS-TRUST/trusts/<trust_id>/roles", policy="identity:list_roles_for_trust", late=True)
def roles_of(keystone: Keystone, ctx: Context, trust_id: str) -> Document:
    _permitted(keystone, ctx, "identity:list_roles_for_trust", trust_id)
    delegations.refuse_delegated(keystone, ctx, delegations.TRUST)
    with keystone.db.reading() as session:
        given = trusts.roles_of(session, trust_id)
    return collection("roles", map(roles.view, given))


@api.get("/OS-TRUST/trusts/<trust_id>/roles/<role_id>", policy="identity:get_role_for_trust",
         late=True)
def role_of(keystone: Keystone, ctx: Context, trust_id: str, role_id: str) -> Document:
    _permitted(keystone, ctx, "identity:get_role_for_trust", trust_id)
    delegations.refuse_delegated(keystone, ctx, delegations.TRUST)
    with keystone.db.reading() as session:
        for role in trusts.roles_of(session, trust_id):
            if role.id == role_id:
                return {"role": roles.view(role)}
    raise NotKnown("role", role_id)
