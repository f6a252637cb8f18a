"""Moving inventories, and what is promised of them, from some providers to others, at once."""

from sqlalchemy.orm import Session

from cairn.placement.core import allocations, inventories, providers
from cairn.placement.core.allocations import Claim
from cairn.placement.core.inventories import Values
from cairn.placement.core.names import Names
from cairn.placement.errors import ProviderNotFound, ReshapedProviderNotFound

# Provider uuid -> (its generation, resource class name -> inventory).
Wanted = dict[str, tuple[int, dict[str, Values]]]


def reshape(session: Session, names: Names, wanted: Wanted, claims: list[Claim]) -> None:
    """Give the providers these inventories and the consumers these allocations, all or nothing.

    In between a provider has its old inventories and its new ones: what is promised of the old
    moves to the new before the old go.
    """
    found = {}
    for uuid, (generation, _) in wanted.items():
        try:
            found[uuid] = providers.find(session, uuid)
        except ProviderNotFound:
            raise ReshapedProviderNotFound(id=uuid) from None
        providers.check(found[uuid], generation)
    # In the order of claims, which wait for providers by number.
    order = sorted(wanted, key=lambda uuid: found[uuid].id)
    for uuid in order:
        generation, whole = wanted[uuid]
        if whole:
            inventories.replace(session, names, found[uuid], whole, generation, keep=True)
    allocations.claim(session, names, claims)
    for uuid in order:
        session.refresh(found[uuid])
        providers.bump(session, found[uuid])
        inventories.leave(session, names, found[uuid], set(wanted[uuid][1]))
