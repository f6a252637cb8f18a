"""Traits: which of them there are in use, and taking one away."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cairn.common.db import Database
from cairn.placement.core.names import Names
from cairn.placement.db.models import ProviderTrait
from cairn.placement.errors import TraitInUse

USED = select(ProviderTrait.trait_id).distinct()


def list_used(db: Database, names: Names) -> set[str]:
    """The names of the traits that some provider has."""
    with db.reading() as session:
        numbers = session.scalars(USED).all()
    return {names.traits.name(number) for number in numbers}


def delete_trait(db: Database, names: Names, name: str) -> None:
    """Raises TraitInUse."""
    try:
        with db.writing() as session:
            names.traits.remove(session, name)
    except IntegrityError:
        raise TraitInUse(name=name) from None
