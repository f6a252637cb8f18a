"""/v3/groups"""

from functools import partial

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas, users
from cairn.keystone.api.views import link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import groups
from cairn.keystone.core.records import Group
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(group: Group) -> Document:
    return {**group.extra, "id": group.id, "name": group.name, "description": group.description,
            "domain_id": group.domain_id, "links": {"self": link(f"groups/{group.id}")}}


@api.post("/groups", policy="identity:create_group", body=schemas.GROUP_CREATE, status=201,
          late=True, event="identity.group.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a group; where no domain is named, in the token's or the default one."""
    return {"group": view(groups.create(keystone, ctx, body["group"]))}


@api.get("/groups", policy="identity:list_groups", query=groups.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the groups; with a token of a domain those of that domain."""
    return page("groups", groups.list_page(keystone, ctx, query), view)


@api.get("/groups/<group_id>", policy="identity:get_group", late=True)
def show(keystone: Keystone, ctx: Context, group_id: str) -> Document:
    """Show a group."""
    return {"group": view(groups.authorize(keystone, ctx, "identity:get_group", group_id))}


@api.patch("/groups/<group_id>", policy="identity:update_group", body=schemas.GROUP_UPDATE,
           late=True, event="identity.group.updated")
def update(keystone: Keystone, ctx: Context, group_id: str, body: Document) -> Document:
    """Change a group; its domain stays."""
    return {"group": view(groups.update(keystone, ctx, group_id, body["group"]))}


@api.delete("/groups/<group_id>", policy="identity:delete_group", status=204, late=True,
            event="identity.group.deleted")
def delete(keystone: Keystone, ctx: Context, group_id: str) -> None:
    """Delete a group; its members' tokens that carry its roles end."""
    groups.delete(keystone, ctx, group_id)


@api.get("/groups/<group_id>/users", policy="identity:list_users_in_group",
         query=groups.MEMBERS_QUERY, late=True)
def list_members(keystone: Keystone, ctx: Context, group_id: str, query: Query) -> Document:
    """List the users in a group."""
    members = groups.list_members(keystone, ctx, group_id, query)
    return page("users", members, partial(users.view, keystone))


@api.put("/groups/<group_id>/users/<user_id>", policy="identity:add_user_to_group", status=204,
         late=True, event="identity.group.updated")
def add_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Add a user to a group; to repeat it changes nothing."""
    groups.add_member(keystone, ctx, group_id, user_id)


@api.get("/groups/<group_id>/users/<user_id>", policy="identity:check_user_in_group", status=204,
         late=True)
def check_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Check that a user is in a group; 404 if not."""
    groups.check_member(keystone, ctx, group_id, user_id)


@api.delete("/groups/<group_id>/users/<user_id>", policy="identity:remove_user_from_group",
            status=204, late=True, event="identity.group.updated")
def remove_member(keystone: Keystone, ctx: Context, group_id: str, user_id: str) -> None:
    """Remove a user from a group; the user's tokens that carry its roles end."""
    groups.remove_member(keystone, ctx, group_id, user_id)


@api.get("/users/<user_id>/groups", policy="identity:list_groups_for_user",
         query=groups.QUERY, late=True)
def list_of_user(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    """List the groups that a user is in."""
    return page("groups", groups.list_of_user(keystone, ctx, user_id, query),
                lambda group: {**view(group), "membership_expires_at": None})
