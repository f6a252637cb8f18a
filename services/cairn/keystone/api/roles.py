"""/v3/roles and what they imply."""


from sqlalchemy import delete as sql_delete
from sqlalchemy import exists, func, select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import (
    find_domain,
    merged,
    options,
    refuse_immutable,
    refuse_new_id,
)
from cairn.keystone.db.models import ROOT, ImpliedRole, Role
from cairn.keystone.errors import NotKnown, Taken
from cairn.keystone.policy import RULES
from cairn.keystone.providers.directory import ROLES

api = Api(RULES)
COLUMNS = {"name": Role.name, "id": Role.id}
OWN = {"id", "name", "description", "domain_id", "options", "links"}
OPTIONS = {"immutable": bool}


def view(role: Role) -> Document:
    return {**role.extra, "id": role.id, "name": role.name, "domain_id": role.domain_id or None,
            "description": role.description, "options": role.options,
            "links": {"self": link(f"roles/{role.id}")}}


def target(role: Role | None) -> Document:
    if role is None:
        return {}
    return {"target.role.id": role.id, "target.role.name": role.name,
            "target.role.domain_id": role.domain_id or None}


def permitted(keystone: Keystone, ctx: Context, verb: str, role_id: str) -> Role:
    """The role, if the caller may do that to it; one that is not there is a 404 to everybody, for
    who could know which rule it would go by."""
    with keystone.db.reading() as session:
        role = session.get(Role, role_id)
    if role is None:
        raise NotKnown("role", role_id)
    kind = "domain_role" if role.domain_id else "role"
    keystone.policy.enforce(ctx, f"identity:{verb}_{kind}", target(role))
    return role


@api.post("/roles", policy="identity:create_role", body=schemas.ROLE_CREATE, status=201, late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["role"]
    name, domain_id = wanted["name"].strip(), wanted.get("domain_id") or ROOT
    keystone.policy.enforce(
        ctx, "identity:create_domain_role" if domain_id else "identity:create_role"
    )
    with changing(keystone, ctx, "role", f"name {name}") as change:
        if domain_id:
            find_domain(change.session, domain_id)
        # Policy compares role names without case: two that differ in nothing else would be one.
        if change.session.scalar(select(exists().where(
            func.lower(Role.name) == name.lower(), Role.domain_id == domain_id
        ))):
            raise Taken(kind="role", what=f"name {name}")
        role = Role(
            name=name, domain_id=domain_id, description=wanted.get("description"),
            options=options({}, wanted.get("options", {}), OPTIONS),
            extra=merged({}, wanted, OWN),
        )
        change.session.add(role)
        change.touch(ROLES)
    return {"role": view(role)}


@api.get("/roles", policy="identity:list_roles", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    domain_id = query.get("domain_id")
    keystone.policy.enforce(
        ctx, "identity:list_domain_roles" if domain_id else "identity:list_roles", {}
    )
    wanted = select(Role).where(Role.domain_id == (domain_id or ROOT))
    with keystone.db.reading() as session:
        return listed(session, "roles", wanted, query, COLUMNS, Role.id, view)


@api.get("/roles/<role_id>", policy="identity:get_role", late=True)
def show(keystone: Keystone, ctx: Context, role_id: str) -> Document:
    return {"role": view(permitted(keystone, ctx, "get", role_id))}


@api.patch("/roles/<role_id>", policy="identity:update_role", body=schemas.ROLE_UPDATE, late=True)
def update(keystone: Keystone, ctx: Context, role_id: str, body: Document) -> Document:
    permitted(keystone, ctx, "update", role_id)
    wanted = body["role"]
    with changing(keystone, ctx, "role", f"name {wanted.get('name')}") as change:
        role = change.session.get_one(Role, role_id)
        refuse_immutable(role.options, "role", role_id, wanted)
        if (wanted.get("domain_id") or ROOT) != role.domain_id and "domain_id" in wanted:
            raise Invalid(reason="Invalid input for field/attribute domain_id. Cannot change "
                                 "Domain ID")
        refuse_new_id(wanted, role_id)
        if "name" in wanted and wanted["name"].strip() != role.name:
            role.name = wanted["name"].strip()
            # Tokens carry names: those with the old one must go.
            change.revoke(role_id=role_id)
        if "description" in wanted:
            role.description = wanted["description"]
        if "options" in wanted:
            role.options = options(role.options, wanted["options"], OPTIONS)
        role.extra = merged(role.extra, wanted, OWN)
        change.touch(ROLES)
    return {"role": view(role)}


@api.delete("/roles/<role_id>", policy="identity:delete_role", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, role_id: str) -> None:
    permitted(keystone, ctx, "delete", role_id)
    with changing(keystone, ctx) as change:
        session = change.session
        role = session.get_one(Role, role_id)
        refuse_immutable(role.options, "role", role_id)
        assignments.end_tokens_of_role(change, role_id)
        session.execute(sql_delete(Role).where(Role.id == role_id))
        change.touch(ROLES)


def _pair(keystone: Keystone, prior_id: str, implied_id: str | None = None) -> list[Role]:
    with keystone.db.reading() as session:
        found = []
        for role_id in filter(None, (prior_id, implied_id)):
            role = session.get(Role, role_id)
            if role is None:
                raise NotKnown("role", role_id)
            found.append(role)
        return found


def _reference(role: Role) -> Document:
    described = {} if role.description is None else {"description": role.description}
    return {**described, "id": role.id, "name": role.name,
            "links": {"self": link(f"roles/{role.id}")}}


def _inference(prior: Role, implied: Role) -> Document:
    return {"role_inference": {"prior_role": _reference(prior), "implies": _reference(implied)},
            "links": {"self": link(f"roles/{prior.id}/implies/{implied.id}")}}


@api.get("/roles/<prior_id>/implies", policy="identity:list_implied_roles")
def implied(keystone: Keystone, ctx: Context, prior_id: str) -> Document:
    prior, = _pair(keystone, prior_id)
    query = select(Role).join(ImpliedRole, ImpliedRole.implied_id == Role.id).where(
        ImpliedRole.prior_id == prior_id
    )
    with keystone.db.reading() as session:
        follows = [_reference(role) for role in session.scalars(query)]
    return {"role_inference": {"prior_role": _reference(prior), "implies": follows},
            "links": {"self": link(f"roles/{prior_id}/implies")}}


@api.put("/roles/<prior_id>/implies/<implied_id>", policy="identity:create_implied_role",
         status=201)
def imply(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> Document:
    prior, follows = _pair(keystone, prior_id, implied_id)
    if follows.domain_id and not prior.domain_id:
        raise Refused(reason=f"Role {prior_id} is global and cannot imply {implied_id} of a domain")
    if follows.name == "admin" and not follows.domain_id:
        raise Refused(reason="No role may imply admin.")
    with keystone.db.reading() as session:
        keystone.directory.refresh(session)
    if prior_id in keystone.directory.roles.closure.get(implied_id, {implied_id}):
        raise Invalid(reason=f"Role {implied_id} implies {prior_id} already: a circle.")
    what = f"{prior_id} implies {implied_id}"
    with changing(keystone, ctx, "implied_role", what) as change:
        change.session.add(ImpliedRole(prior_id=prior_id, implied_id=implied_id))
        change.touch(ROLES)
    return _inference(prior, follows)


def _implied(keystone: Keystone, prior_id: str, implied_id: str) -> Document:
    prior, follows = _pair(keystone, prior_id, implied_id)
    with keystone.db.reading() as session:
        if session.get(ImpliedRole, (prior_id, implied_id)) is None:
            raise NotKnown("implied role", f"{prior_id} implies {implied_id}")
    return _inference(prior, follows)


# Before GET, which would answer HEAD as well.
@api.head("/roles/<prior_id>/implies/<implied_id>", policy="identity:check_implied_role",
          status=204)
def check_implied(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> None:
    _implied(keystone, prior_id, implied_id)


@api.get("/roles/<prior_id>/implies/<implied_id>", policy="identity:get_implied_role")
def show_implied(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> Document:
    return _implied(keystone, prior_id, implied_id)


@api.delete("/roles/<prior_id>/implies/<implied_id>", policy="identity:delete_implied_role",
            status=204)
def unimply(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> None:
    with changing(keystone, ctx) as change:
        row = change.session.get(ImpliedRole, (prior_id, implied_id))
        if row is None:
            raise NotKnown("implied role", f"{prior_id} implies {implied_id}")
        assignments.end_tokens_of_role(change, prior_id)
        change.session.delete(row)
        change.touch(ROLES)


@api.get("/role_inferences", policy="identity:list_role_inference_rules")
def inferences(keystone: Keystone, ctx: Context) -> Document:
    with keystone.db.reading() as session:
        roles = {role.id: role for role in session.scalars(select(Role))}
        rules: dict[str, list[Document]] = {}
        for row in session.scalars(select(ImpliedRole)):
            rules.setdefault(row.prior_id, []).append(_reference(roles[row.implied_id]))
    return {"role_inferences": [
        {"prior_role": _reference(roles[prior_id]), "implies": follows}
        for prior_id, follows in rules.items()
    ], "links": {"self": link("role_inferences")}}
