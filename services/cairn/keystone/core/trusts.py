"""Trusts: a user lets another act with some roles on a project, perhaps in the first one's name."""

import datetime as dt
from functools import partial
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import Database, changed, utcnow
from cairn.common.errors import Invalid, Refused, Unauthorized
from cairn.common.listing import Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import authentication, scopes
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.delegations import (
    TRUST,
    caller,
    end_trusts,
    held,
    moment,
    refuse_delegated,
    roles_named,
)
from cairn.keystone.core.listing import read_only
from cairn.keystone.core.person import Person
from cairn.keystone.core.refusals import refuse
from cairn.keystone.core.scopes import Scope
from cairn.keystone.db.models import Role, Trust, TrustRole, User
from cairn.keystone.errors import NotKnown

REDELEGATIONS = 3
QUERY = read_only("trustor_user_id", "trustee_user_id")


def _describe(trust: Trust) -> Document:
    return {"target.trust.trustor_user_id": trust.trustor_user_id,
            "target.trust.trustee_user_id": trust.trustee_user_id}


def _authorize(keystone: Keystone, ctx: Context, policy: str, trust_id: str) -> Trust:
    """The trust, if the caller may do that to it. Raises NotKnown, Forbidden."""
    with keystone.db.reading() as session:
        trust = find(session, trust_id)
    keystone.policy.enforce(ctx, policy, _describe(trust))
    return trust


def get(keystone: Keystone, ctx: Context, trust_id: str) -> tuple[Trust, list[Role]]:
    """The trust, and the roles that it gives. Raises NotKnown, Forbidden, Refused."""
    trust = _authorize(keystone, ctx, "identity:get_trust", trust_id)
    refuse_delegated(keystone, ctx, TRUST)
    with keystone.db.reading() as session:
        return trust, roles_of(session, trust_id)


def list_roles(keystone: Keystone, ctx: Context, trust_id: str) -> list[Role]:
    """The roles that a trust gives, by name. Raises NotKnown, Forbidden, Refused."""
    _authorize(keystone, ctx, "identity:list_roles_for_trust", trust_id)
    refuse_delegated(keystone, ctx, TRUST)
    with keystone.db.reading() as session:
        return roles_of(session, trust_id)


def get_role(keystone: Keystone, ctx: Context, trust_id: str, role_id: str) -> Role:
    """One of the roles that a trust gives. Raises NotKnown, Forbidden, Refused."""
    _authorize(keystone, ctx, "identity:get_role_for_trust", trust_id)
    refuse_delegated(keystone, ctx, TRUST)
    with keystone.db.reading() as session:
        for role in roles_of(session, trust_id):
            if role.id == role_id:
                return role
    raise NotKnown("role", role_id)


def list_trusts(keystone: Keystone, ctx: Context, query: Query) -> list[Trust]:
    """Those that hold, of the trustor or trustee that `query` names. Raises Forbidden, Refused."""
    statement = select(Trust).where(
        or_(Trust.expires_at.is_(None), Trust.expires_at > utcnow()),
        or_(Trust.remaining_uses.is_(None), Trust.remaining_uses > 0),
    )
    rule = "identity:list_trusts"
    target: Document = {}
    sides: Any = {"trustor": Trust.trustor_user_id, "trustee": Trust.trustee_user_id}
    for side, column in sides.items():
        user_id = read_value(query, f"{side}_user_id")
        if user_id:
            statement = statement.where(column == user_id)
            if not target:
                rule = f"identity:list_trusts_for_{side}"
                target = {f"target.trust.{side}_user_id": user_id}
    keystone.policy.enforce(ctx, rule, target)
    refuse_delegated(keystone, ctx, TRUST)
    with keystone.db.reading() as session:
        return list(session.scalars(statement.order_by(Trust.id)))


def create(keystone: Keystone, ctx: Context, request: Document) -> tuple[Trust, list[Role]]:
    """Make a trust of the caller's; with a token of a trust, one that is at most as much. Raises
    Forbidden, Refused, NotKnown, Invalid."""
    keystone.policy.enforce(ctx, "identity:create_trust", {
        "target.trust.trustor_user_id": request["trustor_user_id"]
    })
    refuse_delegated(keystone, ctx, TRUST)
    if request["trustor_user_id"] != ctx.user_id:
        raise Refused(reason="The authenticated user should match the trustor")
    if request.get("project_id") and not request.get("roles"):
        raise Refused(reason="At least one role should be specified")
    origin = caller(keystone, ctx).extra.get(TRUST)
    with changing(keystone, ctx) as change:
        session = change.session
        if session.get(User, request["trustee_user_id"]) is None:
            raise NotKnown("user", request["trustee_user_id"])
        keystone.directory.refresh(session)
        roles = roles_named(session, request.get("roles", []), "trust.roles")
        project_id = request.get("project_id")
        graph = keystone.directory.roles
        mine = held(session, graph, ctx.user_id, project_id) if project_id else {}
        trust = Trust(
            trustor_user_id=ctx.user_id, trustee_user_id=request["trustee_user_id"],
            project_id=project_id, impersonation=request["impersonation"],
            expires_at=moment(request.get("expires_at"), "trust.expires_at"),
            remaining_uses=request.get("remaining_uses"), extra={},
            redelegation_count=_redelegations(request),
        )
        if origin is not None:
            _redelegate(session, trust, roles, origin["id"], request)
        for role in roles:
            if role.id not in mine:
                raise NotKnown("role", role.id)
        change.add("OS-TRUST:trust", trust, project_id=project_id)
        session.add_all(TrustRole(trust_id=trust.id, role_id=role.id) for role in roles)
    return trust, roles


def _redelegations(request: Document) -> int:
    count = request.get("redelegation_count")
    if not request.get("allow_redelegation") or count == 0:
        return 0
    if request.get("remaining_uses") is not None:
        raise Invalid(reason="Invalid input for field/attribute remaining_uses. It must not be set "
                             "if redelegation is allowed")
    if count is not None and count > REDELEGATIONS:
        raise Refused(reason=f"Requested redelegation depth of {count} is greater than allowed "
                             f"{REDELEGATIONS}")
    return REDELEGATIONS if count is None else int(count)


def _redelegate(
    session: Session, trust: Trust, roles: list[Role], origin_id: str, request: Document
) -> None:
    """The new trust is at most what the one it is made with is. Raises Refused."""
    origin = find(session, origin_id)
    given = {role.id for role in roles_of(session, origin_id)}
    if origin.redelegation_count <= 0:
        raise Refused(reason="Remaining redelegation depth of 0 out of allowed range")
    if trust.remaining_uses is not None:
        raise Refused(reason="remaining_uses must not be set in order to redelegate a trust")
    if not {role.id for role in roles} <= given:
        raise Refused(reason="Some of requested roles are not in redelegated trust")
    if trust.project_id != origin.project_id:
        raise Refused(reason="The redelegated trust is of another project")
    if trust.impersonation and not origin.impersonation:
        raise Refused(reason="Impersonation is not allowed because redelegated trust does not "
                             "specify impersonation.")
    if trust.expires_at is None:
        trust.expires_at = origin.expires_at
    elif origin.expires_at is not None and trust.expires_at > origin.expires_at:
        raise Refused(reason="Requested expiration time is more than redelegated trust can provide")
    left = origin.redelegation_count - 1
    asked = request.get("redelegation_count")
    if trust.redelegation_count and asked is not None and asked != left:
        raise Refused(reason="Modifying redelegation_count upon redelegation is forbidden; it "
                             f"would be {left}.")
    trust.redelegated_trust_id = origin_id
    trust.redelegation_count = min(trust.redelegation_count, left)


def find(session: Session, trust_id: str) -> Trust:
    """A trust that holds. Raises NotKnown, for one that is used up or over as well."""
    trust = session.get(Trust, trust_id)
    if trust is None or trust.remaining_uses == 0 or (
        trust.expires_at is not None and trust.expires_at <= utcnow()
    ):
        raise NotKnown("trust", trust_id)
    return trust


def roles_of(session: Session, trust_id: str) -> list[Role]:
    """The roles that a trust gives, by name."""
    query = select(Role).join(TrustRole, TrustRole.role_id == Role.id)
    return list(session.scalars(query.where(TrustRole.trust_id == trust_id).order_by(Role.name)))


def remove(keystone: Keystone, ctx: Context, trust_id: str) -> None:
    """And those that were made with it. Raises NotKnown, Forbidden, Refused."""
    _authorize(keystone, ctx, "identity:delete_trust", trust_id)
    refuse_delegated(keystone, ctx, TRUST)
    with changing(keystone, ctx) as change:
        end(change, Trust.id == trust_id)


def end(change: Change, *conditions: Any) -> None:
    """Delete the trusts that meet these conditions, with those made with them, and end their
    tokens."""
    ended = end_trusts(change, *conditions)
    change.session.execute(delete(Trust).where(Trust.id.in_(ended)))
    for trust_id, project_id in ended.items():
        change.record("OS-TRUST:trust", "deleted", trust_id, project_id=project_id)


def scope_of(
    keystone: Keystone, session: Session, trustee: Person, trust_id: str
) -> tuple[Person, Scope]:
    """Who the trustee becomes, and where. Raises Unauthorized, Refused."""
    try:
        trust = find(session, trust_id)
        chain = _chain(session, trust)
    except NotKnown as gone:
        raise refuse(str(gone)) from gone
    if trust.trustee_user_id != trustee.id:
        raise Refused(reason="Trustee has no right to use this trust.")
    if trust.project_id is None:
        raise refuse("the trust has no project")
    graph = keystone.directory.roles
    given = graph.expand({role.id for role in roles_of(session, trust_id)})
    row = scopes.project_row(session, {"id": trust.project_id})
    trustor = _able(keystone, session, trust.trustor_user_id)
    # Who is at the head of the chain lends; each one between passes it on.
    lenders = {trustor.id: trustor}
    for each in chain:
        _able(keystone, session, each.trustee_user_id)
        lenders[each.trustor_user_id] = _able(keystone, session, each.trustor_user_id)
    for lender_id in {trustor.id, (chain[-1] if chain else trust).trustor_user_id}:
        scope = scopes.of_project(session, graph, lender_id, row)
        kept = {role["id"] for role in scope.roles}
        if not given or not all(role["id"] in kept for role in given):
            raise Refused(reason="The trustor has not all roles of the trust any more.")
    told = {"id": trust_id, "impersonation": trust.impersonation,
            "trustor_user": {"id": trust.trustor_user_id},
            "trustee_user": {"id": trust.trustee_user_id}}
    ends = trust.expires_at.replace(tzinfo=dt.UTC).timestamp() if trust.expires_at else None
    spend = None if trust.remaining_uses is None else partial(_use, keystone.db, trust_id)
    return trustor if trust.impersonation else trustee, Scope(
        scope.document, given, extra={TRUST: told, "delegation_id": trust_id}, end=ends,
        spend=spend,
    )


def _chain(session: Session, trust: Trust) -> list[Trust]:
    """The trusts that this one was made with, nearest first."""
    chain: list[Trust] = []
    while trust.redelegated_trust_id is not None:
        trust = find(session, trust.redelegated_trust_id)
        chain.append(trust)
    return chain


def _able(keystone: Keystone, session: Session, user_id: str) -> Person:
    try:
        row = authentication.lookup(session, {"id": user_id})
        return authentication.person(keystone, row)
    except Unauthorized as wrong:
        raise Refused(reason="A user of the trust is disabled or deleted.") from wrong


def _use(db: Database, trust_id: str) -> None:
    """Take one of the uses that are left; two that ask for the last one are two."""
    with db.writing() as session:
        took = session.execute(
            update(Trust).where(Trust.id == trust_id, Trust.remaining_uses > 0)
            .values(remaining_uses=Trust.remaining_uses - 1)
            .execution_options(synchronize_session=False)
        )
        if not changed(took):
            raise refuse(f"trust {trust_id} is used up")
