"""/v3/domains"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, link, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import projects
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import Project
from cairn.keystone.errors import NotKnown
from cairn.keystone.policy import RULES

api = Api(RULES)
COLUMNS = {"name": Project.name, "enabled": Project.enabled, "id": Project.id}


def view(domain: Project, tags: list[str]) -> Document:
    return {
        **domain.extra,
        "id": domain.id, "name": domain.name, "description": domain.description,
        "enabled": domain.enabled, "tags": tags, "options": domain.options,
        "links": {"self": link(f"domains/{domain.id}")},
    }


def views(session: Session, rows: list[Project]) -> Iterable[Document]:
    tags = projects.tags_of(session, [row.id for row in rows])
    return [view(row, tags.get(row.id, [])) for row in rows]


@api.post("/domains", policy="identity:create_domain", body=schemas.DOMAIN_CREATE, status=201)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    wanted = {**body["domain"], "is_domain": True}
    domain = projects.create(keystone, ctx, wanted)
    return {"domain": view(domain, sorted(wanted.get("tags", [])))}


@api.get("/domains", policy="identity:list_domains", query=QUERY, late=True)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    keystone.policy.enforce(ctx, "identity:list_domains", {"target.domain.id": ctx.domain_id or ""})
    wanted = select(Project).where(Project.is_domain)
    if ctx.domain_id:
        # A domain's own people see no other domain's name.
        wanted = wanted.where(Project.id == ctx.domain_id)
    with keystone.db.reading() as session:
        return listed(session, "domains", wanted, query, COLUMNS, Project.id,
                      lambda domain: view(domain, []))


@api.get("/domains/<domain_id>", policy="identity:get_domain", late=True)
def show(keystone: Keystone, ctx: Context, domain_id: str) -> Document:
    with keystone.db.reading() as session:
        domain = projects.get(session, domain_id)
        keystone.policy.enforce(ctx, "identity:get_domain", {"target.domain.id": domain_id})
        if domain is None or not domain.is_domain:
            raise NotKnown("domain", domain_id)
        return {"domain": list(views(session, [domain]))[0]}


@api.patch("/domains/<domain_id>", policy="identity:update_domain", late=True,
           body=schemas.DOMAIN_UPDATE)
def update(keystone: Keystone, ctx: Context, domain_id: str, body: Document) -> Document:
    """What is not there is a 404 to everybody, as upstream has it."""
    with keystone.db.reading() as session:
        projects.find_domain(session, domain_id)
    keystone.policy.enforce(ctx, "identity:update_domain")
    domain = projects.update(keystone, ctx, domain_id, body["domain"], domain=True)
    with keystone.db.reading() as session:
        return {"domain": list(views(session, [domain]))[0]}


@api.delete("/domains/<domain_id>", policy="identity:delete_domain", status=204)
def delete(keystone: Keystone, ctx: Context, domain_id: str) -> None:
    projects.delete_domain(keystone, ctx, domain_id)
