"""/v3/roles and what they imply."""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import roles
from cairn.keystone.core.records import Role
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(role: Role) -> Document:
    return {**role.extra, "id": role.id, "name": role.name, "domain_id": role.domain_id or None,
            "description": role.description, "options": role.options,
            "links": {"self": link(f"roles/{role.id}")}}


@api.post("/roles", policy="identity:create_role", body=schemas.ROLE_CREATE, status=201, late=True,
          event="identity.role.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a role; with domain_id, one for that domain's projects only."""
    return {"role": view(roles.create(keystone, ctx, body["role"]))}


@api.get("/roles", policy="identity:list_roles", query=roles.QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the roles of the cloud, or with domain_id those of that domain."""
    return page("roles", roles.list_page(keystone, ctx, query), view)


@api.get("/roles/<role_id>", policy="identity:get_role", late=True)
def show(keystone: Keystone, ctx: Context, role_id: str) -> Document:
    """Show a role."""
    return {"role": view(roles.authorize(keystone, ctx, "get", role_id))}


@api.patch("/roles/<role_id>", policy="identity:update_role", body=schemas.ROLE_UPDATE, late=True,
           event="identity.role.updated")
def update(keystone: Keystone, ctx: Context, role_id: str, body: Document) -> Document:
    """Change a role; a new name ends the tokens that carry it."""
    return {"role": view(roles.update(keystone, ctx, role_id, body["role"]))}


@api.delete("/roles/<role_id>", policy="identity:delete_role", status=204, late=True,
            event="identity.role.deleted")
def delete(keystone: Keystone, ctx: Context, role_id: str) -> None:
    """Delete a role with its assignments; the tokens that carry it end."""
    roles.delete(keystone, ctx, role_id)


def _reference(role: Role) -> Document:
    described = {} if role.description is None else {"description": role.description}
    return {**described, "id": role.id, "name": role.name,
            "links": {"self": link(f"roles/{role.id}")}}


def _inference(prior: Role, implied: Role) -> Document:
    return {"role_inference": {"prior_role": _reference(prior), "implies": _reference(implied)},
            "links": {"self": link(f"roles/{prior.id}/implies/{implied.id}")}}


@api.get("/roles/<prior_id>/implies", policy="identity:list_implied_roles")
def list_implied(keystone: Keystone, ctx: Context, prior_id: str) -> Document:
    """List the roles that a role implies itself, not those that these imply."""
    prior, implied = roles.list_implied(keystone, prior_id)
    return {"role_inference": {"prior_role": _reference(prior),
                               "implies": [_reference(role) for role in implied]},
            "links": {"self": link(f"roles/{prior_id}/implies")}}


@api.put("/roles/<prior_id>/implies/<implied_id>", policy="identity:create_implied_role",
         status=201, event="identity.implied_role.created")
def imply(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> Document:
    """Make a role imply another; 400 for a circle, 409 if it does already."""
    return _inference(*roles.imply(keystone, ctx, prior_id, implied_id))


# Before GET, which would answer HEAD as well.
@api.head("/roles/<prior_id>/implies/<implied_id>", policy="identity:check_implied_role",
          status=204)
def check_implied(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> None:
    """Check that a role implies another; 404 if it does not."""
    roles.get_implied(keystone, prior_id, implied_id)


@api.get("/roles/<prior_id>/implies/<implied_id>", policy="identity:get_implied_role")
def show_implied(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> Document:
    """Show a role and one that it implies; 404 if it does not."""
    return _inference(*roles.get_implied(keystone, prior_id, implied_id))


@api.delete("/roles/<prior_id>/implies/<implied_id>", policy="identity:delete_implied_role",
            status=204, event="identity.implied_role.deleted")
def end_implying(keystone: Keystone, ctx: Context, prior_id: str, implied_id: str) -> None:
    """End that a role implies another; the tokens that carry the first one end."""
    roles.end_implying(keystone, ctx, prior_id, implied_id)


@api.get("/role_inferences", policy="identity:list_role_inference_rules")
def list_inferences(keystone: Keystone, ctx: Context) -> Document:
    """List each role that implies others, with those."""
    return {"role_inferences": [
        {"prior_role": _reference(prior), "implies": [_reference(role) for role in implied]}
        for prior, implied in roles.list_inferences(keystone)
    ], "links": {"self": link("role_inferences")}}
