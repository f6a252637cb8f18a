"""Roles, and what they imply."""

from sqlalchemy import delete as sql_delete
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.common.listing import Part, Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, rows
from cairn.keystone.core.attributes import (
    merge_extra,
    merge_options,
    refuse_immutable,
    refuse_new_domain,
    refuse_new_id,
)
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.core.projects import find_domain
from cairn.keystone.core.targets import describe_role
from cairn.keystone.db.models import ROOT, ImpliedRole, Role
from cairn.keystone.errors import NotKnown, Taken
from cairn.keystone.providers.directory import ROLES

COLUMNS = {"name": Role.name, "id": Role.id}
QUERY = filters(COLUMNS, "domain_id")
OWN = {"id", "name", "description", "domain_id", "options", "links"}
OPTIONS = {"immutable": bool}


def authorize(keystone: Keystone, ctx: Context, verb: str, role_id: str) -> Role:
    """The role, if the caller may do that to it. Raises Forbidden; NotKnown to everybody, for who
    could know which rule it would go by."""
    with keystone.db.reading() as session:
        role = rows.get(session, Role, role_id)
    kind = "domain_role" if role.domain_id else "role"
    keystone.policy.enforce(ctx, f"identity:{verb}_{kind}", describe_role(role))
    return role


def create(keystone: Keystone, ctx: Context, request: Document) -> Role:
    """Make a role, of the cloud or of a domain. Raises Forbidden, NotKnown, Invalid, Taken."""
    name, domain_id = request["name"].strip(), request.get("domain_id") or ROOT
    keystone.policy.enforce(
        ctx, "identity:create_domain_role" if domain_id else "identity:create_role"
    )
    with changing(keystone, ctx, "role", f"name {name}") as change:
        if domain_id:
            find_domain(change.session, domain_id)
        _refuse_same_name(change.session, name, domain_id)
        role = Role(
            name=name, domain_id=domain_id, description=request.get("description"),
            options=merge_options({}, request.get("options", {}), OPTIONS),
            extra=merge_extra({}, request, OWN),
        )
        change.add("role", role)
        change.touch(ROLES)
    return role


def _refuse_same_name(session: Session, name: str, domain_id: str) -> None:
    """Policy compares role names without case: two that differ in nothing else would be one."""
    if session.scalar(select(exists().where(
        func.lower(Role.name) == name.lower(), Role.domain_id == domain_id
    ))):
        raise Taken(kind="role", what=f"name {name}")


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of a domain's roles, or of those of none. Raises Forbidden, Invalid, NotKnown."""
    domain_id = read_value(query, "domain_id")
    keystone.policy.enforce(
        ctx, "identity:list_domain_roles" if domain_id else "identity:list_roles", {}
    )
    statement = select(Role).where(Role.domain_id == (domain_id or ROOT))
    with keystone.db.reading() as session:
        return fetch_page(session, statement, query, COLUMNS, Role.id)


def update(keystone: Keystone, ctx: Context, role_id: str, request: Document) -> Role:
    """Change a role. Raises Forbidden, NotKnown, Immutable, Invalid, Taken."""
    authorize(keystone, ctx, "update", role_id)
    with changing(keystone, ctx, "role", f"name {request.get('name')}") as change:
        role = rows.lock(change.session, Role, role_id)
        refuse_immutable(role.options, "role", role_id, request)
        refuse_new_domain({**request, "domain_id": request["domain_id"] or ROOT}
                          if "domain_id" in request else {}, role.domain_id)
        refuse_new_id(request, role_id)
        if "name" in request and request["name"].strip() != role.name:
            role.name = request["name"].strip()
            # Tokens carry names: those with the old one must go.
            change.revoke(role_id=role_id)
        if "description" in request:
            role.description = request["description"]
        if "options" in request:
            role.options = merge_options(role.options, request["options"], OPTIONS)
        role.extra = merge_extra(role.extra, request, OWN)
        change.record("role", "updated", role_id)
        change.touch(ROLES)
    return role


def delete(keystone: Keystone, ctx: Context, role_id: str) -> None:
    """Delete a role, and end the tokens that carry it or what it implies. Raises Forbidden,
    NotKnown, Immutable."""
    authorize(keystone, ctx, "delete", role_id)
    with changing(keystone, ctx) as change:
        session = change.session
        role = rows.get(session, Role, role_id)
        refuse_immutable(role.options, "role", role_id)
        assignments.end_tokens_of_role(change, role_id)
        session.execute(sql_delete(Role).where(Role.id == role_id))
        change.record("role", "deleted", role_id)
        change.touch(ROLES)


def list_implied(keystone: Keystone, prior_id: str) -> tuple[Role, list[Role]]:
    """The role, and those that it implies. Raises NotKnown."""
    with keystone.db.reading() as session:
        prior = rows.get(session, Role, prior_id)
        statement = select(Role).join(ImpliedRole, ImpliedRole.implied_id == Role.id)
        implied = session.scalars(statement.where(ImpliedRole.prior_id == prior_id))
        return prior, list(implied)


def _get_pair(session: Session, prior_id: str, implied_id: str) -> tuple[Role, Role]:
    return rows.get(session, Role, prior_id), rows.get(session, Role, implied_id)


def imply(
    keystone: Keystone, ctx: Context, prior_id: str, implied_id: str
) -> tuple[Role, Role]:
    """From now on who has the one has the other. Both. Raises NotKnown, Refused, Invalid for a
    circle, Taken."""
    with keystone.db.reading() as session:
        prior, implied = _get_pair(session, prior_id, implied_id)
        keystone.directory.refresh(session)
    if implied.domain_id and not prior.domain_id:
        raise Refused(reason=f"Role {prior_id} is global and cannot imply {implied_id} of a domain")
    if implied.name == "admin" and not implied.domain_id:
        raise Refused(reason="No role may imply admin.")
    if prior_id in keystone.directory.roles.closure.get(implied_id, {implied_id}):
        raise Invalid(reason=f"Role {implied_id} implies {prior_id} already: a circle.")
    what = f"{prior_id} implies {implied_id}"
    with changing(keystone, ctx, "implied_role", what) as change:
        change.session.add(ImpliedRole(prior_id=prior_id, implied_id=implied_id))
        change.record("implied_role", "created", prior_id, implied_role=implied_id)
        change.touch(ROLES)
    return prior, implied


def get_implied(keystone: Keystone, prior_id: str, implied_id: str) -> tuple[Role, Role]:
    """Both, where the one implies the other. Raises NotKnown."""
    with keystone.db.reading() as session:
        pair = _get_pair(session, prior_id, implied_id)
        if session.get(ImpliedRole, (prior_id, implied_id)) is None:
            raise NotKnown("implied role", f"{prior_id} implies {implied_id}")
    return pair


def end_implying(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> None:
    """End that a role implies another, and the tokens that carry the first. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        row = change.session.get(ImpliedRole, (prior_id, implied_id))
        if row is None:
            raise NotKnown("implied role", f"{prior_id} implies {implied_id}")
        assignments.end_tokens_of_role(change, prior_id)
        change.session.delete(row)
        change.record("implied_role", "deleted", prior_id, implied_role=implied_id)
        change.touch(ROLES)


def list_inferences(keystone: Keystone) -> list[tuple[Role, list[Role]]]:
    """Each role that implies any, with those that it implies itself."""
    with keystone.db.reading() as session:
        roles = {role.id: role for role in session.scalars(select(Role))}
        implied: dict[str, list[Role]] = {}
        for row in session.scalars(select(ImpliedRole)):
            implied.setdefault(row.prior_id, []).append(roles[row.implied_id])
    return [(roles[prior_id], follows) for prior_id, follows in implied.items()]
