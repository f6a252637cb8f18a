"""The record of which providers changed, that snapshots are kept current by."""

from collections.abc import Iterable
from typing import cast

from sqlalchemy import Table
from sqlalchemy.orm import Session

from cairn.placement.db.models import ProviderChange

NOTE = cast(Table, ProviderChange.__table__).insert()
NAMES = 0  # In place of a provider: a resource class was renamed.


def note(session: Session, provider_ids: Iterable[int]) -> None:
    """Tell every process that these providers are not as they were, once this transaction ends."""
    rows = [{"provider_id": id_} for id_ in provider_ids]
    if rows:
        session.connection().execute(NOTE, rows)
