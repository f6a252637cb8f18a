"""What it means to make, find, change and remove a resource provider."""

import uuid as uuids
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.placement.db.models import (
    Allocation,
    Inventory,
    Provider,
    ProviderAggregate,
    ProviderTrait,
)
from cairn.placement.errors import (
    DuplicateName,
    GenerationConflict,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
)


def find(session: Session, uuid: str) -> Provider:
    provider = session.scalar(select(Provider).where(Provider.uuid == uuid))
    if provider is None:
        raise ProviderNotFound(id=uuid)
    return provider


def create(session: Session, name: str, uuid: str | None, parent_uuid: str | None) -> Provider:
    parent = None
    if parent_uuid is not None:
        parent = session.scalar(select(Provider).where(Provider.uuid == parent_uuid))
        if parent is None:
            raise Invalid(reason=f"parent provider UUID '{parent_uuid}' does not exist.")
    provider = Provider(
        uuid=uuid or str(uuids.uuid4()), name=name, generation=0,
        parent_id=parent.id if parent else None, root_id=parent.root_id if parent else None,
    )
    session.add(provider)
    try:
        session.flush()
    except IntegrityError:
        raise DuplicateName(name=name) from None
    if parent is None:
        provider.root_id = provider.id
        session.flush()
    return provider


def change(
    session: Session, provider: Provider, name: str, parent_uuid: str | None, *,
    may_move: bool,
) -> None:
    """Rename, and set the parent: once from none, and again only from 1.37 on."""
    provider.name = name
    current = session.get(Provider, provider.parent_id) if provider.parent_id else None
    if parent_uuid != (current.uuid if current else None):
        if current is not None and not may_move:
            raise Invalid(reason="re-parenting a provider is not currently allowed.")
        _move(session, provider, parent_uuid)
    try:
        session.flush()
    except IntegrityError:
        raise DuplicateName(name=name) from None


def _move(session: Session, provider: Provider, parent_uuid: str | None) -> None:
    tree = session.execute(
        select(Provider.id, Provider.parent_id).where(Provider.root_id == provider.root_id)
    ).all()
    below = {provider.id}
    while more := {id_ for id_, parent in tree if parent in below} - below:
        below |= more
    root = provider.id
    parent_id = None
    if parent_uuid is not None:
        parent = session.scalar(select(Provider).where(Provider.uuid == parent_uuid))
        if parent is None:
            raise Invalid(reason=f"parent provider UUID '{parent_uuid}' does not exist.")
        if parent.id in below:
            raise Invalid(reason="creating loop in the provider tree is not allowed.")
        assert parent.root_id is not None
        root, parent_id = parent.root_id, parent.id
    provider.parent_id = parent_id
    session.flush()
    session.execute(update(Provider).where(Provider.id.in_(below)).values(root_id=root))
    session.refresh(provider)


def remove(session: Session, provider: Provider) -> None:
    if session.scalar(select(exists().where(Provider.parent_id == provider.id))):
        raise ProviderHasChildren(id=provider.uuid)
    if session.scalar(select(exists().where(Allocation.provider_id == provider.id))):
        raise ProviderInUse(id=provider.uuid)
    for model in (Inventory, ProviderTrait, ProviderAggregate):
        session.execute(delete(model).where(model.provider_id == provider.id))
    session.execute(update(Provider).where(Provider.id == provider.id).values(root_id=None))
    session.execute(delete(Provider).where(Provider.id == provider.id))


def bump(session: Session, provider: Provider, expected: int | None = None) -> int:
    """Move to the next generation, from the one the caller knows. Raises GenerationConflict."""
    known = provider.generation if expected is None else expected
    moved = session.execute(
        update(Provider).where(Provider.id == provider.id, Provider.generation == known)
        .values(generation=known + 1, updated_at=utcnow())
    )
    assert isinstance(moved, CursorResult)
    if moved.rowcount == 0:
        raise GenerationConflict
    session.refresh(provider)
    return provider.generation


def traits(session: Session, provider_ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {id_: set() for id_ in provider_ids}
    query = select(ProviderTrait.provider_id, ProviderTrait.trait_id)
    for provider_id, trait_id in session.execute(
        query.where(ProviderTrait.provider_id.in_(provider_ids))
    ):
        found[provider_id].add(trait_id)
    return found


def set_traits(session: Session, provider: Provider, trait_ids: set[int]) -> None:
    session.execute(delete(ProviderTrait).where(ProviderTrait.provider_id == provider.id))
    rows: list[dict[str, Any]] = [
        {"provider_id": provider.id, "trait_id": t} for t in sorted(trait_ids)]
    if rows:
        session.execute(insert(ProviderTrait), rows)


def aggregates(session: Session, provider: Provider) -> list[str]:
    return sorted(session.scalars(
        select(ProviderAggregate.aggregate).where(ProviderAggregate.provider_id == provider.id)
    ))


def set_aggregates(session: Session, provider: Provider, uuids_: set[str]) -> None:
    session.execute(
        delete(ProviderAggregate).where(ProviderAggregate.provider_id == provider.id))
    rows = [{"provider_id": provider.id, "aggregate": a} for a in sorted(uuids_)]
    if rows:
        session.execute(insert(ProviderAggregate), rows)
