"""Moving inventories, and what is promised of them, from some providers to others, at once."""

from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.placement.core import allocations, inventories, providers
from cairn.placement.core.allocations import Claim
from cairn.placement.core.inventories import Values
from cairn.placement.core.names import Names
from cairn.placement.errors import ProviderNotFound, ReshapedProviderNotFound

# Provider uuid -> (its generation, resource class name -> inventory).
Inventories = dict[str, tuple[int, dict[str, Values]]]


def reshape(session: Session, names: Names, by_provider: Inventories, claims: list[Claim]) -> None:
    """Give the providers these inventories and the consumers these allocations, all or nothing.

    In between a provider has its old inventories and its new ones: what is promised of the old
    moves to the new before the old go.
    """
    rows = {}
    for uuid, (generation, _) in by_provider.items():
        try:
            rows[uuid] = providers.find(session, uuid)
        except ProviderNotFound:
            raise ReshapedProviderNotFound(id=uuid) from None
        providers.check(rows[uuid], generation)
    # In the order of claims, which wait for providers by number.
    order = sorted(by_provider, key=lambda uuid: rows[uuid].id)
    for uuid in order:
        generation, whole = by_provider[uuid]
        if whole:
            inventories.replace(session, names, rows[uuid], whole, generation, keep=True)
    allocations.claim(session, names, claims)
    for uuid in order:
        session.refresh(rows[uuid])
        providers.bump(session, rows[uuid])
        inventories.leave(session, names, rows[uuid], set(by_provider[uuid][1]))


def write(
    db: Database, ctx: Context, names: Names, by_provider: Inventories, claims: list[Claim]
) -> None:
    """`reshape` in a transaction of its own."""
    allocations.ensure_classes(names, claims)
    names.classes.ids({name for _, whole in by_provider.values() for name in whole})

    def work(session: Session) -> None:
        reshape(session, names, by_provider, claims)
        for uuid, (_, whole) in by_provider.items():
            providers.record(session, ctx, "inventory.update", uuid, inventories=whole)
        allocations.record(session, ctx, claims)
        if not by_provider:
            events.unchanged()

    db.write(work)
