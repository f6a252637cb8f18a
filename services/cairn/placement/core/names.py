"""Resource classes and traits by name and number.

The standard ones come from os-resource-classes and os-traits, as upstream's do, and stay; operators
add, and may remove, CUSTOM_ ones. So the numbers of standard names are kept, the others are asked
of the database.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import os_resource_classes
import os_traits
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.placement.db.models import ResourceClass, Trait


class Names:
    """The resource classes and the traits that there are."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.classes = Table(db, ResourceClass, os_resource_classes.STANDARDS)
        self.traits = Table(db, Trait, os_traits.get_traits())


class Table:
    """Names of one kind. Standard ones get their rows when first looked for."""

    def __init__(self, db: Database, model: Any, standard: list[str]) -> None:
        self.db, self.model = db, model
        self.order = standard
        self.standard = frozenset(standard)
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._lock = threading.Lock()

    def ids(self, names: set[str]) -> dict[str, int]:
        """Numbers of those of the names that there are."""
        numbers = {name: self._ids[name] for name in names & self._ids.keys() & self.standard}
        rest = names - numbers.keys()
        if rest:
            numbers |= self._read(rest)
            missing = (rest - numbers.keys()) & self.standard
            if missing:
                self.create(*sorted(missing))
                numbers |= self._read(missing)
        return numbers

    def name(self, number: int) -> str:
        if number not in self._names:
            self._read()
        return self._names[number]

    def all(self) -> list[str]:
        """The standard names in their order, then the others in theirs."""
        return [*self.order, *sorted(self._read().keys() - self.standard)]

    def in_order(self, names: Iterable[str]) -> list[str]:
        places = {name: place for place, name in enumerate(self.order)}
        return sorted(names, key=lambda name: (places.get(name, len(places)), name))

    def exists(self, name: str) -> bool:
        return name in self.standard or bool(self._read({name}))

    def create(
        self, *names: str, beside: Callable[[Session], None] = lambda session: None
    ) -> bool:
        """Add names; those that somebody added meanwhile are fine. Whether all were new. `beside`
        is written with each that is."""
        new = True
        for name in names:
            try:
                with self.db.writing() as session:
                    session.execute(insert(self.model).values(name=name))
                    beside(session)
            except IntegrityError:
                new = False
        return new

    def rename(self, session: Session, name: str, to: str) -> None:
        """Raises IntegrityError when the new name is taken."""
        session.execute(update(self.model).where(self.model.name == name).values(name=to))

    def remove(self, session: Session, name: str) -> None:
        """Remove a name. Raises IntegrityError while something refers to it."""
        session.execute(delete(self.model).where(self.model.name == name))

    def forget(self) -> None:
        """Look again: a name was given to another number."""
        with self._lock:
            self._ids, self._names = {}, {}

    def _read(self, names: set[str] | None = None) -> dict[str, int]:
        query = select(self.model.id, self.model.name)
        if names is not None:
            query = query.where(self.model.name.in_(names))
        with self.db.reading() as session:
            numbers = {row.name: row.id for row in session.execute(query)}
        with self._lock:
            self._ids |= numbers
            self._names |= {number: name for name, number in numbers.items()}
        return numbers
