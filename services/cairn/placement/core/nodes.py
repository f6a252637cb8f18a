"""A provider as a search for candidates wants it, and what providers are found by."""

import datetime as dt
from bisect import bisect_left, insort
from collections.abc import Collection
from typing import Any, Generic, TypeVar

K = TypeVar("K")


class Stock:
    """How much of a class a provider has."""

    __slots__ = ("capacity", "min_unit", "room", "step_size", "used")

    def __init__(self, capacity: int, used: int, min_unit: int, max_unit: int,
                 step_size: int) -> None:
        self.capacity, self.used = capacity, used
        self.min_unit, self.step_size = min_unit, step_size
        # The most that one consumer can be given.
        self.room = min(capacity - used, max_unit)

    def fits(self, amount: int) -> bool:
        return self.min_unit <= amount <= self.room and not amount % self.step_size


class Node:
    """A provider with all that is known of it."""

    __slots__ = ("aggregates", "generation", "id", "modified", "name", "parent", "root", "stocks",
                 "summary", "traits", "uuid")

    def __init__(self, row: Any) -> None:
        self.id: int = row.id
        self.uuid: str = row.uuid
        self.name: str = row.name
        self.generation: int = row.generation
        self.parent: int | None = row.parent_id
        self.root: int = row.root_id or row.id
        self.modified: dt.datetime = row.updated_at or row.created_at
        self.stocks: dict[int, Stock] = {}
        self.traits: set[int] = set()
        self.aggregates: set[str] = set()
        # How it is said in answers, made when first asked for.
        self.summary: str | None = None

    def keys(self) -> tuple[Any, ...]:
        """What it is found by."""
        return self.root, self.uuid, self.traits, self.aggregates, self.stocks.keys()


class Index(Generic[K]):
    """Sets of provider numbers by some key."""

    def __init__(self) -> None:
        self._sets: dict[K, set[int]] = {}

    def add(self, keys: Collection[K], id_: int) -> None:
        for key in keys:
            self._sets.setdefault(key, set()).add(id_)

    def drop(self, keys: Collection[K], id_: int) -> None:
        for key in keys:
            self._sets[key].discard(id_)

    def of(self, key: K) -> set[int]:
        return self._sets.get(key) or set()

    def any_of(self, keys: Collection[K]) -> set[int]:
        return set().union(*(self.of(key) for key in keys))


class Rooms:
    """Who has how much room, by class: how many have enough is known without looking at them."""

    def __init__(self) -> None:
        self._sorted: dict[int, list[tuple[int, int]]] = {}

    def add(self, node: Node) -> None:
        for class_id, stock in node.stocks.items():
            insort(self._sorted.setdefault(class_id, []), (stock.room, node.id))

    def drop(self, node: Node) -> None:
        for class_id, stock in node.stocks.items():
            rooms = self._sorted[class_id]
            del rooms[bisect_left(rooms, (stock.room, node.id))]

    def count(self, class_id: int, amount: int) -> int:
        rooms = self._sorted.get(class_id, [])
        return len(rooms) - bisect_left(rooms, (amount, 0))

    def of(self, class_id: int, amount: int) -> set[int]:
        rooms = self._sorted.get(class_id, [])
        return {id_ for _, id_ in rooms[bisect_left(rooms, (amount, 0)):]}
