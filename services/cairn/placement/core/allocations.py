"""Promises: claimed by guarded UPDATEs, so that no two callers get the last of anything."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.placement.core.names import Names
from cairn.placement.db.models import Allocation, Consumer, Inventory, Provider
from cairn.placement.errors import (
    ConsumerConflict,
    NoCapacity,
    UnitConstraint,
    UnknownClass,
    UnknownProvider,
)

# Provider uuid -> resource class name -> amount.
Resources = dict[str, dict[str, int]]
ANY = object()  # Whatever generation the consumer has (before microversion 1.28).


@dataclass(frozen=True)
class Claim:
    """All that `consumer` shall have from now on; nothing, if `resources` is empty.

    `generation` is what the caller believes the consumer's to be: None for a new one.
    """

    consumer: str
    resources: Resources
    project_id: str
    user_id: str
    type: str | None = None
    generation: Any = ANY


def claim(session: Session, names: Names, claims: list[Claim]) -> None:
    """Replace what the consumers have, all or nothing.

    Raises ConsumerConflict, UnknownProvider, UnknownClass, UnitConstraint, NoCapacity.
    """
    for wanted in claims:
        _consumer(session, wanted)
    # First what is given back, so that moving within one provider fits.
    touched: set[int] = set()
    for wanted in claims:
        touched |= _release(session, wanted.consumer)
    for wanted in claims:
        touched |= _take(session, names, wanted)
    for wanted in claims:
        if not wanted.resources:
            session.execute(delete(Consumer).where(Consumer.uuid == wanted.consumer))
    if touched:
        # In order of their numbers: two claims never wait for each other in a circle.
        for provider_id in sorted(touched):
            session.execute(update(Provider).where(Provider.id == provider_id).values(
                generation=Provider.generation + 1))


def _consumer(session: Session, wanted: Claim) -> None:
    known = session.execute(
        select(Consumer.generation).where(Consumer.uuid == wanted.consumer).with_for_update()
    ).scalar()
    if wanted.generation is not ANY and wanted.generation != known:
        raise ConsumerConflict(expected=known, got=wanted.generation)
    if known is None:
        if wanted.resources:
            try:
                session.execute(insert(Consumer).values(
                    uuid=wanted.consumer, project_id=wanted.project_id, user_id=wanted.user_id,
                    type=wanted.type or "unknown", generation=1))
            except IntegrityError:
                raise ConsumerConflict(expected=None, got=wanted.generation) from None
        return
    values: dict[str, Any] = {"generation": known + 1, "project_id": wanted.project_id,
                              "user_id": wanted.user_id}
    if wanted.type is not None:
        values["type"] = wanted.type
    session.execute(update(Consumer).where(Consumer.uuid == wanted.consumer).values(**values))


def _release(session: Session, consumer: str) -> set[int]:
    rows = session.execute(
        select(Allocation.provider_id, Allocation.class_id, Allocation.used)
        .where(Allocation.consumer == consumer)
        .order_by(Allocation.provider_id, Allocation.class_id)
    ).all()
    for provider_id, class_id, used in rows:
        session.execute(update(Inventory).where(
            Inventory.provider_id == provider_id, Inventory.class_id == class_id
        ).values(used=Inventory.used - used))
    if rows:
        session.execute(delete(Allocation).where(Allocation.consumer == consumer))
    return {provider_id for provider_id, _, _ in rows}


def _take(session: Session, names: Names, wanted: Claim) -> set[int]:
    if not wanted.resources:
        return set()
    rows = session.execute(
        select(Provider.uuid, Provider.id).where(Provider.uuid.in_(wanted.resources))
    ).all()
    ids = {row.uuid: row.id for row in rows}
    for uuid in wanted.resources:
        if uuid not in ids:
            raise UnknownProvider(id=uuid)
    classes = names.classes.ids({n for r in wanted.resources.values() for n in r})
    new = []
    for uuid in sorted(wanted.resources, key=lambda u: ids[u]):
        for name, amount in sorted(wanted.resources[uuid].items()):
            if name not in classes:
                raise UnknownClass(name=name)
            _guarded(session, uuid, ids[uuid], name, classes[name], amount)
            new.append({"consumer": wanted.consumer, "provider_id": ids[uuid],
                        "class_id": classes[name], "used": amount})
    session.execute(insert(Allocation), new)
    return set(ids.values())


def _guarded(
    session: Session, uuid: str, provider_id: int, name: str, class_id: int, amount: int
) -> None:
    inventory = Inventory
    mine = (inventory.provider_id == provider_id, inventory.class_id == class_id)
    taken = session.execute(
        update(inventory).where(
            *mine,
            inventory.used + amount
            <= (inventory.total - inventory.reserved) * inventory.allocation_ratio,
            inventory.min_unit <= amount, inventory.max_unit >= amount,
            (amount % inventory.step_size) == 0,
        ).values(used=inventory.used + amount)
    )
    assert isinstance(taken, CursorResult)
    if taken.rowcount:
        return
    row = session.execute(
        select(inventory.min_unit, inventory.max_unit, inventory.step_size).where(*mine)
    ).first()
    if row is not None and (amount < row[0] or amount > row[1] or amount % row[2]):
        raise UnitConstraint(class_=name, id=uuid)
    raise NoCapacity(class_=name, id=uuid)


def release(session: Session, names: Names, consumer: str) -> bool:
    """Give back all that the consumer has; whether it had anything."""
    known = session.get(Consumer, consumer)
    if known is None:
        return False
    claim(session, names, [Claim(consumer, {}, known.project_id, known.user_id)])
    return True


def of_consumer(session: Session, names: Names, consumer: str) -> dict[str, Any]:
    """Provider uuid -> {"generation", "resources"}."""
    rows = session.execute(
        select(Provider.uuid, Provider.generation, Allocation.class_id, Allocation.used)
        .join(Allocation, Allocation.provider_id == Provider.id)
        .where(Allocation.consumer == consumer)
    )
    found: dict[str, Any] = {}
    for uuid, generation, class_id, used in rows:
        entry = found.setdefault(uuid, {"generation": generation, "resources": {}})
        entry["resources"][names.classes.name(class_id)] = used
    return found


def of_provider(session: Session, names: Names, provider: Provider) -> dict[str, Any]:
    """Consumer uuid -> {"resources", "consumer_generation"}."""
    rows = session.execute(
        select(Allocation.consumer, Allocation.class_id, Allocation.used, Consumer.generation)
        .join(Consumer, Consumer.uuid == Allocation.consumer)
        .where(Allocation.provider_id == provider.id)
    )
    found: dict[str, Any] = {}
    for consumer, class_id, used, generation in rows:
        entry = found.setdefault(consumer, {
            "resources": {}, "consumer_generation": generation})
        entry["resources"][names.classes.name(class_id)] = used
    return found
