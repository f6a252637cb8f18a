"""Rows by their id."""

from typing import TypeVar

from sqlalchemy.orm import Session

from cairn.keystone.errors import NotKnown

T = TypeVar("T")


def get(session: Session, kind: type[T], id_: str, name: str = "") -> T:
    """The row of this id. Raises NotKnown, of `name` (the table's class by default)."""
    row = session.get(kind, id_)
    if row is None:
        raise NotKnown(name or kind.__name__.lower(), id_)
    return row


def lock(session: Session, kind: type[T], id_: str, name: str = "") -> T:
    """As get, and nobody else changes the row before this transaction ends: for whoever writes
    back what was read of it. Raises NotKnown."""
    row = session.get(kind, id_, with_for_update=True)
    if row is None:
        raise NotKnown(name or kind.__name__.lower(), id_)
    return row
