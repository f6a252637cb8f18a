"""/v3/registered_limits and /v3/limits: how much of what a project may have; services ask here."""

from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.keystone.api import schemas
from cairn.keystone.api.views import QUERY, collection, linked
from cairn.keystone.component import Keystone
from cairn.keystone.core import listing, projects
from cairn.keystone.core.changes import changing
from cairn.keystone.core.listing import Query
from cairn.keystone.db.models import ROOT, Limit, Project, Region, RegisteredLimit, Service
from cairn.keystone.errors import LimitInUse, NotKnown, NotRegistered
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


def _check_place(session: Session, wanted: Document) -> None:
    if "service_id" in wanted and session.get(Service, wanted["service_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute service_id. There is no service "
                             f"{wanted['service_id']}.")
    if wanted.get("region_id") and session.get(Region, wanted["region_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute region_id. There is no region "
                             f"{wanted['region_id']}.")


@api.post("/registered_limits", policy="identity:create_registered_limits", status=201,
          body=schemas.REGISTERED_LIMITS_CREATE)
def register(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """All of them or none."""
    rows = []
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        for wanted in body["registered_limits"]:
            _check_place(change.session, wanted)
            rows.append(RegisteredLimit(**wanted, region_key=wanted.get("region_id") or ROOT))
        change.session.add_all(rows)
    return {"registered_limits": [_registered_view(row) for row in rows]}


@api.get("/registered_limits", policy="identity:list_registered_limits", query=QUERY)
def registered(keystone: Keystone, ctx: Context, query: Query) -> Document:
    wanted = listing.narrow(select(RegisteredLimit), query, COLUMNS).order_by(RegisteredLimit.id)
    with keystone.db.reading() as session:
        return collection("registered_limits", map(_registered_view, session.scalars(wanted)))


def _registered(session: Session, limit_id: str) -> RegisteredLimit:
    found = session.get(RegisteredLimit, limit_id)
    if found is None:
        raise NotKnown("registered limit", limit_id)
    return found


@api.get("/registered_limits/<limit_id>", policy="identity:get_registered_limit")
def show_registered(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    with keystone.db.reading() as session:
        return {"registered_limit": _registered_view(_registered(session, limit_id))}


@api.patch("/registered_limits/<limit_id>", policy="identity:update_registered_limit",
           body=schemas.REGISTERED_LIMIT_UPDATE)
def update_registered(keystone: Keystone, ctx: Context, limit_id: str, body: Document) -> Document:
    wanted = body["registered_limit"]
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        row = _registered(change.session, limit_id)
        moves = {"service_id", "region_id", "resource_name"} & set(wanted)
        if moves and _used(change.session, limit_id):
            raise LimitInUse(id=limit_id)
        _check_place(change.session, wanted)
        for name, value in wanted.items():
            setattr(row, name, value)
        row.region_key = row.region_id or ROOT
    return {"registered_limit": _registered_view(row)}


@api.delete("/registered_limits/<limit_id>", policy="identity:delete_registered_limit", status=204)
def unregister(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    with changing(keystone, ctx) as change:
        row = _registered(change.session, limit_id)
        if _used(change.session, limit_id):
            raise LimitInUse(id=limit_id)
        change.session.delete(row)


def _used(session: Session, limit_id: str) -> bool:
    query = select(exists().where(Limit.registered_limit_id == limit_id))
    return bool(session.scalar(query))


def _view(limit: Limit, of: RegisteredLimit) -> Document:
    return linked({
        "id": limit.id, "service_id": of.service_id, "region_id": of.region_id,
        "resource_name": of.resource_name, "resource_limit": limit.resource_limit,
        "description": limit.description,
        "project_id": None if limit.of_domain else limit.owner_id,
        "domain_id": limit.owner_id if limit.of_domain else None,
    }, "limits")


# Before /limits/<limit_id>, which it is not.
@api.get("/limits/model", policy="identity:get_limit_model")
def model(keystone: Keystone, ctx: Context) -> Document:
    return {"model": {
        "name": "flat",
        "description": "Limit enforcement and validation does not take project hierarchy into "
                       "consideration.",
    }}


@api.post("/limits", policy="identity:create_limits", body=schemas.LIMITS_CREATE, status=201)
def create(keystone: Keystone, ctx: Context, body: Document) -> Document:
    """All of them or none."""
    made = []
    with changing(keystone, ctx, "limit", "that owner and resource") as change:
        for wanted in body["limits"]:
            made.append(_make(change.session, wanted))
    return {"limits": [_view(*each) for each in made]}


def _make(session: Session, wanted: Document) -> tuple[Limit, RegisteredLimit]:
    project_id, domain_id = wanted.get("project_id"), wanted.get("domain_id")
    if (project_id is None) == (domain_id is None):
        raise Invalid(reason="Invalid input for field/attribute project_id. A limit is of either a "
                             "project or a domain.")
    if project_id is not None:
        projects.find(session, project_id)
    else:
        projects.find_domain(session, domain_id or "")
    of = session.scalar(select(RegisteredLimit).where(
        RegisteredLimit.service_id == wanted["service_id"],
        RegisteredLimit.resource_name == wanted["resource_name"],
        RegisteredLimit.region_key == (wanted.get("region_id") or ROOT),
    ))
    if of is None:
        raise NotRegistered
    limit = Limit(
        registered_limit_id=of.id, owner_id=project_id or domain_id,
        of_domain=domain_id is not None, resource_limit=wanted["resource_limit"],
        description=wanted.get("description"),
    )
    session.add(limit)
    session.flush()
    return limit, of


@api.get("/limits", policy="identity:list_limits", query=QUERY)
def index(keystone: Keystone, ctx: Context, query: Query) -> Document:
    wanted: Any = select(Limit, RegisteredLimit).join(
        RegisteredLimit, RegisteredLimit.id == Limit.registered_limit_id
    )
    wanted = listing.narrow(wanted, query, COLUMNS).order_by(Limit.id)
    for name, of_domain in (("project_id", False), ("domain_id", True)):
        if query.get(name):
            wanted = wanted.where(Limit.owner_id == query.get(name),
                                  Limit.of_domain.is_(of_domain))
    if not (ctx.system or {"admin", "service"} & ctx.roles):
        # One's own, or one's domain's.
        mine = Limit.owner_id == (ctx.domain_id or ctx.project)
        if ctx.domain_id:
            inside = select(Project.id).where(Project.domain_id == ctx.domain_id)
            mine = or_(mine, Limit.owner_id.in_(inside))
        wanted = wanted.where(mine)
    with keystone.db.reading() as session:
        return collection("limits", [_view(*row) for row in session.execute(wanted)])


def _find(session: Session, limit_id: str) -> tuple[Limit, RegisteredLimit]:
    limit = session.get(Limit, limit_id)
    if limit is None:
        raise NotKnown("limit", limit_id)
    return limit, _registered(session, limit.registered_limit_id)


@api.get("/limits/<limit_id>", policy="identity:get_limit", late=True)
def show(keystone: Keystone, ctx: Context, limit_id: str) -> Document:
    with keystone.db.reading() as session:
        limit, of = _find(session, limit_id)
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
    with changing(keystone, ctx) as change:
        limit, of = _find(change.session, limit_id)
        for name, value in body["limit"].items():
            setattr(limit, name, value)
    return {"limit": _view(limit, of)}


@api.delete("/limits/<limit_id>", policy="identity:delete_limit", status=204)
def delete(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    with changing(keystone, ctx) as change:
        change.session.delete(_find(change.session, limit_id)[0])
