"""What is done with resources of every kind: each function is one transaction, held against policy.

What a kind alone knows (how it is made, changed, deleted, and what else its view shows) its
`Resource` brings, which stands at the end of the kind's own module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.neutron import errors
from cairn.neutron.component import Neutron
from cairn.neutron.core.kinds import Kind, claim, find, guard, target, unscoped
from cairn.neutron.core.listing import Listing, page
from cairn.neutron.core.write import Write, write
from cairn.neutron.policy import RULES

# What a body says of a resource, as `api.schemas.normalize` makes it.
Request = dict[str, Any]
Facts = Mapping[str, Any]

# Saying what is so anyway needs no right to say otherwise.
DEFAULTS: dict[str, Any] = {
    "shared": False, "router:external": False, "is_default": False, "port_security_enabled": True,
    "provider:network_type": None, "provider:physical_network": None,
    "provider:segmentation_id": None, "binding:host_id": "", "device_owner": "",
    "external_gateway_info": None,
}
# Attributes whose values rules look at.
TELLING = ("device_owner", "shared", "router:external")
EMPTY: tuple[Any, ...] = (None, [], {}, "")
_NOTHING = object()

# The attributes of each kind that not everybody who sees the resource sees.
_GUARDED: dict[str, list[str]] = {}
for _rule in RULES:
    if _rule.startswith("get_") and ":" in _rule:
        _name, _, _attribute = _rule.removeprefix("get_").partition(":")
        _GUARDED.setdefault(_name, []).append(_attribute)


@dataclass(frozen=True, slots=True)
class Item:
    """A resource as its view needs it."""

    row: Any
    # What the view shows of other tables; of which type is the kind's.
    related: Any
    # The attributes that are not for this caller.
    hidden: Sequence[str]


@dataclass(frozen=True)
class Resource:
    """What a kind alone knows of how it is made, changed, deleted and shown."""

    kind: Kind
    # Makes what a request asks for, if the caller may; the new row.
    make: Callable[[Write, Request], Any]
    # Changes a row that the transaction holds.
    change: Callable[[Write, Row[Any], Request], None] | None
    delete: Callable[[Write, Row[Any]], None]
    # What policy is told of a row.
    target: Callable[[Any], Facts] = target
    # `Item.related` of each row.
    relate: Callable[[Session, Sequence[Any]], Sequence[Any]] = (
        lambda session, rows: [None] * len(rows))
    # Raises where several new ones do not go together.
    check_together: Callable[[Sequence[Request]], None] = lambda requests: None


def list_items(
    neutron: Neutron, ctx: Context, resource: Resource, listing: Listing
) -> tuple[list[Item], bool]:
    """One page of those the caller sees, and whether there are more beyond. Raises Invalid."""
    with neutron.db.reading() as session:
        part = page(session, ctx, resource.kind, listing)
        return items_of(neutron, ctx, resource, session, part.rows), part.more


def find_item(neutron: Neutron, ctx: Context, resource: Resource, id: str) -> Item:
    """Raises the kind's NotFound, also where the caller may not see it."""
    kind = resource.kind
    with neutron.db.reading() as session:
        row = find(session, ctx, kind, id)
        # Whom a network is open to, its subnets are.
        if kind.shown_with is None and not neutron.policy.allows(
            ctx, f"get_{kind.name}", resource.target(row)
        ):
            raise kind.missing(id)
        return items_of(neutron, ctx, resource, session, [row])[0]


def create_items(
    neutron: Neutron, ctx: Context, resource: Resource, requests: Sequence[Request]
) -> list[Item]:
    """All of them or none. Raises Invalid, Forbidden, Conflict, NotFound."""
    owned = [_owned(ctx, request) for request in requests]

    def work(w: Write) -> list[Item]:
        if len(owned) > 1:
            resource.check_together(owned)
        rows = [resource.make(w, request) for request in owned]
        return items_of(neutron, ctx, resource, w.session, rows)

    return write(neutron, ctx, work)


def change_item(
    neutron: Neutron, ctx: Context, resource: Resource, id: str, request: Request,
    revision: int | None = None,
) -> Item:
    """Another's thing that the caller cannot even see is not found. `revision`, if any, is what it
    must be at. Raises Invalid, Forbidden, Conflict, NotFound, RevisionNumberConstraintFailed."""
    kind, change = resource.kind, resource.change
    assert change is not None

    def work(w: Write) -> Item:
        row = claim(w.session, ctx, kind, id)
        told = {name: request[name] for name in TELLING if name in request}
        guard(neutron.policy, ctx, f"update_{kind.name}", request, {**resource.target(row), **told})
        check_revision(row, revision)
        change(w, row, request)
        after = find(w.session, ctx, kind, id)
        return items_of(neutron, ctx, resource, w.session, [after])[0]

    return write(neutron, ctx, work)


def delete_item(
    neutron: Neutron, ctx: Context, resource: Resource, id: str, revision: int | None = None
) -> None:
    """Raises Forbidden, Conflict, NotFound, RevisionNumberConstraintFailed."""

    def work(w: Write) -> None:
        row = claim(w.session, ctx, resource.kind, id)
        neutron.policy.enforce(ctx, f"delete_{resource.kind.name}", resource.target(row))
        check_revision(row, revision)
        resource.delete(w, row)

    write(neutron, ctx, work)


def check_revision(row: Any, revision: int | None) -> None:
    """Raises RevisionNumberConstraintFailed where somebody changed the row meanwhile."""
    if revision is not None and row.revision != revision:
        raise errors.RevisionNumberConstraintFailed(expected=revision, current=row.revision)


def check_create(w: Write, kind: Kind, request: Request, about: Facts | None = None) -> None:
    """Raises Forbidden, also for a single attribute. `about` is what rules look at beside the
    project."""
    given = {
        name: value for name, value in request.items()
        if value not in EMPTY and value != DEFAULTS.get(name, _NOTHING)
    }
    facts = {"project_id": request["project_id"], "tenant_id": request["project_id"]}
    facts |= {name: request[name] for name in TELLING if name in request}
    guard(w.neutron.policy, w.ctx, f"create_{kind.name}", given, {**facts, **(about or {})})


def made(w: Write, kind: Kind, id: str) -> Row[Any]:
    """The row of what was made just now, which is recorded."""
    row = find(w.session, w.ctx, kind, id)
    w.record(kind.name, "create", row)
    return row


def _owned(ctx: Context, request: Request) -> Request:
    """A new thing as requested, with the project that it will belong to. Raises Invalid where that
    is another than the caller's: only administrators and the cloud's services make things for
    others, whatever a policy says of the thing itself."""
    result = {**request, "project_id": request.get("project_id") or ctx.project}
    if result["project_id"] != ctx.project and not unscoped(ctx):
        raise Invalid(reason="Specifying 'project_id' or 'tenant_id' other than the authenticated "
                             "project in request requires admin privileges")
    if not result["project_id"]:
        raise Invalid(reason="project_id is required: the token is not scoped to a project")
    return result


def items_of(
    neutron: Neutron, ctx: Context, resource: Resource, session: Session, rows: Sequence[Any]
) -> list[Item]:
    """The rows with what their views need, asked for once for all of them."""
    hidden = _hidden(neutron, ctx, resource, rows)
    return [Item(row, related, names) for row, related, names in
            zip(rows, resource.relate(session, rows), hidden, strict=True)]


def _hidden(
    neutron: Neutron, ctx: Context, resource: Resource, rows: Sequence[Any]
) -> list[Sequence[str]]:
    guarded = _GUARDED.get(resource.kind.name)
    if not guarded:
        return [()] * len(rows)
    decided: dict[tuple[Any, ...], list[str]] = {}
    hidden: list[Sequence[str]] = []
    for row in rows:
        facts = resource.target(row)
        key = tuple(facts.values())
        if key not in decided:
            decided[key] = [
                name for name in guarded
                if not neutron.policy.allows(ctx, f"get_{resource.kind.name}:{name}", facts)
            ]
        hidden.append(decided[key])
    return hidden
