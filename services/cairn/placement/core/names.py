"""Resource classes and traits by name and number.

The standard ones come from os-resource-classes and os-traits, as upstream's do; operators add
CUSTOM_ ones. Both are small and never renamed, so every process keeps what it has seen.
"""

import threading
from typing import Any

import os_resource_classes
import os_traits
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.placement.db.models import ResourceClass, Trait


class Names:
    def __init__(self, db: Database) -> None:
        self.db = db
        self.classes = _Table(db, ResourceClass, sorted(os_resource_classes.STANDARDS))
        self.traits = _Table(db, Trait, sorted(os_traits.get_traits()))


class _Table:
    """Names of one kind. Standard ones get their rows when first looked for."""

    def __init__(self, db: Database, model: Any, standard: list[str]) -> None:
        self.db, self.model = db, model
        self.standard = frozenset(standard)
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._lock = threading.Lock()

    def ids(self, names: set[str]) -> dict[str, int]:
        """Numbers of those of the names that there are."""
        if not names <= self._ids.keys():
            self._read()
            missing = (names - self._ids.keys()) & self.standard
            if missing:
                self.create(*sorted(missing))
        return {name: self._ids[name] for name in names if name in self._ids}

    def name(self, number: int) -> str:
        if number not in self._names:
            self._read()
        return self._names[number]

    def all(self) -> list[str]:
        self._read()
        return sorted(self.standard | self._ids.keys())

    def exists(self, name: str) -> bool:
        return name in self.standard or bool(self.ids({name}))

    def create(self, *names: str) -> None:
        """Add names; those that somebody added meanwhile are fine."""
        for name in names:
            try:
                with self.db.writing() as session:
                    session.execute(insert(self.model).values(name=name))
            except IntegrityError:
                pass
        self._read()

    def forget(self, session: Session, name: str) -> None:
        """Remove a name. Raises IntegrityError while something refers to it."""
        session.execute(delete(self.model).where(self.model.name == name))
        with self._lock:
            number = self._ids.pop(name, None)
            if number is not None:
                self._names.pop(number, None)

    def _read(self) -> None:
        with self.db.reading() as session:
            rows = session.execute(select(self.model.id, self.model.name)).all()
        with self._lock:
            self._ids = {row.name: row.id for row in rows}
            self._names = {row.id: row.name for row in rows}
