"""What it means to make, find, change and remove a resource provider."""

import uuid as uuids
from collections.abc import Collection
from typing import Any, Protocol, cast

from sqlalchemy import (
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from cairn.common import events
from cairn.common.context import Context
from cairn.common.db import Database, changed, utcnow
from cairn.common.errors import Invalid
from cairn.placement.core import changes
from cairn.placement.core.names import Names
from cairn.placement.core.queries import dashed
from cairn.placement.db.models import (
    Allocation,
    Event,
    Inventory,
    Provider,
    ProviderAggregate,
    ProviderTrait,
)
from cairn.placement.errors import (
    DuplicateProvider,
    GenerationConflict,
    NoProviderToDelete,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
)

_parents, _roots = aliased(Provider), aliased(Provider)
LOOK = select(
    Provider.uuid, Provider.name, Provider.generation,
    func.coalesce(Provider.updated_at, Provider.created_at).label("modified"),
    _parents.uuid.label("parent"), _roots.uuid.label("root"),
).outerjoin(_parents, _parents.id == Provider.parent_id).join(
    _roots, _roots.id == Provider.root_id).where(Provider.uuid == bindparam("uuid"))

_TABLE, _TRAITS, _AGGREGATES = (cast(Table, model.__table__) for model in (
    Provider, ProviderTrait, ProviderAggregate))
IDENTITY = select(_TABLE.c.id, _TABLE.c.uuid, _TABLE.c.generation).where(
    _TABLE.c.uuid == bindparam("uuid"))
TRAITS = select(_TRAITS.c.trait_id).where(_TRAITS.c.provider_id == bindparam("provider"))
AGGREGATES = select(_AGGREGATES.c.aggregate).where(
    _AGGREGATES.c.provider_id == bindparam("provider")).order_by(_AGGREGATES.c.aggregate)


def find(session: Session, uuid: str, *, hold: bool = False) -> Provider:
    """With `hold`, nobody else changes it, or what it has, until the transaction ends."""
    query = select(Provider).where(Provider.uuid == uuid)
    provider = session.scalar(query.with_for_update() if hold else query)
    if provider is None:
        raise ProviderNotFound(id=uuid)
    return provider


class Identity(Protocol):
    """What a provider is told apart by."""

    @property
    def id(self) -> Any: ...
    @property
    def uuid(self) -> Any: ...
    @property
    def generation(self) -> Any: ...


def identify(session: Session, uuid: str) -> Identity:
    """A provider to be looked at, not changed."""
    row = session.connection().execute(IDENTITY, {"uuid": uuid}).first()
    if row is None:
        raise ProviderNotFound(id=uuid)
    return row


def look(session: Session, uuid: str) -> Any:
    """What there is to show of a provider, as a row: with `parent` and `root` uuids."""
    row = session.execute(LOOK, {"uuid": uuid}).first()
    if row is None:
        raise ProviderNotFound(id=uuid)
    return row


def create(session: Session, name: str, uuid: str | None, parent_uuid: str | None) -> Provider:
    """Add a provider of generation 0 with that name, below the parent if one is given. Without
    `uuid` it gets one. Raises DuplicateProvider where another has the name or the uuid, Invalid for
    a parent that is itself or is none."""
    uuid = dashed(uuid) if uuid else str(uuids.uuid4())
    parent = None
    if parent_uuid is not None:
        if dashed(parent_uuid) == uuid:
            raise Invalid(reason=f'Unable to create resource provider "{name}", {uuid}: parent '
                                 "provider UUID cannot be same as UUID.")
        _alone(session)
        parent = _parent(session, parent_uuid)
    provider = Provider(
        uuid=uuid, name=name, generation=0,
        parent_id=parent.id if parent else None, root_id=parent.root_id if parent else None,
    )
    taken = _taken(session, name, uuid)
    if taken:
        raise DuplicateProvider(what=taken)
    session.add(provider)
    try:
        session.flush()
    except IntegrityError:
        raise DuplicateProvider(what=f"name: {name}, or uuid: {uuid},") from None
    if parent is None:
        provider.root_id = provider.id
        session.flush()
    changes.note(session, [provider.id])
    return provider


def _parent(session: Session, uuid: str) -> Provider:
    try:
        return find(session, dashed(uuid), hold=True)
    except ProviderNotFound:
        raise Invalid(reason=f"parent provider UUID does not exist: {uuid}") from None


def _taken(session: Session, name: str, uuid: str) -> str:
    """Which of the two somebody else has."""
    rows = session.execute(select(Provider.name, Provider.uuid).where(
        or_(Provider.name == name, Provider.uuid == uuid))).all()
    taken = [f"name: {name}"] if any(row.name == name for row in rows) else []
    taken += [f"uuid: {uuid}"] if any(row.uuid == uuid for row in rows) else []
    return ", ".join(taken)


def change(
    session: Session, provider: Provider, name: str, parent_uuid: str | None, *,
    may_move: bool,
) -> None:
    """Rename, and set the parent: once from none, and again only from 1.37 on."""
    affected = {provider.id}
    if parent_uuid != parent_of(session, provider):
        _alone(session)
        session.refresh(provider)
        if provider.parent_id is not None and not may_move:
            what = "un-parenting" if parent_uuid is None else "re-parenting"
            raise Invalid(reason=f"Unable to save resource provider {provider.uuid}: "
                                 f"{what} a provider is not currently allowed.")
        affected |= _move(session, provider, parent_uuid)
    provider.name = name
    provider.updated_at = utcnow()
    try:
        session.flush()
    except IntegrityError:
        raise DuplicateProvider(what=name) from None
    changes.note(session, sorted(affected))


def parent_of(session: Session, provider: Provider) -> str | None:
    """The uuid of the provider's parent, None for the root of a tree."""
    return session.scalar(select(Provider.uuid).where(Provider.id == provider.parent_id))


def _alone(session: Session) -> None:
    """Trees change one after another, each waiting here: or two moves could close a ring, and a
    child could be born below somebody who is moving. The lock is the oldest provider's row."""
    session.execute(select(Provider.id).order_by(Provider.id).limit(1).with_for_update())


def _move(session: Session, provider: Provider, parent_uuid: str | None) -> set[int]:
    """Hang the provider, with all that is below it, elsewhere; who is in another tree now."""
    tree = session.execute(
        select(Provider.id, Provider.parent_id).where(Provider.root_id == provider.root_id)
    ).all()
    below = {provider.id}
    while more := {id_ for id_, parent in tree if parent in below} - below:
        below |= more
    root = provider.id
    parent_id = None
    if parent_uuid is not None:
        parent = _parent(session, parent_uuid)
        if parent.id in below:
            raise Invalid(reason=f"Unable to save resource provider {provider.uuid}: creating "
                                 "loop in the provider tree is not allowed.")
        assert parent.root_id is not None
        root, parent_id = parent.root_id, parent.id
    provider.parent_id = parent_id
    session.flush()
    session.execute(update(Provider).where(Provider.id.in_(below)).values(root_id=root))
    session.refresh(provider)
    return below


def remove(session: Session, uuid: str) -> None:
    """Remove a provider with its inventories, traits and aggregates. Raises NoProviderToDelete,
    ProviderHasChildren, ProviderInUse."""
    try:
        provider = find(session, uuid, hold=True)
    except ProviderNotFound:
        raise NoProviderToDelete(id=uuid) from None
    if session.scalar(select(exists().where(Provider.parent_id == provider.id))):
        raise ProviderHasChildren(id=provider.uuid)
    if session.scalar(select(exists().where(Allocation.provider_id == provider.id))):
        raise ProviderInUse(id=provider.uuid)
    for model in (Inventory, ProviderTrait, ProviderAggregate):
        session.execute(delete(model).where(model.provider_id == provider.id))
    session.execute(update(Provider).where(Provider.id == provider.id).values(root_id=None))
    try:
        session.execute(delete(Provider).where(Provider.id == provider.id))
    except IntegrityError:
        # Somebody was given something of it, or a child, since we looked.
        raise ProviderInUse(id=provider.uuid) from None
    changes.note(session, [provider.id])


def check(provider: Provider, generation: int) -> None:
    """Raises GenerationConflict unless the provider is of that generation as it was read. `bump`
    asks the database again."""
    if provider.generation != generation:
        raise GenerationConflict(id=provider.uuid, actual=provider.generation, given=generation)


def bump(session: Session, provider: Provider, expected: int | None = None) -> int:
    """Move to the next generation, from the one the caller knows. Raises GenerationConflict."""
    generation = provider.generation if expected is None else expected
    check(provider, generation)
    moved = session.execute(
        update(Provider).where(Provider.id == provider.id, Provider.generation == generation)
        .values(generation=generation + 1, updated_at=utcnow())
    )
    if not changed(moved):
        raise GenerationConflict(id=provider.uuid, actual="another", given=generation)
    changes.note(session, [provider.id])
    session.refresh(provider)
    return provider.generation


def traits(session: Session, provider: Identity) -> set[int]:
    """The numbers of the provider's traits."""
    return set(session.connection().execute(TRAITS, {"provider": provider.id}).scalars())


def set_traits(session: Session, provider: Provider, trait_ids: set[int]) -> bool:
    """Whether they were others. Raises GenerationConflict. A provider that has them already stays
    of its generation."""
    if traits(session, provider) == trait_ids:
        return False
    bump(session, provider)
    session.execute(delete(ProviderTrait).where(ProviderTrait.provider_id == provider.id))
    rows: list[dict[str, Any]] = [
        {"provider_id": provider.id, "trait_id": t} for t in sorted(trait_ids)]
    if rows:
        session.execute(insert(ProviderTrait), rows)
    return True


def aggregates(session: Session, provider: Identity) -> list[str]:
    """The uuids of the provider's aggregates, in their order."""
    rows = session.connection().execute(AGGREGATES, {"provider": provider.id})
    return list(rows.scalars())


def set_aggregates(session: Session, provider: Provider, uuids_: Collection[str]) -> None:
    """Make these the provider's only aggregates. Its generation stays: who calls moves it, from
    1.19 on."""
    session.execute(
        delete(ProviderAggregate).where(ProviderAggregate.provider_id == provider.id))
    rows = [{"provider_id": provider.id, "aggregate": a} for a in sorted(uuids_)]
    if rows:
        session.execute(insert(ProviderAggregate), rows)
    changes.note(session, [provider.id])


def show_provider(db: Database, uuid: str) -> Any:
    """The provider as a row: LOOK's columns. Raises ProviderNotFound."""
    with db.reading() as session:
        return look(session, uuid)


def record(session: Session, ctx: Context, type_: str, uuid: str, **facts: Any) -> None:
    """Record an event of a provider: a provider is the cloud's, not a project's."""
    Event.record(session, ctx, type_, "resource_provider", uuid, {"uuid": uuid, **facts},
                 project_id="")


def create_provider(
    db: Database, ctx: Context, name: str, uuid: str | None, parent_uuid: str | None
) -> Any:
    """The new provider as `show_provider` has it. Raises DuplicateProvider, Invalid."""
    def work(session: Session) -> Any:
        row = look(session, create(session, name, uuid, parent_uuid).uuid)
        record(session, ctx, "resource_provider.create", row.uuid, name=name, parent=row.parent)
        return row

    return db.write(work)


def update_provider(
    db: Database, ctx: Context, uuid: str, name: str, parent_uuid: str | None, *,
    keep_parent: bool, may_move: bool,
) -> Any:
    """Rename a provider and, without `keep_parent`, hang it below `parent_uuid`; the provider then,
    as `show_provider` has it. Raises ProviderNotFound, DuplicateProvider, Invalid."""
    def work(session: Session) -> Any:
        # In the order of all who change trees: what is written is the request, whole.
        _alone(session)
        provider = find(session, uuid, hold=True)
        parent = parent_of(session, provider) if keep_parent else parent_uuid
        change(session, provider, name, parent, may_move=may_move)
        row = look(session, uuid)
        record(session, ctx, "resource_provider.update", row.uuid, name=name, parent=row.parent)
        return row

    return db.write(work)


def delete_provider(db: Database, ctx: Context, uuid: str) -> None:
    """Raises NoProviderToDelete, ProviderHasChildren, ProviderInUse."""
    def work(session: Session) -> None:
        remove(session, uuid)
        record(session, ctx, "resource_provider.delete", uuid)

    db.write(work)


def list_aggregates(db: Database, uuid: str) -> tuple[int, list[str]]:
    """The provider's generation and its aggregates. Raises ProviderNotFound."""
    with db.reading() as session:
        provider = identify(session, uuid)
        return provider.generation, aggregates(session, provider)


def replace_aggregates(
    db: Database, ctx: Context, uuid: str, uuids_: Collection[str], generation: int | None
) -> int:
    """Make these the provider's aggregates; its generation then. With `generation` that is the
    next one. Raises ProviderNotFound, GenerationConflict."""
    def work(session: Session) -> int:
        provider = find(session, uuid, hold=True)
        if generation is not None:
            bump(session, provider, generation)
        set_aggregates(session, provider, uuids_)
        record(session, ctx, "resource_provider.aggregates.update", uuid,
               aggregates=list(uuids_), generation=provider.generation)
        return provider.generation

    return db.write(work)


def list_traits(db: Database, uuid: str) -> tuple[int, set[int]]:
    """The provider's generation and the numbers of its traits. Raises ProviderNotFound."""
    with db.reading() as session:
        provider = identify(session, uuid)
        return provider.generation, traits(session, provider)


def replace_traits(
    db: Database, ctx: Context, names: Names, uuid: str, trait_names: set[str], generation: int
) -> tuple[int, Collection[int]]:
    """Make these the provider's traits; its generation and their numbers then. Raises
    ProviderNotFound, GenerationConflict, Invalid."""
    ids = names.traits.ids(trait_names)

    def work(session: Session) -> int:
        provider = find(session, uuid)
        check(provider, generation)
        unknown = sorted(trait_names - ids.keys())
        if unknown:
            raise Invalid(reason=f"No such trait {', '.join(unknown)}")
        _replace_traits(session, ctx, provider, set(ids.values()), sorted(trait_names))
        return provider.generation

    return db.write(work), ids.values()


def clear_traits(db: Database, ctx: Context, uuid: str) -> None:
    """Raises ProviderNotFound."""
    db.write(lambda session: _replace_traits(session, ctx, find(session, uuid), set(), []))


def _replace_traits(
    session: Session, ctx: Context, provider: Provider, trait_ids: set[int], names: list[str]
) -> None:
    if set_traits(session, provider, trait_ids):
        record(session, ctx, "resource_provider.traits.update", provider.uuid, traits=names,
               generation=provider.generation)
    else:
        events.unchanged()
