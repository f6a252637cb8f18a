"""/v3/registered_limits and /v3/limits: how much of what a project may have; services ask here."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, linked, listed
from cairn.keystone.component import Keystone
from cairn.keystone.core import limits, projects
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import ROOT, Limit, Project, RegisteredLimit
from cairn.keystone.errors import LimitInUse
from cairn.keystone.policy import RULES

api = Api(RULES)
COLUMNS = {"service_id": RegisteredLimit.service_id, "region_id": RegisteredLimit.region_id,
           "resource_name": RegisteredLimit.resource_name}


def _registered_view(row: RegisteredLimit) -> Document:
    return linked({
        "id": row.id, "service_id": row.service_id, "region_id": row.region_id,
        "resource_name": row.resource_name, "default_limit": row.default_limit,
        "description": row.description,
    }, "registered_limits")


@api.post("/registered_limits", policy="identity:create_registered_limits", status=201,
          body=schemas.REGISTERED_LIMITS_CREATE)
def register(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """All of them or none."""
    rows = []
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        for wanted in body["registered_limits"]:
            limits.check_place(change.session, wanted)
            rows.append(RegisteredLimit(**wanted, region_key=wanted.get("region_id") or ROOT))
        change.session.add_all(rows)
    return {"registered_limits": [_registered_view(row) for row in rows]}


@api.get("/registered_limits", policy="identity:list_registered_limits", query=QUERY)
def registered(keystone: Keystone, ctx: Context, query: Query) -> Document:
    with keystone.db.reading() as session:
        return listed(session, "registered_limits", select(RegisteredLimit), query, COLUMNS,
                      RegisteredLimit.id, _registered_view)


@api.get("/registered_limits/<limit_id>", policy="identity:get_registered_limit")
def show_registered(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"registered_limit": _registered_view(limits.registered(session, limit_id))}


@api.patch("/registered_limits/<limit_id>", policy="identity:update_registered_limit",
           body=schemas.REGISTERED_LIMIT_UPDATE)
def update_registered(keystone: Keystone, ctx: Context, limit_id: str, body: Document) -> Document:
    wanted = body["registered_limit"]
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        row = limits.registered(change.session, limit_id)
        # Whatever it is that changes, as upstream has it.
        if limits.used(change.session, limit_id):
            raise LimitInUse(id=limit_id)
        limits.check_place(change.session, wanted)
        for name, value in wanted.items():
            setattr(row, name, value)
        row.region_key = row.region_id or ROOT
    return {"registered_limit": _registered_view(row)}


@api.delete("/registered_limits/<limit_id>", policy="identity:delete_registered_limit", status=204)
def unregister(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    with changing(keystone, ctx) as change:
        row = limits.registered(change.session, limit_id)
        if limits.used(change.session, limit_id):
            raise LimitInUse(id=limit_id)
        change.session.delete(row)


def _view(limit: Limit, of: RegisteredLimit) -> Document:
    return linked({
        "id": limit.id, "service_id": of.service_id, "region_id": of.region_id,
        "resource_name": of.resource_name, "resource_limit": limit.resource_limit,
        "description": limit.description,
        "project_id": None if limit.of_domain else limit.owner_id,
        "domain_id": limit.owner_id if limit.of_domain else None,
    }, "limits")


def of_projects(session: Session, ids: list[str]) -> dict[str, list[Document]]:
    """The limits of these projects, by project."""
    query = select(Limit, RegisteredLimit).join(
        RegisteredLimit, RegisteredLimit.id == Limit.registered_limit_id
    ).where(Limit.owner_id.in_(ids)).order_by(Limit.id)
    found: dict[str, list[Document]] = {}
    for limit, of in session.execute(query):
        found.setdefault(limit.owner_id, []).append(_view(limit, of))
    return found


# Before /limits/<limit_id>, which it is not.
@api.get("/limits/model", policy="identity:get_limit_model")
def model(keystone: Keystone, ctx: Context) -> Document:
    name = keystone.unified_limit.enforcement_model
    return {"model": {"name": name, "description": limits.MODELS[name]}}


@api.post("/limits", policy="identity:create_limits", body=schemas.LIMITS_CREATE, status=201)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """All of them or none."""
    made = limits.create(keystone, ctx, body["limits"])
    return {"limits": [_view(*each) for each in made]}


@api.get("/limits", policy="identity:list_limits", query=QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    wanted: Any = select(Limit).join(
        RegisteredLimit, RegisteredLimit.id == Limit.registered_limit_id
    ).options(contains_eager(Limit.registered))
    for name, of_domain in (("project_id", False), ("domain_id", True)):
        if query.get(name):
            wanted = wanted.where(Limit.owner_id == query.get(name),
                                  Limit.of_domain.is_(of_domain))
    if not (ctx.system or ctx.is_admin or ctx.is_service):
        # One's own, or one's domain's.
        mine = Limit.owner_id == (ctx.domain_id or ctx.project)
        if ctx.domain_id:
            inside = select(Project.id).where(Project.domain_id == ctx.domain_id)
            mine = or_(mine, Limit.owner_id.in_(inside))
        wanted = wanted.where(mine)
    with keystone.db.reading() as session:
        return listed(session, "limits", wanted, query, COLUMNS, Limit.id,
                      lambda limit: _view(limit, limit.registered))


@api.get("/limits/<limit_id>", policy="identity:get_limit", late=True)
def show(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    with keystone.db.reading() as session:
        limit, of = limits.find(session, limit_id)
        owner = projects.find(session, limit.owner_id)
        if limit.of_domain:
            target: Document = {"target.limit.domain.id": owner.id}
        else:
            target = {"target.limit.project_id": owner.id}
            if owner.domain_id:
                target["target.limit.project.domain_id"] = owner.domain_id
        keystone.policy.enforce(ctx, "identity:get_limit", target)
        return {"limit": _view(limit, of)}


@api.patch("/limits/<limit_id>", policy="identity:update_limit", body=schemas.LIMIT_UPDATE)
def update(keystone: Keystone, ctx: Context, limit_id: str, body: Document) -> Document:
    limit, of = limits.update(keystone, ctx, limit_id, body["limit"])
    return {"limit": _view(limit, of)}


@api.delete("/limits/<limit_id>", policy="identity:delete_limit", status=204)
def delete(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(limits.find(change.session, limit_id)[0])
