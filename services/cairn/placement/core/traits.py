"""Traits: which of them there are in use, and taking one away."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cairn.common import events
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.placement.core.names import Names
from cairn.placement.db.models import Event, ProviderTrait
from cairn.placement.errors import TraitInUse

USED = select(ProviderTrait.trait_id).distinct()


def list_used(db: Database, names: Names) -> set[str]:
    """The names of the traits that some provider has."""
    with db.reading() as session:
        numbers = session.scalars(USED).all()
    return {names.traits.name(number) for number in numbers}


def create_trait(ctx: Context, names: Names, name: str) -> bool:
    """Whether it was not there yet."""
    new = not names.traits.exists(name) and names.traits.create(
        name, beside=lambda session: Event.record(
            session, ctx, "trait.create", "trait", name, {"name": name}, project_id=""))
    if not new:
        events.unchanged()
    return new


def delete_trait(db: Database, ctx: Context, names: Names, name: str) -> None:
    """Raises TraitInUse."""
    try:
        with db.writing() as session:
            names.traits.remove(session, name)
            Event.record(session, ctx, "trait.delete", "trait", name, {"name": name},
                         project_id="")
    except IntegrityError:
        raise TraitInUse(name=name) from None
