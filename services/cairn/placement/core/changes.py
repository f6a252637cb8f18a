"""The record of which providers changed, that snapshots are kept current by."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from cairn.placement.db.models import ProviderChange

NAMES = 0  # In place of a provider: a resource class was renamed.


def note(session: Session, provider_ids: Iterable[int]) -> None:
    """Tell every process that these providers are not as they were, once this transaction ends."""
    rows = [{"provider_id": id_} for id_ in provider_ids]
    if rows:
        session.execute(insert(ProviderChange), rows)
