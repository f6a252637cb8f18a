"""/v3/users"""

from functools import partial

from cairn.common.api import PUBLIC, Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import projects, schemas
from cairn.keystone.api.views import link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import compliance, users
from cairn.keystone.core.records import User
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(keystone: Keystone, user: User) -> Document:
    expires = user.password_expires_at
    enabled = user.enabled and not compliance.inactive(keystone.compliance, user)
    document = {
        **user.extra,
        "id": user.id, "name": user.name, "domain_id": user.domain_id, "enabled": enabled,
        "options": user.options,
        "password_expires_at": expires.isoformat(timespec="microseconds") if expires else None,
        "links": {"self": link(f"users/{user.id}")},
    }
    if user.default_project_id is not None:
        document["default_project_id"] = user.default_project_id
    return document


@api.post("/users", policy="identity:create_user", body=schemas.USER_CREATE, status=201, late=True,
          event="identity.user.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a user; where no domain is named, in the token's or the default one."""
    return {"user": view(keystone, users.create(keystone, ctx, body["user"]))}


@api.get("/users", policy="identity:list_users", query=users.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the users; with a token of a domain those of that domain."""
    return page("users", users.list_page(keystone, ctx, query), partial(view, keystone))


@api.get("/users/<user_id>", policy="identity:get_user", late=True)
def show(keystone: Keystone, ctx: Context, user_id: str) -> Document:
    """Show a user."""
    return {"user": view(keystone, users.authorize(keystone, ctx, "identity:get_user", user_id))}


@api.patch("/users/<user_id>", policy="identity:update_user", body=schemas.USER_UPDATE, late=True,
           event="identity.user.updated")
def update(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> Document:
    """Change a user; to disable one, or to set a password, ends the user's tokens."""
    return {"user": view(keystone, users.update(keystone, ctx, user_id, body["user"]))}


@api.delete("/users/<user_id>", policy="identity:delete_user", status=204, late=True,
            event="identity.user.deleted")
def delete(keystone: Keystone, ctx: Context, user_id: str) -> None:
    """Delete a user with the user's credentials and trusts; all the user's tokens end."""
    users.delete(keystone, ctx, user_id)


@api.post("/users/<user_id>/password", policy=PUBLIC, body=schemas.USER_PASSWORD, status=204,
          event="identity.user.updated")
def change_password(keystone: Keystone, ctx: Context, user_id: str, body: Document) -> None:
    """Change one's own password; the original one is the proof, no token is asked for."""
    given = body["user"]
    users.change_password(keystone, ctx, user_id, given["original_password"], given["password"])


@api.get("/users/<user_id>/projects", policy="identity:list_user_projects",
         query=users.PROJECTS_QUERY, late=True)
def list_projects(keystone: Keystone, ctx: Context, user_id: str, query: Query) -> Document:
    """List the projects that the user has a role on, by groups and inheritance too."""
    return page("projects", users.list_projects(keystone, ctx, user_id, query), projects.view)
