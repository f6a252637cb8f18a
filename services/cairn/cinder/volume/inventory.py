"""What there really is on a storage host, as an audit asks; and the removal of what is nobody's."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from cairn.cinder.drivers.base import Driver, Manageable, NotSupported
from cairn.cinder.drivers.base import Snapshot as SnapshotThing
from cairn.cinder.rpc import Held, Inventory, Storeroom, VolumeRecord
from cairn.cinder.volume.backends import Backends, thing
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.targets import Kept, Target
from cairn.common.bounds import below, uuid_of

NOTHING_SAID: Held = {"size": None, "volume": ""}
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def look(driver: Driver) -> Inventory:
    """What a backend has. Exports come first: what is exported later is of a later attachment."""
    exports = sorted(list(pair) for pair in driver.exports())
    strays = list(driver.stray(set(), set()))
    leftovers = [asdict(each) for each in driver.leftovers()]
    volumes, snapshots = _held(driver.manageable_volumes()), _held(driver.manageable_snapshots())
    halves = {each["id"] for each in leftovers} - volumes.keys()
    return {
        "volumes": {id_: volumes.get(id_, NOTHING_SAID) for kind, id_ in strays
                    if kind == "volume" and id_ not in halves},
        "snapshots": {id_: snapshots.get(id_, NOTHING_SAID) for kind, id_ in strays
                      if kind == "snapshot"},
        "exports": exports, "leftovers": leftovers,
    }


def _held(things: Iterable[Manageable]) -> dict[str, Held]:
    return {each.cinder_id: {"size": each.size, "volume": _id_in(each.source_reference)}
            for each in things if each.cinder_id is not None}


def _id_in(reference: Mapping[str, str] | None) -> str:
    """What a backend calls a volume has its id in it."""
    there = UUID.search(reference.get("source-name", "")) if reference else None
    return there[0] if there else ""


class Keeper:
    """What is kept beside the backends, and what is removed when a controller says so."""

    def __init__(self, backends: Backends, target: Target | None, folder: str) -> None:
        """`target` is where backups are kept, `folder` where images lie for a moment."""
        self.backends, self.target, self.folder = backends, target, Path(folder)

    def look(self) -> Storeroom:
        return {"backups": _backups(self.target), "scratch": self._scratch()}

    def _scratch(self) -> dict[str, float]:
        ages = {}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if UUID.fullmatch(path.name):
                try:
                    ages[path.name] = max(0.0, time.time() - path.stat().st_mtime)
                except FileNotFoundError:
                    continue  # Its work has ended.
        return ages

    def remove(self, kind: str, backend: str, volume: VolumeRecord | None, name: str) -> None:
        """See rpc.Volume.remove. Raises NotSupported, BackendFailed."""
        if kind == "backup" and self.target is not None:
            _remove_backup(self.target, uuid_of(name, "backup"))
        elif kind == "scratch":
            below(self.folder, uuid_of(name, "work")).unlink(missing_ok=True)
        elif kind == "leftover":
            self.backends.driver(backend).remove_leftover(name)
        elif kind == "volume" and volume is not None:
            self.backends.driver(backend).delete(thing(volume))
        elif kind == "snapshot" and volume is not None:
            self.backends.driver(backend).delete_snapshot(_snapshot(name, volume))
        else:
            raise NotSupported(reason=f"nothing is removed as {kind:.40}")

    def unmanage(self, kind: str, backend: str, volume: VolumeRecord, name: str) -> None:
        """See rpc.Volume.unmanage. Raises NotSupported, BackendFailed."""
        if kind == "volume":
            self.backends.driver(backend).unmanage(thing(volume))
        elif kind == "snapshot":
            self.backends.driver(backend).unmanage_snapshot(_snapshot(name, volume))
        else:
            raise NotSupported(reason=f"nothing is unmanaged as {kind:.40}")


def _backups(target: Target | None) -> dict[str, bool]:
    if target is None:
        return {}
    return {kept.id: target.has(kept, chunks.LIST) for kept in target.inventory()}


def _remove_backup(target: Target, id_: str) -> None:
    """Others may stand on its chunks."""
    for other in target.inventory():
        whole = other.id != id_ and target.has(other, chunks.LIST)
        if whole and id_ in chunks.others(target, other):
            raise NotSupported(reason=f"backup {other.id} stands on {id_}")
    target.remove(Kept(id_))


def _snapshot(id_: str, volume: VolumeRecord) -> SnapshotThing:
    return SnapshotThing(uuid_of(id_, "snapshot"), thing(volume), volume["size"])
