"""Promises: claimed by guarded UPDATEs, so that no two callers get the last of anything."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BindParameter, Connection, Table, bindparam, case, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import Database, changed, utcnow
from cairn.placement.core import changes, providers
from cairn.placement.core.names import Names
from cairn.placement.core.providers import Identity
from cairn.placement.db.models import Allocation, Consumer, Event, Inventory, Provider
from cairn.placement.errors import (
    ConsumerConflict,
    NoAllocations,
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

# Tables, not models: a claim is many small statements, and no object is wanted of any.
INVENTORIES, PROVIDERS, CONSUMERS, ALLOCATIONS = (
    cast(Table, model.__table__) for model in (Inventory, Provider, Consumer, Allocation))
HAS, IS = INVENTORIES.c, PROVIDERS.c
_MINE = (HAS.provider_id == bindparam("provider"), HAS.class_id == bindparam("class"))
_GROWN = INVENTORIES.update().values(used=HAS.used + bindparam("change"))
GIVE = _GROWN.where(*_MINE)
TAKE = GIVE.where(
    # What is already too much may shrink.
    or_(bindparam("change") <= 0,
        HAS.used + bindparam("change") <= (HAS.total - HAS.reserved) * HAS.allocation_ratio),
    HAS.min_unit <= bindparam("least"), HAS.max_unit >= bindparam("most"),
    bindparam("units") % HAS.step_size == 0,
)
UNITS = select(HAS.min_unit, HAS.max_unit, HAS.step_size).where(*_MINE)
# Holds all of the providers, and moves some of them to the next generation.
BUMP = PROVIDERS.update().where(IS.id.in_(bindparam("ids", expanding=True))).values(
    generation=IS.generation + case(
        (IS.id.in_(bindparam("bumped", expanding=True)), 1), else_=0),
    updated_at=bindparam("now"))
NUMBERS = select(IS.uuid, IS.id).where(IS.uuid.in_(bindparam("uuids", expanding=True)))
CONSUMER = select(CONSUMERS.c.generation).where(
    CONSUMERS.c.uuid == bindparam("consumer")).with_for_update()
NEW_CONSUMER = CONSUMERS.insert()
SAME_CONSUMER = CONSUMERS.update().where(CONSUMERS.c.uuid == bindparam("consumer")).values(
    generation=bindparam("next"), project_id=bindparam("project"), user_id=bindparam("user"),
    type=func.coalesce(bindparam("kind"), CONSUMERS.c.type), updated_at=bindparam("now"))
_CONSUMERS: BindParameter[Any] = bindparam("consumers", expanding=True)
NO_CONSUMER = CONSUMERS.delete().where(CONSUMERS.c.uuid.in_(_CONSUMERS))
HELD = select(ALLOCATIONS.c.consumer, ALLOCATIONS.c.provider_id, ALLOCATIONS.c.class_id,
              ALLOCATIONS.c.used).where(ALLOCATIONS.c.consumer.in_(_CONSUMERS))
RELEASE = ALLOCATIONS.delete().where(ALLOCATIONS.c.consumer.in_(_CONSUMERS))
ALLOCATE = ALLOCATIONS.insert()
OF_CONSUMER = select(IS.uuid, IS.generation, ALLOCATIONS.c.class_id, ALLOCATIONS.c.used).join(
    ALLOCATIONS, ALLOCATIONS.c.provider_id == IS.id).where(
    ALLOCATIONS.c.consumer == bindparam("consumer"))
OF_PROVIDER = select(
    ALLOCATIONS.c.consumer, ALLOCATIONS.c.class_id, ALLOCATIONS.c.used, CONSUMERS.c.generation,
).join(CONSUMERS, CONSUMERS.c.uuid == ALLOCATIONS.c.consumer).where(
    ALLOCATIONS.c.provider_id == bindparam("provider"))


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
    connection = session.connection()
    # Always the same order: two claims never wait for each other in a circle.
    claims = sorted(claims, key=lambda claim: claim.consumer)
    existing = [claim.consumer for claim in claims if _consumer(connection, claim)]
    providers = _providers(connection, claims)
    classes = _classes(names, claims)
    demands: dict[tuple[int, int], _Demand] = {}
    new = []
    empty = {claim.consumer for claim in claims if not claim.resources}
    emptied = set()
    for consumer, provider_id, class_id, used in _held(connection, existing):
        demands.setdefault((provider_id, class_id), _Demand([])).change -= used
        if consumer in empty:
            emptied.add(provider_id)
    for claim in claims:
        for uuid, resources in claim.resources.items():
            for name, amount in resources.items():
                key = providers[uuid], classes[name]
                demand = demands.setdefault(key, _Demand([]))
                demand.amounts.append(amount)
                demand.change += amount
                new.append({"consumer": claim.consumer, "provider_id": key[0],
                            "class_id": key[1], "used": amount})
    touched = sorted({provider_id for provider_id, _ in demands})
    if touched:
        # The providers first: who has their rows has them and their inventories alone.
        bumped = {row["provider_id"] for row in new} | emptied if bump else ()
        connection.execute(BUMP, {"ids": touched, "bumped": list(bumped), "now": utcnow()})
    uuids = {id_: uuid for uuid, id_ in providers.items()}
    for key in sorted(demands):
        _take(connection, names, uuids, key, demands[key])
    if existing:
        connection.execute(RELEASE, {"consumers": existing})
    if new:
        connection.execute(ALLOCATE, new)
    if empty:
        connection.execute(NO_CONSUMER, {"consumers": list(empty)})
    changes.note(session, touched)


def _consumer(connection: Connection, claim: Claim) -> bool:
    """Hold the consumer, as the caller believes it to be; whether it was there before."""
    generation = connection.execute(CONSUMER, {"consumer": claim.consumer}).scalar()
    if claim.generation is not ANY and claim.generation != generation:
        expected = "null" if generation is None else generation
        got = "null" if claim.generation is None else claim.generation
        raise ConsumerConflict(expected=expected, got=got)
    now = utcnow()
    if generation is not None:
        connection.execute(SAME_CONSUMER, {
            "consumer": claim.consumer, "next": generation + 1, "project": claim.project_id,
            "user": claim.user_id, "kind": claim.type, "now": now})
    elif claim.resources:
        try:
            connection.execute(NEW_CONSUMER, {
                "uuid": claim.consumer, "project_id": claim.project_id,
                "user_id": claim.user_id, "type": claim.type or UNKNOWN, "generation": 1,
                "created_at": now})
        except IntegrityError:
            # Somebody made it just now.
            if claim.generation is ANY:
                return _consumer(connection, claim)
            raise ConsumerConflict(expected="another", got="null") from None
    return generation is not None


def _providers(connection: Connection, claims: Iterable[Claim]) -> dict[str, int]:
    uuids = {uuid for one in claims for uuid in one.resources}
    if not uuids:
        return {}
    ids = {row.uuid: row.id for row in connection.execute(NUMBERS, {"uuids": list(uuids)})}
    for uuid in sorted(uuids):
        if uuid not in ids:
            raise UnknownProvider(id=uuid)
    return ids


def _classes(names: Names, claims: Iterable[Claim]) -> dict[str, int]:
    consumers = {name: one.consumer for one in claims for resources in one.resources.values()
              for name in resources}
    classes = names.classes.ids(set(consumers))
    for name, consumer in consumers.items():
        if name not in classes:
            raise UnknownClass(name=name, consumer=consumer)
    return classes


def _held(connection: Connection, consumers: Collection[str]) -> Iterable[Any]:
    if not consumers:
        return ()
    return connection.execute(HELD, {"consumers": consumers}).all()


def _take(
    connection: Connection, names: Names, uuids: dict[int, str], key: tuple[int, int],
    demand: _Demand,
) -> None:
    mine = {"provider": key[0], "class": key[1], "change": demand.change}
    if not demand.amounts:
        connection.execute(GIVE, mine)
        return
    uuid, name = uuids[key[0]], names.classes.name(key[1])
    if sum(demand.amounts) > LARGEST:
        raise NoCapacity(class_=name, id=uuid)
    least, most = min(demand.amounts), max(demand.amounts)
    units = math.gcd(*demand.amounts)
    if changed(connection.execute(TAKE, {**mine, "least": least, "most": most, "units": units})):
        return
    row = connection.execute(UNITS, mine).first()
    if row is None:
        raise NoInventory(class_=name, id=uuid)
    if least < row.min_unit or most > row.max_unit or units % row.step_size:
        raise UnitConstraint(class_=name, id=uuid)
    raise NoCapacity(class_=name, id=uuid)


def release(session: Session, names: Names, consumer: str) -> Claim | None:
    """Give back all that the consumer has; as what it was claimed, None if it had nothing."""
    row = session.get(Consumer, consumer)
    if row is None:
        return None
    nothing = Claim(consumer, {}, row.project_id, row.user_id)
    claim(session, names, [nothing], bump=False)
    return nothing


def of_consumer(session: Session, names: Names, consumer: str) -> dict[str, Any]:
    """Provider uuid -> {"generation", "resources"}."""
    allocations: dict[str, Any] = {}
    for uuid, generation, class_id, used in session.connection().execute(
            OF_CONSUMER, {"consumer": consumer}):
        entry = allocations.setdefault(uuid, {"generation": generation, "resources": {}})
        entry["resources"][names.classes.name(class_id)] = used
    return allocations


def of_provider(session: Session, names: Names, provider: Identity) -> dict[str, Any]:
    """Consumer uuid -> {"resources", "consumer_generation"}."""
    allocations: dict[str, Any] = {}
    for consumer, class_id, used, generation in session.connection().execute(
            OF_PROVIDER, {"provider": provider.id}):
        entry = allocations.setdefault(consumer, {
            "resources": {}, "consumer_generation": generation})
        entry["resources"][names.classes.name(class_id)] = used
    return allocations


def ensure_classes(names: Names, claims: Iterable[Claim]) -> None:
    """Give the standard classes of the claims their rows: not in the claims' transaction."""
    names.classes.ids({
        name for claim in claims for by_class in claim.resources.values() for name in by_class})


def list_of_provider(db: Database, names: Names, uuid: str) -> tuple[int, dict[str, Any]]:
    """The provider's generation and `of_provider`. Raises ProviderNotFound."""
    with db.reading() as session:
        provider = providers.identify(session, uuid)
        return provider.generation, of_provider(session, names, provider)


def show_consumer(
    db: Database, names: Names, consumer: str
) -> tuple[dict[str, Any], Consumer | None]:
    """`of_consumer`, and the consumer itself, None if it has nothing."""
    with db.reading() as session:
        by_provider = of_consumer(session, names, consumer)
        return by_provider, session.get(Consumer, consumer) if by_provider else None


def replace_allocations(db: Database, ctx: Context, names: Names, claims: list[Claim]) -> None:
    """`claim` in a transaction of its own."""
    ensure_classes(names, claims)

    def work(session: Session) -> None:
        claim(session, names, claims)
        record(session, ctx, claims)

    db.write(work)


def record(session: Session, ctx: Context, claims: list[Claim]) -> None:
    """Record an event for each consumer, with all that it has now."""
    for one in claims:
        Event.record(session, ctx, "allocation.update", "allocation", one.consumer,
                     {"consumer_uuid": one.consumer, "consumer_type": one.type,
                      "allocations": one.resources}, project_id=one.project_id)


def delete_allocations(db: Database, ctx: Context, names: Names, consumer: str) -> None:
    """Raises NoAllocations."""
    def work(session: Session) -> bool:
        holder = release(session, names, consumer)
        if holder is not None:
            Event.record(session, ctx, "allocation.delete", "allocation", consumer,
                         {"consumer_uuid": consumer}, project_id=holder.project_id)
        return holder is not None

    if not db.write(work):
        raise NoAllocations(id=consumer)
