"""Unified limits: registered for everybody, set for one, and how they go together in a tree.

Flat: not at all. Strict two level: domains over projects (and those over theirs), and nobody may
have more than what is above; what is above and has no limit of its own has the registered one.
"""


from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.common.settings import BadSetting
from cairn.keystone.component import Keystone
from cairn.keystone.core import assignments
from cairn.keystone.core.changes import changing
from cairn.keystone.db.models import ROOT, Limit, Project, Region, RegisteredLimit, Service
from cairn.keystone.errors import NotKnown, NotRegistered

FLAT, STRICT = "flat", "strict_two_level"
# As the API tells them.
MODELS = {
    FLAT: "Limit enforcement and validation does not take project hierarchy into consideration.",
    STRICT: "This model requires project hierarchy never exceeds a depth of two",
}
UNLIMITED = -1

Both = tuple[Limit, RegisteredLimit]


class OutOfBounds(Refused):
    message = "Invalid resource limit: {reason}."


def check_model(name: str) -> None:
    """Raises BadSetting for one nobody knows."""
    if name not in MODELS:
        raise BadSetting(f"[unified_limit] enforcement_model: {name} is none of "
                         f"{', '.join(MODELS)}")


def check_place(session: Session, wanted: Document) -> None:
    """What a limit is about must be there. Raises Invalid."""
    if "service_id" in wanted and session.get(Service, wanted["service_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute service_id. There is no service "
                             f"{wanted['service_id']}.")
    if wanted.get("region_id") and session.get(Region, wanted["region_id"]) is None:
        raise Invalid(reason="Invalid input for field/attribute region_id. There is no region "
                             f"{wanted['region_id']}.")


def registered(session: Session, limit_id: str) -> RegisteredLimit:
    found = session.get(RegisteredLimit, limit_id)
    if found is None:
        raise NotKnown("registered limit", limit_id)
    return found


def used(session: Session, limit_id: str) -> bool:
    return bool(session.scalar(select(exists().where(Limit.registered_limit_id == limit_id))))


def find(session: Session, limit_id: str) -> Both:
    limit = session.get(Limit, limit_id)
    if limit is None:
        raise NotKnown("limit", limit_id)
    return limit, registered(session, limit.registered_limit_id)


def create(keystone: Keystone, ctx: Context, wanted: list[Document]) -> list[Both]:
    """All of them or none; held against each other as much as against those there are."""
    with changing(keystone, ctx, "limit", "that owner and resource") as change:
        made = [_make(change.session, each) for each in wanted]
        for limit, of in made:
            _check(keystone, change.session, limit, of)
    return made


def _make(session: Session, wanted: Document) -> Both:
    project_id, domain_id = wanted.get("project_id"), wanted.get("domain_id")
    if (project_id is None) == (domain_id is None):
        raise Invalid(reason="Invalid input for field/attribute project_id. A limit is of either a "
                             "project or a domain.")
    check_place(session, wanted)
    owner = session.get(Project, project_id or domain_id)
    if owner is None or (domain_id is not None and not owner.is_domain):
        field = "project_id" if domain_id is None else "domain_id"
        raise Invalid(reason=f"Invalid input for field/attribute {field}. There is no such "
                             f"{field.removesuffix('_id')}: {project_id or domain_id}.")
    of = session.scalar(select(RegisteredLimit).where(
        RegisteredLimit.service_id == wanted["service_id"],
        RegisteredLimit.resource_name == wanted["resource_name"],
        RegisteredLimit.region_key == (wanted.get("region_id") or ROOT),
    ))
    if of is None:
        raise NotRegistered
    limit = Limit(
        registered_limit_id=of.id, owner_id=owner.id, of_domain=owner.is_domain,
        resource_limit=wanted["resource_limit"], description=wanted.get("description"),
    )
    session.add(limit)
    session.flush()
    return limit, of


def update(keystone: Keystone, ctx: Context, limit_id: str, wanted: Document) -> Both:
    with changing(keystone, ctx) as change:
        limit, of = find(change.session, limit_id)
        for name, value in wanted.items():
            setattr(limit, name, value)
        change.session.flush()
        _check(keystone, change.session, limit, of)
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
