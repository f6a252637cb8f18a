"""Groups of users, and who is in them."""

from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from cairn.common import events
from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.listing import Part, Query, read_value
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, privileges, rows, users
from cairn.keystone.core.attributes import merge_extra, refuse_new_domain, refuse_new_id
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.core.projects import find_domain, read_default_domain
from cairn.keystone.core.targets import describe_group, describe_user
from cairn.keystone.db.models import Group, Membership, User
from cairn.keystone.errors import NotKnown

COLUMNS = {"name": Group.name, "domain_id": Group.domain_id, "id": Group.id}
QUERY, MEMBERS_QUERY = filters(COLUMNS), filters(users.COLUMNS, "password_expires_at")
OWN = {"id", "name", "description", "domain_id", "links"}


def authorize(
    keystone: Keystone, ctx: Context, policy: str, group_id: str, user_id: str | None = None
) -> Group:
    """The group, if the caller may do that to it (and to the user). Raises Forbidden, NotKnown."""
    with keystone.db.reading() as session:
        group = session.get(Group, group_id)
        user = session.get(User, user_id) if user_id is not None else None
    keystone.policy.enforce(ctx, policy, {**describe_group(group), **describe_user(user)})
    if group is None:
        raise NotKnown("group", group_id)
    if user_id is not None and user is None:
        raise NotKnown("user", user_id)
    return group


def create(keystone: Keystone, ctx: Context, request: Document) -> Group:
    """Make a group. Raises Forbidden, NotKnown for the domain, Taken."""
    domain_id = request.get("domain_id") or read_default_domain(keystone, ctx, {})
    keystone.policy.enforce(ctx, "identity:create_group", {"target.group.domain_id": domain_id})
    taken = f"name {request['name']} at domain ID {domain_id}"
    with changing(keystone, ctx, "group", taken) as change:
        find_domain(change.session, domain_id)
        group = Group(
            domain_id=domain_id, name=request["name"].strip(),
            description=request.get("description", ""), extra=merge_extra({}, request, OWN),
        )
        change.add("group", group)
    return group


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of groups; a domain's people see those of their domain. Raises Forbidden, Invalid,
    NotKnown."""
    domain = ctx.domain_id or read_value(query, "domain_id")
    keystone.policy.enforce(ctx, "identity:list_groups", {"target.group.domain_id": domain or ""})
    statement = select(Group)
    if ctx.domain_id:
        statement = statement.where(Group.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return fetch_page(session, statement, query, COLUMNS, Group.id)


def list_of_user(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Part:
    """A page of the groups that a user is in. Raises Forbidden, NotKnown, Invalid."""
    users.authorize(keystone, ctx, "identity:list_groups_for_user", user_id)
    statement = select(Group).join(Membership, Membership.group_id == Group.id).where(
        Membership.user_id == user_id
    )
    if ctx.domain_id:
        statement = statement.where(Group.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return fetch_page(session, statement, query, COLUMNS, Group.id)


def update(keystone: Keystone, ctx: Context, group_id: str, request: Document) -> Group:
    """Change a group. Raises Forbidden, NotKnown, Invalid, Taken."""
    authorize(keystone, ctx, "identity:update_group", group_id)
    with changing(keystone, ctx, "group", f"name {request.get('name')}") as change:
        group = rows.lock(change.session, Group, group_id)
        refuse_new_id(request, group_id)
        refuse_new_domain(request, group.domain_id)
        if "name" in request:
            group.name = request["name"].strip()
        if "description" in request:
            group.description = request["description"]
        group.extra = merge_extra(group.extra, request, OWN)
        change.record("group", "updated", group_id)
    return group


def delete(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """Its members lose what they had by it. Raises Forbidden, Refused; NotKnown to everybody, as
    upstream has it."""
    with keystone.db.reading() as session:
        rows.get(session, Group, group_id)
    authorize(keystone, ctx, "identity:delete_group", group_id)
    privileges.refuse_privileged_group(keystone, ctx, group_id)
    with changing(keystone, ctx) as change:
        session = change.session
        members = session.scalars(
            select(Membership.user_id).where(Membership.group_id == group_id)
        )
        assignments.end_tokens_of_group(change, group_id, members)
        assignments.forget(session, actor_id=group_id)
        session.execute(sql_delete(Group).where(Group.id == group_id))
        change.record("group", "deleted", group_id)


def list_members(keystone: Keystone, ctx: Context, group_id: str, query: Query) -> Part:
    """A page of the users of a group. Raises Forbidden, NotKnown, Invalid."""
    authorize(keystone, ctx, "identity:list_users_in_group", group_id)
    statement = select(User).join(Membership, Membership.user_id == User.id).where(
        Membership.group_id == group_id
    )
    if ctx.domain_id:
        statement = statement.where(User.domain_id == ctx.domain_id)
    with keystone.db.reading() as session:
        return fetch_page(session, users.filter_expiring(statement, query), query, users.COLUMNS,
                          User.id)


def add_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Put a user into a group. Safe to repeat. Raises Forbidden, Refused, NotKnown."""
    authorize(keystone, ctx, "identity:add_user_to_group", group_id, user_id)
    privileges.refuse_privileged_group(keystone, ctx, group_id)
    with changing(keystone, ctx, "membership", f"user {user_id}") as change:
        row = change.session.merge(Membership(user_id=user_id, group_id=group_id))
        if row in change.session.new:
            _record_member(change, "added", group_id, user_id)
        else:
            events.unchanged()


def _record_member(change: Change, operation: str, group_id: str, user_id: str) -> None:
    change.record("group", "updated", group_id, actor_id=user_id, actor_type="user",
                  actor_operation=operation)


def check_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Whether a user is in a group. Raises Forbidden, NotKnown."""
    authorize(keystone, ctx, "identity:check_user_in_group", group_id, user_id)
    with keystone.db.reading() as session:
        if session.get(Membership, (user_id, group_id)) is None:
            raise NotKnown("user", f"{user_id} in group {group_id}")


def remove_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Take a user out of a group, and end the tokens that carry its roles. Raises Forbidden,
    Refused, NotKnown."""
    authorize(keystone, ctx, "identity:remove_user_from_group", group_id, user_id)
    privileges.refuse_privileged_group(keystone, ctx, group_id)
    with changing(keystone, ctx) as change:
        row = change.session.get(Membership, (user_id, group_id))
        if row is None:
            raise NotKnown("user", f"{user_id} in group {group_id}")
        assignments.end_tokens_of_group(change, group_id, [user_id])
        change.session.delete(row)
        _record_member(change, "removed", group_id, user_id)
