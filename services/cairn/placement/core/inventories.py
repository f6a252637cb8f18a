"""What a provider has of each resource class."""

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from cairn.common.errors import Invalid
from cairn.placement.core import providers
from cairn.placement.core.names import Names
from cairn.placement.db.models import Inventory, Provider
from cairn.placement.errors import InventoryInUse, InventoryNotFound, UnknownClass

FIELDS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
UNLIMITED = 2147483647
DEFAULTS = {"reserved": 0, "min_unit": 1, "max_unit": UNLIMITED, "step_size": 1,
            "allocation_ratio": 1.0}


def of(session: Session, names: Names, provider: Provider) -> dict[str, Inventory]:
    rows = session.scalars(select(Inventory).where(Inventory.provider_id == provider.id))
    return {names.classes.name(row.class_id): row for row in rows}


def view(row: Inventory) -> dict[str, Any]:
    return {field: getattr(row, field) for field in FIELDS}


def complete(name: str, wanted: dict[str, Any], *, may_reserve_all: bool) -> dict[str, Any]:
    """The wanted inventory with upstream's defaults. Raises Invalid, naming the class."""
    whole = {**DEFAULTS, **{f: wanted[f] for f in FIELDS if f in wanted}}
    over = whole["reserved"] > whole["total"] or (
        whole["reserved"] == whole["total"] and not may_reserve_all)
    if over:
        raise Invalid(reason=f"Invalid inventory for '{name}': reserved ({whole['reserved']}) "
                             f"leaves nothing of total ({whole['total']}).")
    return whole


def replace(
    session: Session, names: Names, provider: Provider, wanted: dict[str, dict[str, Any]],
    generation: int | None,
) -> None:
    """Make these all that the provider has. What is in use stays: InventoryInUse."""
    providers.bump(session, provider, generation)
    ids = names.classes.ids(set(wanted))
    for name in wanted:
        if name not in ids:
            raise UnknownClass(name=name)
    current = of(session, names, provider)
    gone = current.keys() - wanted.keys()
    busy = sorted(name for name in gone if current[name].used)
    if busy:
        raise InventoryInUse(classes=", ".join(busy), id=provider.uuid)
    for name in gone:
        session.execute(delete(Inventory).where(
            Inventory.provider_id == provider.id,
            Inventory.class_id == current[name].class_id))
    for name, values in wanted.items():
        put(session, provider, ids[name], values, new=name not in current)


def put(
    session: Session, provider: Provider, class_id: int, values: dict[str, Any], *, new: bool
) -> None:
    if new:
        session.execute(
            insert(Inventory).values(provider_id=provider.id, class_id=class_id, **values))
    else:
        session.execute(update(Inventory).where(
            Inventory.provider_id == provider.id, Inventory.class_id == class_id
        ).values(**values))


def remove(session: Session, names: Names, provider: Provider, name: str) -> None:
    current = of(session, names, provider)
    if name not in current:
        raise InventoryNotFound(class_=name, id=provider.uuid)
    if current[name].used:
        raise InventoryInUse(classes=name, id=provider.uuid)
    providers.bump(session, provider)
    session.execute(delete(Inventory).where(
        Inventory.provider_id == provider.id, Inventory.class_id == current[name].class_id))
