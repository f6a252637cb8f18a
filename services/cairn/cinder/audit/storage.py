"""What storage hosts say that they have. Each speaks of its own backends, and is asked about no
other's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cairn.cinder.audit.rows import Rows, backend
from cairn.cinder.component import Cinder
from cairn.cinder.rpc import Held, Inventory, Storeroom
from cairn.common.context import Context
from cairn.common.errors import Problem


@dataclass(frozen=True)
class Storage:
    inventories: dict[str, Inventory] = field(default_factory=dict)
    storerooms: dict[str, Storeroom] = field(default_factory=dict)
    # host@backend, or host, and why it said nothing.
    silent: dict[str, str] = field(default_factory=dict)
    # Where each backend keeps its volumes: two hosts may share a cluster's pool.
    places: dict[str, str] = field(default_factory=dict)

    def at(self, backend: str | None) -> list[Inventory]:
        """What is in a backend, by all who look into it; nothing where nobody answered."""
        place = self.places.get(backend or "")
        return [inventory for name, inventory in self.inventories.items()
                if self.places[name] == place]

    def volume(self, backend: str | None, name: str) -> Held | None:
        return _first(inventory["volumes"].get(name) for inventory in self.at(backend))

    def snapshot(self, backend: str | None, id_: str) -> Held | None:
        return _first(inventory["snapshots"].get(id_) for inventory in self.at(backend))

    def exports(self, backend: str | None) -> set[str]:
        """Ids of attachments."""
        return {attachment for inventory in self.at(backend)
                for _, attachment in inventory["exports"]}

    def once(self) -> list[tuple[str, Inventory]]:
        """One backend of each place, with what is in it."""
        first: dict[str, tuple[str, Inventory]] = {}
        for name, inventory in self.inventories.items():
            first.setdefault(self.places[name], (name, inventory))
        return list(first.values())


def _first(each: Iterable[Held | None]) -> Held | None:
    return next((held for held in each if held is not None), None)


def ask(cinder: Cinder, ctx: Context, rows: Rows) -> Storage:
    """Every backend that is up, one after the other."""
    storage = Storage()
    used = {backend(volume) for volume in rows.volumes.values()}
    for name, service in sorted(rows.backends.items()):
        storage.places[name] = _place(name, service.report.get("pools", []))
        host = name.partition("@")[0]
        if name not in rows.up and service.disabled and name not in used:
            continue  # It is out of service, and nothing that there is a row of was on it.
        if name not in rows.up:
            storage.silent[name] = "its cinder-volume is down"
            continue
        try:
            storage.inventories[name] = cinder.volume.inventory(ctx, host=host, backend=name)
        except Problem as problem:
            storage.silent[name] = str(problem)
    for host in sorted({name.partition("@")[0] for name in rows.up}):
        try:
            storage.storerooms[host] = cinder.volume.storeroom(ctx, host=host)
        except Problem as problem:
            storage.silent[host] = str(problem)
    return storage


def _place(name: str, pools: list[dict[str, Any]]) -> str:
    locations = [str(pool.get("location_info") or "") for pool in pools]
    return " ".join(sorted(locations)) if locations and all(locations) else name
