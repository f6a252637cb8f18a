"""What a provider has of each resource class."""

from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import Database, changed
from cairn.common.errors import Invalid
from cairn.placement.core import providers
from cairn.placement.core.names import Names
from cairn.placement.core.providers import Identity
from cairn.placement.db.models import Inventory, Provider
from cairn.placement.errors import (
    InventoryExists,
    InventoryInUse,
    NoInventoryToDelete,
    OneInventoryInUse,
    UnknownClassInInventory,
)

FIELDS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
UNLIMITED = 2147483647
DEFAULTS = {"reserved": 0, "min_unit": 1, "max_unit": UNLIMITED, "step_size": 1,
            "allocation_ratio": 1.0}

_TABLE = cast(Table, Inventory.__table__)
OF = select(_TABLE).where(_TABLE.c.provider_id == bindparam("provider")).order_by(
    _TABLE.c.class_id)

# What is known of an inventory: FIELDS and their values.
Values = dict[str, Any]


def of(session: Session, names: Names, provider: Identity) -> dict[str, Any]:
    """Rows by the name of their class: FIELDS, `class_id` and `used`."""
    rows = session.connection().execute(OF, {"provider": provider.id})
    return {names.classes.name(row.class_id): row for row in rows}


def view(row: Any) -> Values:
    """An inventory as clients see it: a row's FIELDS."""
    return {field: getattr(row, field) for field in FIELDS}


def complete(inventory: dict[str, Any]) -> Values:
    """The inventory with upstream's defaults."""
    given = {f: inventory[f] for f in FIELDS if f in inventory}
    # 1.0 is an integer to a schema.
    return {**DEFAULTS, **{f: value if f == "allocation_ratio" else int(value)
                           for f, value in given.items()}}


def check(
    provider: Provider, name: str, values: Values, *, may_reserve_all: bool, verb: str = "update",
) -> None:
    """Raises Invalid, naming the class, if nothing is left to give."""
    capacity = int((values["total"] - values["reserved"]) * values["allocation_ratio"])
    if capacity < 0 or (capacity == 0 and not may_reserve_all):
        than = "greater than total" if may_reserve_all else "greater than or equal to total"
        raise Invalid(reason=f"Unable to {verb} inventory for resource provider {provider.uuid}: "
                             f"Invalid inventory for '{name}' on resource provider "
                             f"'{provider.uuid}'. The reserved value is {than}.")


def replace(
    session: Session, names: Names, provider: Provider, inventories: dict[str, Values],
    generation: int | None, *, keep: bool = False,
) -> None:
    """Make these all that the provider has; with `keep`, beside what it has. What is in use stays:
    InventoryInUse."""
    providers.bump(session, provider, generation)
    ids = names.classes.ids(set(inventories))
    for name in inventories:
        if name not in ids:
            raise UnknownClassInInventory(name=name, id=provider.uuid)
    current = of(session, names, provider)
    if not keep:
        leave(session, names, provider, set(inventories))
    for name, values in inventories.items():
        put(session, provider, ids[name], values, new=name not in current)


def leave(session: Session, names: Names, provider: Provider, kept: set[str]) -> None:
    """Remove what the provider has of all other classes. Raises InventoryInUse."""
    current = of(session, names, provider)
    gone = names.classes.in_order(current.keys() - kept)
    # Guarded, as claims are: what is taken meanwhile is seen.
    removed = [
        session.execute(delete(Inventory).where(
            Inventory.provider_id == provider.id, Inventory.class_id == current[name].class_id,
            Inventory.used == 0), execution_options={"synchronize_session": False})
        for name in gone
    ]
    busy = [name for name, result in zip(gone, removed, strict=True) if not changed(result)]
    if busy:
        raise InventoryInUse(classes=", ".join(busy), id=provider.uuid)


def add(session: Session, names: Names, provider: Provider, class_id: int, values: Values) -> None:
    """Give the provider a class it has none of. Raises InventoryExists. Its generation stays: who
    calls moves it."""
    mine = (Inventory.provider_id == provider.id, Inventory.class_id == class_id)
    if session.execute(select(Inventory.total).where(*mine)).first() is not None:
        raise InventoryExists(class_=names.classes.name(class_id))
    put(session, provider, class_id, values, new=True)


def put(
    session: Session, provider: Provider, class_id: int, values: Values, *, new: bool
) -> None:
    """Write an inventory: a row of its own where it is `new`, or over the one there is. What is
    used of it stays."""
    if new:
        session.execute(
            insert(Inventory).values(provider_id=provider.id, class_id=class_id, **values))
    else:
        session.execute(update(Inventory).where(
            Inventory.provider_id == provider.id, Inventory.class_id == class_id
        ).values(**values), execution_options={"synchronize_session": False})


def remove(session: Session, names: Names, provider: Provider, name: str) -> None:
    """Take an inventory of a class from a provider, which is of the next generation then. Raises
    NoInventoryToDelete, OneInventoryInUse."""
    current = of(session, names, provider)
    if name not in current:
        raise NoInventoryToDelete(class_=name, id=provider.uuid)
    providers.bump(session, provider)
    try:
        leave(session, names, provider, current.keys() - {name})
    except InventoryInUse:
        raise OneInventoryInUse(class_=name, id=provider.uuid) from None


def list_inventories(db: Database, names: Names, uuid: str) -> tuple[int, dict[str, Any]]:
    """The provider's generation and `of`. Raises ProviderNotFound."""
    with db.reading() as session:
        provider = providers.identify(session, uuid)
        return provider.generation, of(session, names, provider)


def replace_inventories(
    db: Database, ctx: Context, names: Names, uuid: str, whole: dict[str, Values],
    generation: int, *, may_reserve_all: bool,
) -> int:
    """Make these all that the provider has; its generation then. Raises ProviderNotFound,
    GenerationConflict, Invalid, UnknownClassInInventory, InventoryInUse."""
    # Names first: a class that gets its row now does so outside of the transaction.
    names.classes.ids(set(whole))

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        providers.check(provider, generation)
        for name, values in whole.items():
            check(provider, name, values, may_reserve_all=may_reserve_all)
        replace(session, names, provider, whole, generation)
        _record(session, ctx, "update", provider, inventories=whole)
        return provider.generation

    return db.write(work)


def clear_inventories(db: Database, ctx: Context, names: Names, uuid: str) -> None:
    """Raises ProviderNotFound, InventoryInUse."""
    def work(session: Session) -> None:
        provider = providers.find(session, uuid)
        replace(session, names, provider, {}, None)
        _record(session, ctx, "delete", provider, inventories={})

    db.write(work)


def create_inventory(
    db: Database, ctx: Context, names: Names, uuid: str, name: str, values: Values,
    generation: int | None, *, may_reserve_all: bool,
) -> int:
    """Give the provider a class it has not; its generation then. Raises ProviderNotFound, Invalid,
    GenerationConflict, InventoryExists."""
    ids = names.classes.ids({name})

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        if name not in ids:
            raise Invalid(reason=f"Unable to create inventory for resource provider {uuid}: "
                                 f"No such resource class {name}.")
        check(provider, name, values, may_reserve_all=may_reserve_all, verb="create")
        providers.bump(session, provider, generation)
        add(session, names, provider, ids[name], values)
        _record(session, ctx, "create", provider, inventories={name: values})
        return provider.generation

    return db.write(work)


def update_inventory(
    db: Database, ctx: Context, names: Names, uuid: str, name: str, values: Values,
    generation: int, *, may_reserve_all: bool,
) -> int:
    """Change what the provider has of a class; its generation then. Raises ProviderNotFound,
    Invalid, GenerationConflict."""
    ids = names.classes.ids({name})

    def work(session: Session) -> int:
        provider = providers.find(session, uuid)
        providers.check(provider, generation)
        check(provider, name, values, may_reserve_all=may_reserve_all)
        if name not in of(session, names, provider):
            raise Invalid(reason=f"No inventory record with resource class: {name}.")
        providers.bump(session, provider, generation)
        put(session, provider, ids[name], values, new=False)
        _record(session, ctx, "update", provider, inventories={name: values})
        return provider.generation

    return db.write(work)


def delete_inventory(db: Database, ctx: Context, names: Names, uuid: str, name: str) -> None:
    """Raises ProviderNotFound, NoInventoryToDelete, OneInventoryInUse."""
    def work(session: Session) -> None:
        provider = providers.find(session, uuid)
        remove(session, names, provider, name)
        _record(session, ctx, "delete", provider, resource_class=name)

    db.write(work)


def _record(session: Session, ctx: Context, what: str, provider: Provider, **facts: Any) -> None:
    providers.record(session, ctx, f"inventory.{what}", provider.uuid,
                     generation=provider.generation, **facts)
