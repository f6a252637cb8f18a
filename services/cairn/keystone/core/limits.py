"""Unified limits: registered for everybody, set for one, and how they go together in a tree.

Flat: not at all. Strict two level: domains over projects (and those over theirs), and nobody may
have more than what is above; what is above and has no limit of its own has the registered one.
"""


from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, contains_eager

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.common.listing import Part, Query, read_value
from cairn.common.settings import BadSetting
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments, projects, rows
from cairn.keystone.core.changes import Change, changing
from cairn.keystone.core.listing import fetch_page, filters
from cairn.keystone.db.models import ROOT, Limit, Project, Region, RegisteredLimit, Service
from cairn.keystone.errors import LimitInUse, NotRegistered

FLAT, STRICT = "flat", "strict_two_level"
# As the API tells them.
MODELS = {
    FLAT: "Limit enforcement and validation does not take project hierarchy into consideration.",
    STRICT: "This model requires project hierarchy never exceeds a depth of two",
}
UNLIMITED = -1

Both = tuple[Limit, RegisteredLimit]
REGISTERED = {"service_id": RegisteredLimit.service_id, "region_id": RegisteredLimit.region_id,
              "resource_name": RegisteredLimit.resource_name, "id": RegisteredLimit.id}
COLUMNS = {**REGISTERED, "id": Limit.id}
REGISTERED_QUERY, QUERY = filters(REGISTERED), filters(COLUMNS, "project_id", "domain_id")


class OutOfBounds(Refused):
    message = "Invalid resource limit: {reason}."


def check_model(name: str) -> None:
    """Hold the setting against the models there are. Raises BadSetting for one nobody knows."""
    if name not in MODELS:
        raise BadSetting(f"[unified_limit] enforcement_model: {name} is none of "
                         f"{', '.join(MODELS)}")


def _check_place(session: Session, request: Document) -> None:
    """What a limit is about must be there. Raises Invalid."""
    if "service_id" in request and session.get(Service, request["service_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute service_id. There is no service "
                             f"{request['service_id']}.")
    if request.get("region_id") and session.get(Region, request["region_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute region_id. There is no region "
                             f"{request['region_id']}.")


def _find_registered(session: Session, limit_id: str) -> RegisteredLimit:
    return rows.lock(session, RegisteredLimit, limit_id, "registered limit")


def _refuse_used(session: Session, limit_id: str) -> None:
    if session.scalar(select(exists().where(Limit.registered_limit_id == limit_id))):
        raise LimitInUse(id=limit_id)


def register(keystone: Keystone, ctx: Context, request: list[Document]) -> list[RegisteredLimit]:
    """All of them or none. Raises Invalid, Taken."""
    made = []
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        for each in request:
            _check_place(change.session, each)
            made.append(RegisteredLimit(**each, region_key=each.get("region_id") or ROOT))
        change.session.add_all(made)
        change.session.flush()
        for row in made:
            change.record("registered_limit", "created", row.id)
    return made


def list_registered(keystone: Keystone, query: Query) -> Part:
    """A page of registered limits. Raises Invalid, NotKnown."""
    with keystone.db.reading() as session:
        return fetch_page(session, select(RegisteredLimit), query, REGISTERED, RegisteredLimit.id)


def get_registered(keystone: Keystone, limit_id: str) -> RegisteredLimit:
    """A registered limit. Raises NotKnown."""
    with keystone.db.reading() as session:
        return rows.get(session, RegisteredLimit, limit_id, "registered limit")


def update_registered(
    keystone: Keystone, ctx: Context, limit_id: str, request: Document
) -> RegisteredLimit:
    """Change a registered limit. Raises NotKnown, Invalid, Taken; LimitInUse whatever it is that
    changes, as upstream has it."""
    with changing(keystone, ctx, "registered_limit", "that service, region and name") as change:
        row = _find_registered(change.session, limit_id)
        _refuse_used(change.session, limit_id)
        _check_place(change.session, request)
        for name, value in request.items():
            setattr(row, name, value)
        row.region_key = row.region_id or ROOT
        change.record("registered_limit", "updated", limit_id)
    return row


def unregister(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    """Delete a registered limit. Raises NotKnown, LimitInUse."""
    with changing(keystone, ctx) as change:
        row = _find_registered(change.session, limit_id)
        _refuse_used(change.session, limit_id)
        change.session.delete(row)
        change.record("registered_limit", "deleted", limit_id)


def _find(session: Session, limit_id: str) -> Both:
    limit = rows.get(session, Limit, limit_id)
    return limit, session.get_one(RegisteredLimit, limit.registered_limit_id)


def list_page(keystone: Keystone, ctx: Context, query: Query) -> Part:
    """A page of limits, with what each is registered as; of those the caller may see. Raises
    Invalid, NotKnown."""
    statement: Any = select(Limit).join(
        RegisteredLimit, RegisteredLimit.id == Limit.registered_limit_id
    ).options(contains_eager(Limit.registered))
    for name, of_domain in (("project_id", False), ("domain_id", True)):
        owner_id = read_value(query, name)
        if owner_id:
            statement = statement.where(Limit.owner_id == owner_id, Limit.of_domain.is_(of_domain))
    if not (ctx.system or ctx.is_admin or ctx.is_service):
        # One's own, or one's domain's.
        mine = Limit.owner_id == (ctx.domain_id or ctx.project)
        if ctx.domain_id:
            inside = select(Project.id).where(Project.domain_id == ctx.domain_id)
            mine = or_(mine, Limit.owner_id.in_(inside))
        statement = statement.where(mine)
    with keystone.db.reading() as session:
        return fetch_page(session, statement, query, COLUMNS, Limit.id)


def get(keystone: Keystone, ctx: Context, limit_id: str) -> Both:
    """The limit and what it is registered as, if the caller may see it. Raises NotKnown,
    Forbidden."""
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
    return limit, of


def of_projects(session: Session, ids: list[str]) -> dict[str, list[Both]]:
    """The limits of these projects, by project."""
    statement = select(Limit, RegisteredLimit).join(
        RegisteredLimit, RegisteredLimit.id == Limit.registered_limit_id
    ).where(Limit.owner_id.in_(ids)).order_by(Limit.id)
    limits: dict[str, list[Both]] = {}
    for limit, of in session.execute(statement):
        limits.setdefault(limit.owner_id, []).append((limit, of))
    return limits


def create(keystone: Keystone, ctx: Context, request: list[Document]) -> list[Both]:
    """All of them or none; held against each other as much as against those there are."""
    with changing(keystone, ctx, "limit", "that owner and resource") as change:
        made = [_make(change.session, each) for each in request]
        for limit, of in made:
            _check(keystone, change.session, limit, of)
            _record(change, "created", limit)
    return made


def _record(change: Change, verb: str, limit: Limit) -> None:
    change.record("limit", verb, limit.id, project_id=limit.owner_id)


def _make(session: Session, request: Document) -> Both:
    project_id, domain_id = request.get("project_id"), request.get("domain_id")
    if (project_id is None) == (domain_id is None):
        raise Invalid(reason="Invalid input for field/attribute project_id. A limit is of either a "
                             "project or a domain.")
    _check_place(session, request)
    owner = session.get(Project, project_id or domain_id)
    if owner is None or (domain_id is not None and not owner.is_domain):
        field = "project_id" if domain_id is None else "domain_id"
        raise Invalid(reason=f"Invalid input for field/attribute {field}. There is no such "
                             f"{field.removesuffix('_id')}: {project_id or domain_id}.")
    of = session.scalar(select(RegisteredLimit).where(
        RegisteredLimit.service_id == request["service_id"],
        RegisteredLimit.resource_name == request["resource_name"],
        RegisteredLimit.region_key == (request.get("region_id") or ROOT),
    ))
    if of is None:
        raise NotRegistered
    limit = Limit(
        registered_limit_id=of.id, owner_id=owner.id, of_domain=owner.is_domain,
        resource_limit=request["resource_limit"], description=request.get("description"),
    )
    session.add(limit)
    session.flush()
    return limit, of


def update(keystone: Keystone, ctx: Context, limit_id: str, request: Document) -> Both:
    """Change a limit. Raises NotKnown; OutOfBounds where the tree of projects forbids it."""
    with changing(keystone, ctx) as change:
        limit, of = _find(change.session, limit_id)
        for name, value in request.items():
            setattr(limit, name, value)
        change.session.flush()
        _check(keystone, change.session, limit, of)
        _record(change, "updated", limit)
    return limit, of


def _check(keystone: Keystone, session: Session, limit: Limit, of: RegisteredLimit) -> None:
    if keystone.unified_limit.enforcement_model != STRICT:
        return
    owner = session.get_one(Project, limit.owner_id)
    if owner.parent_id is not None:
        above = _of(session, of, {owner.parent_id}).get(owner.parent_id, of.default_limit)
        if _more(limit.resource_limit, above):
            raise OutOfBounds(reason=f"{limit.resource_limit} of {of.resource_name} is more than "
                                     f"what {owner.parent_id} above {owner.id} has, {above}")
    below = assignments.below(session, "domain" if limit.of_domain else "project", owner.id)
    for owner_id, value in _of(session, of, below).items():
        if _more(value, limit.resource_limit):
            raise OutOfBounds(reason=f"{limit.resource_limit} of {of.resource_name} is less than "
                                     f"what {owner_id} below {owner.id} has, {value}")


def _of(session: Session, of: RegisteredLimit, owners: set[str]) -> dict[str, int]:
    query = select(Limit.owner_id, Limit.resource_limit).where(
        Limit.registered_limit_id == of.id, Limit.owner_id.in_(owners)
    )
    return {row.owner_id: row.resource_limit for row in session.execute(query)}


def _more(one: int, other: int) -> bool:
    return other != UNLIMITED and (one == UNLIMITED or one > other)


def delete(keystone: Keystone, ctx: Context, limit_id: str) -> None:
    """Delete a limit: what is registered holds again. Raises NotKnown."""
    with changing(keystone, ctx) as change:
        limit, _ = _find(change.session, limit_id)
        change.session.delete(limit)
        _record(change, "deleted", limit)
