"""Promises: claimed by guarded UPDATEs, so that no two callers get the last of anything."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import utcnow
from cairn.placement.core import changes
from cairn.placement.core.names import Names
from cairn.placement.db.models import Allocation, Consumer, Inventory, Provider
from cairn.placement.errors import (
    ConsumerConflict,
    NoCapacity,
    NoInventory,
    UnitConstraint,
    UnknownClass,
    UnknownProvider,
)

# Provider uuid -> resource class name -> amount.
Resources = dict[str, dict[str, int]]
ANY = object()  # Whatever generation the consumer has (before microversion 1.28).
UNKNOWN = "unknown"  # The type of a consumer that was made before types were.
LARGEST = 2**62  # More than any amount that fits a column, and less than what overflows in SQL.

INVENTORY = Inventory.__table__.c
TAKE = update(Inventory).where(
    INVENTORY.provider_id == bindparam("provider"), INVENTORY.class_id == bindparam("class"),
    # What is already too much may shrink.
    or_(bindparam("change") <= 0, INVENTORY.used + bindparam("change")
        <= (INVENTORY.total - INVENTORY.reserved) * INVENTORY.allocation_ratio),
    INVENTORY.min_unit <= bindparam("least"), INVENTORY.max_unit >= bindparam("most"),
    bindparam("units") % INVENTORY.step_size == 0,
).values(used=INVENTORY.used + bindparam("change"))
GIVE = update(Inventory).where(
    INVENTORY.provider_id == bindparam("provider"), INVENTORY.class_id == bindparam("class"),
).values(used=INVENTORY.used + bindparam("change"))
# Holds all of the providers, and moves some of them to the next generation.
BUMP = update(Provider).where(Provider.id.in_(bindparam("ids", expanding=True))).values(
    generation=Provider.generation + case(
        (Provider.id.in_(bindparam("bumped", expanding=True)), 1), else_=0),
    updated_at=bindparam("now"))
PLAIN = {"synchronize_session": False}


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


@dataclass
class _Demand:
    """What becomes of one inventory: the amounts promised of it, and how much more that is."""

    amounts: list[int]
    change: int = 0


def claim(session: Session, names: Names, claims: list[Claim], *, bump: bool = True) -> None:
    """Replace what the consumers have, all or nothing. With `bump`, providers that give something
    now, or gave all that a consumer had, are of another generation then.

    Raises ConsumerConflict, UnknownProvider, UnknownClass, UnitConstraint, NoCapacity.
    """
    # Always the same order: two claims never wait for each other in a circle.
    claims = sorted(claims, key=lambda wanted: wanted.consumer)
    known = [wanted.consumer for wanted in claims if _consumer(session, wanted)]
    providers = _providers(session, claims)
    classes = _classes(names, claims)
    demands: dict[tuple[int, int], _Demand] = {}
    new = []
    empty = {wanted.consumer for wanted in claims if not wanted.resources}
    emptied = set()
    for consumer, provider_id, class_id, used in _held(session, known):
        demands.setdefault((provider_id, class_id), _Demand([])).change -= used
        if consumer in empty:
            emptied.add(provider_id)
    for wanted in claims:
        for uuid, resources in wanted.resources.items():
            for name, amount in resources.items():
                key = providers[uuid], classes[name]
                demand = demands.setdefault(key, _Demand([]))
                demand.amounts.append(amount)
                demand.change += amount
                new.append({"consumer": wanted.consumer, "provider_id": key[0],
                            "class_id": key[1], "used": amount})
    touched = sorted({provider_id for provider_id, _ in demands})
    if touched:
        # The providers first: who has their rows has them and their inventories alone.
        bumped = {row["provider_id"] for row in new} | emptied if bump else ()
        session.execute(BUMP, {"ids": touched, "bumped": list(bumped), "now": utcnow()},
                        execution_options=PLAIN)
    uuids = {id_: uuid for uuid, id_ in providers.items()}
    for key in sorted(demands):
        _take(session, names, uuids, key, demands[key])
    if known:
        session.execute(delete(Allocation).where(Allocation.consumer.in_(known)),
                        execution_options=PLAIN)
    if new:
        session.execute(insert(Allocation), new)
    if empty:
        session.execute(delete(Consumer).where(Consumer.uuid.in_(empty)),
                        execution_options=PLAIN)
    changes.note(session, touched)


def _consumer(session: Session, wanted: Claim) -> bool:
    """Hold the consumer, as the caller believes it to be; whether it was there before."""
    known = session.execute(
        select(Consumer.generation).where(Consumer.uuid == wanted.consumer).with_for_update()
    ).scalar()
    if wanted.generation is not ANY and wanted.generation != known:
        expected = "null" if known is None else known
        got = "null" if wanted.generation is None else wanted.generation
        raise ConsumerConflict(expected=expected, got=got)
    if known is None:
        if wanted.resources:
            try:
                session.execute(insert(Consumer).values(
                    uuid=wanted.consumer, project_id=wanted.project_id, user_id=wanted.user_id,
                    type=wanted.type or UNKNOWN, generation=1))
            except IntegrityError:
                raise ConsumerConflict(expected="another", got="null") from None
        return False
    values: dict[str, Any] = {"generation": known + 1, "project_id": wanted.project_id,
                              "user_id": wanted.user_id}
    if wanted.type is not None:
        values["type"] = wanted.type
    session.execute(update(Consumer).where(Consumer.uuid == wanted.consumer).values(**values),
                    execution_options=PLAIN)
    return True


def _providers(session: Session, claims: Iterable[Claim]) -> dict[str, int]:
    wanted = {uuid for one in claims for uuid in one.resources}
    if not wanted:
        return {}
    rows = session.execute(select(Provider.uuid, Provider.id).where(Provider.uuid.in_(wanted)))
    ids = {row.uuid: row.id for row in rows}
    for uuid in sorted(wanted):
        if uuid not in ids:
            raise UnknownProvider(id=uuid)
    return ids


def _classes(names: Names, claims: Iterable[Claim]) -> dict[str, int]:
    wanted = {name: one.consumer for one in claims for resources in one.resources.values()
              for name in resources}
    classes = names.classes.ids(set(wanted))
    for name, consumer in wanted.items():
        if name not in classes:
            raise UnknownClass(name=name, consumer=consumer)
    return classes


def _held(session: Session, consumers: Collection[str]) -> Iterable[Any]:
    if not consumers:
        return ()
    return session.execute(
        select(Allocation.consumer, Allocation.provider_id, Allocation.class_id, Allocation.used)
        .where(Allocation.consumer.in_(consumers))
    ).all()


def _take(
    session: Session, names: Names, uuids: dict[int, str], key: tuple[int, int], demand: _Demand
) -> None:
    mine = {"provider": key[0], "class": key[1]}
    if not demand.amounts:
        session.execute(GIVE, {**mine, "change": int(demand.change)}, execution_options=PLAIN)
        return
    name = names.classes.name(key[1])
    if sum(demand.amounts) > LARGEST:
        raise NoCapacity(class_=name, id=uuids[key[0]])
    least, most = min(demand.amounts), max(demand.amounts)
    units = math.gcd(*demand.amounts)
    taken = session.execute(TAKE, {
        **mine, "change": int(demand.change), "least": least, "most": most, "units": units,
    }, execution_options=PLAIN)
    assert isinstance(taken, CursorResult)
    if not taken.rowcount:
        _refuse(session, uuids[key[0]], name, key, least, most, units)


def _refuse(
    session: Session, uuid: str, name: str, key: tuple[int, int], least: int, most: int, units: int
) -> None:
    """Say why the guard let nothing through."""
    mine: list[ColumnElement[bool]] = [
        Inventory.provider_id == key[0], Inventory.class_id == key[1]]
    row = session.execute(
        select(Inventory.min_unit, Inventory.max_unit, Inventory.step_size).where(*mine)
    ).first()
    if row is None:
        raise NoInventory(class_=name, id=uuid)
    if least < row.min_unit or most > row.max_unit or units % row.step_size:
        raise UnitConstraint(class_=name, id=uuid)
    raise NoCapacity(class_=name, id=uuid)


def release(session: Session, names: Names, consumer: str) -> bool:
    """Give back all that the consumer has; whether it had anything."""
    known = session.get(Consumer, consumer)
    if known is None:
        return False
    claim(session, names, [Claim(consumer, {}, known.project_id, known.user_id)],
          bump=False)
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
