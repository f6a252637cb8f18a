"""All resource providers in memory, as they are now.

Candidates are looked for among all providers at once, of which a cloud has thousands, and few of
them change between two questions. So every process keeps them in the form that the search wants,
and asks the database only which have changed: one short query when none has.

What transactions wrote to `resource_provider_changes` becomes visible when they commit, which is
not in the order of its numbers. A number that is skipped is therefore looked for again until it
appears, or until its transaction can no more be alive.
"""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from os_traits import MISC_SHARES_VIA_AGGREGATE
from sqlalchemy import BindParameter, bindparam, delete, or_, select
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.placement.core.changes import NAMES
from cairn.placement.core.names import Names
from cairn.placement.core.nodes import Index, Node, Rooms, Stock
from cairn.placement.db.models import (
    Inventory,
    Provider,
    ProviderAggregate,
    ProviderChange,
    ProviderTrait,
)

SKIPPED_FOR = 120.0  # Seconds. A statement waits 50 s for a lock, and the note is among the last.
KEPT = 20_000  # Changes kept in the table; whoever missed more reads everything.
AT_ONCE = 500  # Providers read by one query.

_NEWS = select(ProviderChange.id, ProviderChange.provider_id)
NEWS = _NEWS.where(ProviderChange.id >= bindparam("seen"))
NEWS_AND_SKIPPED = _NEWS.where(or_(
    ProviderChange.id >= bindparam("seen"),
    ProviderChange.id.in_(bindparam("skipped", expanding=True))))
LATEST = _NEWS.order_by(ProviderChange.id.desc()).limit(1000)
PROVIDERS = select(Provider.id, Provider.uuid, Provider.name, Provider.generation,
                   Provider.parent_id, Provider.root_id, Provider.created_at, Provider.updated_at)
INVENTORIES = select(
    Inventory.provider_id, Inventory.class_id, Inventory.total, Inventory.reserved,
    Inventory.allocation_ratio, Inventory.used, Inventory.min_unit, Inventory.max_unit,
    Inventory.step_size)
TRAITS = select(ProviderTrait.provider_id, ProviderTrait.trait_id)
AGGREGATES = select(ProviderAggregate.provider_id, ProviderAggregate.aggregate)
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
OF_PROVIDERS = (PROVIDERS.where(Provider.id.in_(IDS)),
                INVENTORIES.where(Inventory.provider_id.in_(IDS)),
                TRAITS.where(ProviderTrait.provider_id.in_(IDS)),
                AGGREGATES.where(ProviderAggregate.provider_id.in_(IDS)))
OF_ALL = (PROVIDERS.order_by(Provider.id), INVENTORIES, TRAITS, AGGREGATES)


class Snapshot:
    """Used inside of `with snapshot.now():`, by one thread at a time."""

    def __init__(self, db: Database, names: Names) -> None:
        self.db, self.names = db, names
        self._lock = threading.Lock()
        self._seen = 0
        self._skipped: dict[int, float] = {}
        self._loaded = False
        self._clear()

    def _clear(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.by_uuid: dict[str, int] = {}
        self.trees: dict[int, dict[int, Node]] = {}
        # The roots in a row, that a search can start anywhere in; and where each is.
        self.roots: list[int] = []
        self._place: dict[int, int] = {}
        self.rooms = Rooms()
        self.by_trait = Index[int]()
        self.by_aggregate = Index[str]()

    @contextmanager
    def now(self) -> Iterator["Snapshot"]:
        with self._lock:
            try:
                with self.db.reading() as session:
                    self._refresh(session)
            except Exception:
                # Changes that were noticed and not read would never be noticed again.
                self._loaded = False
                raise
            yield self

    @property
    def has_trees(self) -> bool:
        return len(self.nodes) > len(self.roots)

    def find(self, uuid: str) -> Node | None:
        id_ = self.by_uuid.get(uuid)
        return None if id_ is None else self.nodes[id_]

    def sharing(self) -> set[int]:
        """Those that give of what they have to whoever is in an aggregate with them."""
        number = self.names.traits.ids({MISC_SHARES_VIA_AGGREGATE})[MISC_SHARES_VIA_AGGREGATE]
        return self.by_trait.of(number)

    def summary(self, node: Node) -> str:
        """What a candidate's answer says of the provider, from microversion 1.29 on."""
        if node.summary is None:
            parent = None if node.parent is None else self.nodes[node.parent].uuid
            node.summary = f'"{node.uuid}":' + orjson.dumps({
                "resources": self.resources(node), "traits": self.traits(node),
                "parent_provider_uuid": parent, "root_provider_uuid": self.nodes[node.root].uuid,
            }).decode()
        return node.summary

    def resources(self, node: Node) -> dict[str, dict[str, int]]:
        name = self.names.classes.name
        return {name(class_id): {"capacity": stock.capacity, "used": stock.used}
                for class_id, stock in node.stocks.items()}

    def traits(self, node: Node) -> list[str]:
        names = [self.names.traits.name(trait) for trait in node.traits]
        return sorted(names, key=lambda name: (name.startswith("CUSTOM_"), name))

    def _refresh(self, session: Session) -> None:
        if not self._loaded:
            self._load(session)
            return
        asked: dict[str, Any] = {"seen": self._seen}
        if self._skipped:
            asked["skipped"] = list(self._skipped)
        rows = session.execute(NEWS_AND_SKIPPED if self._skipped else NEWS, asked).all()
        changes = {row.id: row.provider_id for row in rows}
        if self._seen and self._seen not in changes:
            # Others wrote more than is kept, or the database is another one.
            self._load(session)
            return
        changes.pop(self._seen, None)
        if changes or self._skipped:
            self._note(changes)
        changed = set(changes.values())
        if NAMES in changed:
            changed.discard(NAMES)
            self.names.classes.forget()
            for node in self.nodes.values():
                node.summary = None
        if changed:
            self._read(session, sorted(changed))

    def _note(self, changes: Collection[int]) -> None:
        """Move on to the last of these changes; those between that are missing are yet to come."""
        now = time.monotonic()
        last = max(changes, default=self._seen)
        if self._seen:
            for id_ in range(self._seen + 1, last):
                self._skipped[id_] = now
        for id_ in [i for i, since in self._skipped.items()
                    if i in changes or now - since > SKIPPED_FOR]:
            del self._skipped[id_]
        if last // KEPT > self._seen // KEPT and self._loaded:
            self._prune(last - KEPT)
        self._seen = max(self._seen, last)

    def _prune(self, before: int) -> None:
        with self.db.writing() as session:
            session.execute(delete(ProviderChange).where(ProviderChange.id < before))

    def _load(self, session: Session) -> None:
        """Read everything: first which change is the last, so that what comes after is noticed."""
        self._clear()
        self._loaded, self._seen, self._skipped = False, 0, {}
        latest = {row.id for row in session.execute(LATEST)}
        if latest:
            now = time.monotonic()
            self._seen = max(latest)
            self._skipped = {id_: now for id_ in range(min(latest), self._seen)
                             if id_ not in latest}
        self.names.classes.forget()
        for node in self._nodes(session, OF_ALL, {}).values():
            self._put(node)
        self._loaded = True

    def _read(self, session: Session, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start:start + AT_ONCE]
            nodes = self._nodes(session, OF_PROVIDERS, {"ids": some})
            for id_ in some:
                if id_ in nodes:
                    self._put(nodes[id_])
                elif id_ in self.nodes:
                    self._drop(self.nodes[id_])

    def _nodes(self, session: Session, queries: tuple[Any, ...], asked: Any) -> dict[int, Node]:
        providers, inventories, traits, aggregates = (
            session.execute(query, asked) for query in queries)
        nodes = {row.id: Node(row) for row in providers}
        for id_, class_id, total, reserved, ratio, used, *units in inventories:
            if id_ in nodes:
                capacity = int((total - reserved) * ratio)
                nodes[id_].stocks[class_id] = Stock(capacity, used, *units)
        for id_, trait in traits:
            if id_ in nodes:
                nodes[id_].traits.add(trait)
        for id_, aggregate in aggregates:
            if id_ in nodes:
                nodes[id_].aggregates.add(aggregate)
        return nodes

    def _put(self, node: Node) -> None:
        old = self.nodes.get(node.id)
        if old is not None and old.keys() == node.keys():
            # It has less or more of what it had: the common change.
            self.rooms.drop(old)
            self.rooms.add(node)
            self.nodes[node.id] = self.trees[node.root][node.id] = node
            return
        if old is not None:
            self._drop(old)
        self.nodes[node.id] = node
        self.by_uuid[node.uuid] = node.id
        if node.root not in self.trees:
            self.trees[node.root] = {}
            self._place[node.root] = len(self.roots)
            self.roots.append(node.root)
        self.trees[node.root][node.id] = node
        self.rooms.add(node)
        self.by_trait.add(node.traits, node.id)
        self.by_aggregate.add(node.aggregates, node.id)

    def _drop(self, node: Node) -> None:
        del self.nodes[node.id], self.by_uuid[node.uuid], self.trees[node.root][node.id]
        if not self.trees[node.root]:
            del self.trees[node.root]
            place, last = self._place.pop(node.root), self.roots.pop()
            if last != node.root:
                self.roots[place] = last
                self._place[last] = place
        self.rooms.drop(node)
        self.by_trait.drop(node.traits, node.id)
        self.by_aggregate.drop(node.aggregates, node.id)
