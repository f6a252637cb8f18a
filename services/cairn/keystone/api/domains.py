"""/v3/domains"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import Query
from cairn.keystone.api import schemas
from cairn.keystone.api.views import link, page
from cairn.keystone.component import Keystone
from cairn.keystone.core import projects
from cairn.keystone.core.projects import ProjectRecord
from cairn.keystone.policy import RULES

api = Api(RULES)


def view(record: ProjectRecord) -> Document:
    domain = record.project
    return {
        **domain.extra,
        "id": domain.id, "name": domain.name, "description": domain.description,
        "enabled": domain.enabled, "tags": record.tags, "options": domain.options,
        "links": {"self": link(f"domains/{domain.id}")},
    }


@api.post("/domains", policy="identity:create_domain", body=schemas.DOMAIN_CREATE, status=201,
          event="identity.domain.created")
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """Create a domain."""
    return {"domain": view(projects.create_domain(keystone, ctx, body["domain"]))}


@api.get("/domains", policy="identity:list_domains", query=projects.DOMAIN_QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    """List the domains; with a token of a domain only that one."""
    return page("domains", projects.list_domains(keystone, ctx, query), view)


@api.get("/domains/<domain_id>", policy="identity:get_domain", late=True)
def show(keystone: Keystone, ctx: Context, domain_id: str) -> Document:
    """Show a domain."""
    return {"domain": view(projects.get_domain(keystone, ctx, domain_id))}


@api.patch("/domains/<domain_id>", policy="identity:update_domain", late=True,
           body=schemas.DOMAIN_UPDATE, event="identity.domain.updated")
def update(keystone: Keystone, ctx: Context, domain_id: str, body: Document) -> Document:
    """Change a domain; to disable it ends the tokens of its users and projects."""
    return {"domain": view(projects.update_domain(keystone, ctx, domain_id, body["domain"]))}


@api.delete("/domains/<domain_id>", policy="identity:delete_domain", status=204,
            event="identity.domain.deleted")
def delete(keystone: Keystone, ctx: Context, domain_id: str) -> None:
    """Delete a domain with its users, groups, projects and roles; 403 while it is enabled."""
    projects.delete_domain(keystone, ctx, domain_id)
