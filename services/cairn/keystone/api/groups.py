"""/v3/groups"""

from functools import partial

from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api import projects, schemas, standing, users
from cairn.keystone.api.views import QUERY, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.core.projects import find_domain, merged, refuse_new_id
from cairn.keystone.db.models import Group, Membership, User
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
COLUMNS = {"name": Group.name, "domain_id": Group.domain_id, "id": Group.id}
OWN = {"id", "name", "description", "domain_id", "links"}


def view(group: Group) -> Document:
    return {**group.extra, "id": group.id, "name": group.name, "description": group.description,
            "domain_id": group.domain_id, "links": {"self": link(f"groups/{group.id}")}}


def target(group: Group | None) -> Document:
    if group is None:
        return {}
    return {"target.group.id": group.id, "target.group.domain_id": group.domain_id}


def permitted(
    keystone: Keystone, ctx: Context, policy: str, group_id: str, user_id: str | None = None
) -> Group:
    """The group, if the caller may do that to it (and to the user)."""
    with keystone.db.reading() as session:
        group = session.get(Group, group_id)
        user = session.get(User, user_id) if user_id is not None else None
    keystone.policy.enforce(ctx, policy, {**target(group), **users.target(user)})
    if group is None:
        raise NotKnown("group", group_id)
    if user_id is not None and user is None:
        raise NotKnown("user", user_id)
    return group


@api.post("/groups", policy="identity:create_group", body=schemas.GROUP_CREATE, status=201,
          late=True)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = body["group"]
    domain_id = wanted.get("domain_id") or projects.default_domain(keystone, ctx, {})
    keystone.policy.enforce(ctx, "identity:create_group", {"target.group.domain_id": domain_id})
    taken = f"name {wanted['name']} at domain ID {domain_id}"
    with changing(keystone, ctx, "group", taken) as change:
        find_domain(change.session, domain_id)
        group = Group(
            domain_id=domain_id, name=wanted["name"].strip(),
            description=wanted.get("description", ""), extra=merged({}, wanted, OWN),
        )
        change.session.add(group)
    return {"group": view(group)}


@api.get("/groups", policy="identity:list_groups", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    domain = ctx.domain_id or query.get("domain_id")
    keystone.policy.enforce(ctx, "identity:list_groups", {"target.group.domain_id": domain or ""})
    wanted = select(Group)
    if ctx.domain_id:
        wanted = wanted.where(Group.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return listed(session, "groups", wanted, query, COLUMNS, Group.id, view)


@api.get("/groups/<group_id>", policy="identity:get_group", late=True)
def show(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    return {"group": view(permitted(keystone, ctx, "identity:get_group", group_id))}


@api.patch("/groups/<group_id>", policy="identity:update_group", body=schemas.GROUP_UPDATE,
           late=True)
def update(keystone: Keystone, ctx: Context, group_id: str, body: Document) -> Document:
    permitted(keystone, ctx, "identity:update_group", group_id)
    wanted = body["group"]
    with changing(keystone, ctx, "group", f"name {wanted.get('name')}") as change:
        group = change.session.get_one(Group, group_id)
        refuse_new_id(wanted, group_id)
        if wanted.get("domain_id", group.domain_id) != group.domain_id:
            raise Invalid(reason="Invalid input for field/attribute domain_id. Cannot change "
                                 "Domain ID")
        if "name" in wanted:
            group.name = wanted["name"].strip()
        if "description" in wanted:
            group.description = wanted["description"]
        group.extra = merged(group.extra, wanted, OWN)
    return {"group": view(group)}


@api.delete("/groups/<group_id>", policy="identity:delete_group", status=204, late=True)
def delete(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """Its members lose what they had by it. What is not there is a 404 to everybody, as upstream
    has it."""
    with keystone.db.reading() as session:
        if session.get(Group, group_id) is None:
            raise NotKnown("group", group_id)
    permitted(keystone, ctx, "identity:delete_group", group_id)
    standing.refuse_above_group(keystone, ctx, group_id)
    with changing(keystone, ctx) as change:
        session = change.session
        members = session.scalars(
            select(Membership.user_id).where(Membership.group_id == group_id)
        )
        assignments.end_tokens_of_group(change, group_id, members)
        assignments.forget(session, actor_id=group_id)
        session.execute(sql_delete(Group).where(Group.id == group_id))


@api.get("/groups/<group_id>/users", policy="identity:list_users_in_group", query=QUERY, late=True)
def members(keystone: Keystone, ctx: Context, group_id: str, query: Query) -> Document:
    permitted(keystone, ctx, "identity:list_users_in_group", group_id)
    wanted = select(User).join(Membership, Membership.user_id == User.id).where(
        Membership.group_id == group_id
    )
    if ctx.domain_id:
        wanted = wanted.where(User.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return listed(session, "users", users.expiring(wanted, query), query, users.COLUMNS,
                      User.id, partial(users.view, keystone))


@api.put("/groups/<group_id>/users/<user_id>", policy="identity:add_user_to_group", status=204,
         late=True)
def add(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    permitted(keystone, ctx, "identity:add_user_to_group", group_id, user_id)
    standing.refuse_above_group(keystone, ctx, group_id)
    with keystone.db.writing() as session:
        session.merge(Membership(user_id=user_id, group_id=group_id))


@api.get("/groups/<group_id>/users/<user_id>", policy="identity:check_user_in_group", status=204,
         late=True)
def check(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    permitted(keystone, ctx, "identity:check_user_in_group", group_id, user_id)
    with keystone.db.reading() as session:
        if session.get(Membership, (user_id, group_id)) is None:
            raise NotKnown("user", f"{user_id} in group {group_id}")


@api.delete("/groups/<group_id>/users/<user_id>", policy="identity:remove_user_from_group",
            status=204, late=True)
def remove(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    permitted(keystone, ctx, "identity:remove_user_from_group", group_id, user_id)
    standing.refuse_above_group(keystone, ctx, group_id)
    with changing(keystone, ctx) as change:
        row = change.session.get(Membership, (user_id, group_id))
        if row is None:
            raise NotKnown("user", f"{user_id} in group {group_id}")
        assignments.end_tokens_of_group(change, group_id, [user_id])
        change.session.delete(row)


@api.get("/users/<user_id>/groups", policy="identity:list_groups_for_user", query=QUERY, late=True)
def groups_of(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    users.permitted(keystone, ctx, "identity:list_groups_for_user", user_id)
    wanted = select(Group).join(Membership, Membership.group_id == Group.id).where(
        Membership.user_id == user_id
    )
    if ctx.domain_id:
        wanted = wanted.where(Group.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return listed(session, "groups", wanted, query, COLUMNS, Group.id,
                      lambda group: {**view(group), "membership_expires_at": None})
