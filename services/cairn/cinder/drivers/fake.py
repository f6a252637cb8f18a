"""A backend for tests and for thousands of volumes on a laptop: sparse files, copied when cloned.

It holds real bytes, so that what copies them can be tested, and it lives as long as its folder.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cairn.cinder.drivers.base import (
    GIB,
    BackendFailed,
    Connector,
    Disk,
    Host,
    Leftover,
    Manageable,
    NoRoom,
    NoSuchReference,
    NotSupported,
    Pool,
    Snapshot,
    Volume,
    room,
)
from cairn.cinder.drivers.files import PART, age_of, copy_sparse, translated
from cairn.cinder.drivers.locks import Locks
from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Invalid

FOLDERS = VOLUMES, SNAPSHOTS, EXPORTS, STRANGERS, STRANGE_SNAPSHOTS = (
    "volumes", "snapshots", "exports", "unmanaged", "unmanaged-snapshots")

PLENTY = 1_000_000


class FakeDriver:
    storage_protocol = "fake"
    vendor_name = "Cairn"
    driver_version = "1.0"

    def __init__(self, name: str, where: str = "", host: Host | None = None) -> None:
        """`where` is a folder; without one, a temporary folder that goes when the driver goes."""
        self.name, self.host = name, host or Host()
        self.folder = Path(where or tempfile.mkdtemp(prefix="cairn-fake-"))
        if not where:
            weakref.finalize(self, shutil.rmtree, self.folder, True)
        self._locks = Locks()
        # Tests may set one that is reached.
        self.capacity_gb = PLENTY
        # For tests: called as hook(method, id) before a method, as hook("method half", id) in the
        # middle of its work, and as hook("method done", id) behind it. What it raises is raised.
        self.hook: Callable[[str, str], None] = lambda moment, id_: None
        for folder in FOLDERS:
            (self.folder / folder).mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        self.hook("check", "")
        if not self.folder.is_dir():
            raise BackendFailed(reason=f"{self.folder} is not there")

    def pools(self) -> list[Pool]:
        sizes = [size for size in map(_size, self._files(VOLUMES)) if size is not None]
        taken = sum(sizes) / GIB
        return [Pool(
            name=self.name, total_capacity_gb=self.capacity_gb,
            free_capacity_gb=max(0.0, self.capacity_gb - taken),
            provisioned_capacity_gb=taken, allocated_capacity_gb=taken,
            reserved_percentage=self.host.reserved_percentage,
            max_over_subscription_ratio=self.host.max_over_subscription_ratio,
            total_volumes=len(sizes), location_info=f"fake:{self.folder}",
            consistent_group_snapshot_enabled=True,
        )]

    # Volumes

    def create(self, volume: Volume) -> dict[str, Any]:
        with self._doing("create", volume.id):
            path = self._volume(volume)
            if not path.exists():
                self._require(volume.size)
                with self._whole(path, "create", volume.id) as part:
                    part.touch()
                    os.truncate(part, room(volume))
        return {}

    def clone(self, volume: Volume, source: Volume) -> dict[str, Any]:
        with self._doing("clone", volume.id, source.id):
            return self._copied("clone", self._there(self._volume(source)), volume)

    def clone_snapshot(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._doing("clone_snapshot", volume.id, snapshot.volume.id):
            return self._copied("clone_snapshot", self._there(self._snapshot(snapshot)), volume)

    def _copied(self, method: str, source: Path, volume: Volume) -> dict[str, Any]:
        path = self._volume(volume)
        if not path.exists():
            self._require(volume.size)
            with self._whole(path, method, volume.id) as part:
                copy_sparse(source, part, room(volume))
        return {}

    def clone_image(self, volume: Volume, locations: list[str]) -> dict[str, Any] | None:
        with self._doing("clone_image", volume.id):
            return None

    def delete(self, volume: Volume) -> None:
        with self._doing("delete", volume.id):
            if self._exports_of(volume.id):
                raise BackendFailed(reason=f"volume {volume.id} is in use")
            _remove(self._volume(volume))

    def extend(self, volume: Volume, size: int) -> dict[str, Any]:
        with self._doing("extend", volume.id):
            path = self._there(self._volume(volume))
            target = room(volume) + (size - volume.size) * GIB
            if target > path.stat().st_size:
                self._require(size - volume.size)
                self.hook("extend half", volume.id)
                os.truncate(path, target)
        return {}

    # Snapshots

    def create_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        with self._doing("create_snapshot", snapshot.id, snapshot.volume.id):
            source, path = self._there(self._volume(snapshot.volume)), self._snapshot(snapshot)
            if not path.exists():
                with self._whole(path, "create_snapshot", snapshot.id) as part:
                    copy_sparse(source, part, source.stat().st_size)
        return {}

    def create_snapshots(self, snapshots: list[Snapshot]) -> list[dict[str, Any]]:
        with self._locks.held(*(snapshot.volume.id for snapshot in snapshots)):
            return [self.create_snapshot(snapshot) for snapshot in snapshots]

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        with self._doing("delete_snapshot", snapshot.id, snapshot.volume.id):
            _remove(self._snapshot(snapshot))

    def revert(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._doing("revert", volume.id):
            source, path = self._there(self._snapshot(snapshot)), self._there(self._volume(volume))
            with self._whole(path, "revert", volume.id) as part:
                copy_sparse(source, part, path.stat().st_size)
        return {}

    # Guests

    def export(self, volume: Volume, attachment_id: str, connector: Connector) -> dict[str, Any]:
        with self._doing("export", volume.id):
            path = self._there(self._volume(volume))
            mark = self._export(volume.id, attachment_id)
            with self._whole(mark, "export", volume.id) as part:
                part.write_text(connector.host)
        return {"driver_volume_type": "fake", "data": {
            "device_path": str(path), "discard": True,
            "access_mode": "ro" if connector.read_only else "rw"}}

    def unexport(self, volume: Volume, attachment_id: str) -> None:
        with self._doing("unexport", volume.id):
            _remove(self._export(volume.id, attachment_id))

    def exports(self) -> set[tuple[str, str]]:
        return {_pair(path.name) for path in self._files(EXPORTS)}

    def _exports_of(self, volume_id: str) -> bool:
        return any(volume == volume_id for volume, _ in self.exports())

    @contextmanager
    def opened(self, thing: Volume | Snapshot, *, write: bool = False) -> Iterator[Disk]:
        self.hook("opened", thing.id)
        path = self._snapshot(thing) if isinstance(thing, Snapshot) else self._volume(thing)
        if write and (isinstance(thing, Snapshot) or self._exports_of(thing.id)):
            raise NotSupported(reason=f"{thing.id} is not to be written to now")
        file = {"driver": "file", "filename": str(self._there(path)), "discard": "unmap",
                # A guest may write to it meanwhile.
                "locking": "off"}
        yield Disk({"driver": "raw", "read-only": not write, "file": file})

    # Names

    def rename(self, volume: Volume, id_: str) -> dict[str, Any] | None:
        with self._doing("rename", volume.id, id_):
            source, path = self._volume(volume), below(self.folder, VOLUMES, uuid_of(id_, "id"))
            if source.exists():
                source.rename(path)
            self._there(path)
        return {}

    def manageable_volumes(self) -> Iterator[Manageable]:
        yield from _manageable(self._files(VOLUMES), lambda name: name, None)
        yield from _manageable(self._files(STRANGERS), lambda name: None, None)

    def manageable_snapshots(self) -> Iterator[Manageable]:
        def source(name: str) -> str:
            return _pair(name)[0]

        yield from _manageable(self._files(SNAPSHOTS), lambda name: _pair(name)[1], source)
        yield from _manageable(self._files(STRANGE_SNAPSHOTS), lambda name: None, source)

    def manage(self, volume: Volume, reference: Mapping[str, str]) -> dict[str, Any]:
        with self._doing("manage", volume.id):
            if not self._volume(volume).exists():
                self._stranger(STRANGERS, reference).rename(self._volume(volume))
        return {}

    def manage_size(self, reference: Mapping[str, str]) -> int:
        return -(-self._stranger(STRANGERS, reference).stat().st_size // GIB)

    def manage_snapshot(
        self, snapshot: Snapshot, reference: Mapping[str, str]
    ) -> dict[str, Any]:
        with self._doing("manage_snapshot", snapshot.id, snapshot.volume.id):
            path = self._snapshot(snapshot)
            if not path.exists():
                stranger = self._stranger(STRANGE_SNAPSHOTS, reference)
                if _pair(stranger.name)[0] != snapshot.volume.id:
                    raise NoSuchReference(reason="it is a snapshot of another volume")
                stranger.rename(path)
        return {}

    def unmanage(self, volume: Volume) -> None:
        with self._doing("unmanage", volume.id):
            path = self._volume(volume)
            if path.exists():
                path.rename(self.folder / STRANGERS / path.name)

    def unmanage_snapshot(self, snapshot: Snapshot) -> None:
        with self._doing("unmanage_snapshot", snapshot.id, snapshot.volume.id):
            path = self._snapshot(snapshot)
            if path.exists():
                path.rename(self.folder / STRANGE_SNAPSHOTS / path.name)

    def stray(self, volumes: set[str], snapshots: set[str]) -> Iterator[tuple[str, str]]:
        for path in self._files(VOLUMES):
            if path.name not in volumes:
                yield "volume", path.name
        for path in self._files(SNAPSHOTS):
            if _pair(path.name)[1] not in snapshots:
                yield "snapshot", _pair(path.name)[1]

    def leftovers(self) -> Iterator[Leftover]:
        for folder in FOLDERS:
            for path in sorted((self.folder / folder).glob(f"*{PART}")):
                yield Leftover(f"{folder}/{path.name}", _last(path.name.removesuffix(PART)),
                               age_of(path))

    def remove_leftover(self, name: str) -> None:
        folder, _, file = name.partition("/")
        if folder not in FOLDERS or not file.endswith(PART):
            raise NotSupported(reason=f"{name:.80} is no leftover")
        below(self.folder, folder, file).unlink(missing_ok=True)

    # Files

    @contextmanager
    def _doing(self, method: str, id_: str, *others: str) -> Iterator[None]:
        self.hook(method, id_)
        with self._locks.held(id_, *others), translated():
            yield
        self.hook(f"{method} done", id_)

    @contextmanager
    def _whole(self, path: Path, method: str, id_: str) -> Iterator[Path]:
        """A file to be filled, which then takes the other's place."""
        part = path.with_name(path.name + PART)
        yield part
        self.hook(f"{method} half", id_)
        part.rename(path)

    def _volume(self, volume: Volume) -> Path:
        return below(self.folder, VOLUMES, uuid_of(volume.id, "volume"))

    def _snapshot(self, snapshot: Snapshot) -> Path:
        ids = uuid_of(snapshot.volume.id, "volume"), uuid_of(snapshot.id, "snapshot")
        return below(self.folder, SNAPSHOTS, "@".join(ids))

    def _export(self, volume_id: str, attachment_id: str) -> Path:
        ids = uuid_of(volume_id, "volume"), uuid_of(attachment_id, "attachment")
        return below(self.folder, EXPORTS, "@".join(ids))

    def _stranger(self, folder: str, reference: Mapping[str, str]) -> Path:
        """Raises NoSuchReference."""
        name = reference.get("source-name")
        if not isinstance(name, str):
            raise NoSuchReference(reason="it has no source-name")
        try:
            # A snapshot is called by its own id, its file also by its volume's.
            names = [path.name for path in self._files(folder) if _last(path.name) == name]
            path = below(self.folder, folder, names[0] if names else name)
            path.stat()
        except (Invalid, OSError) as error:
            raise NoSuchReference(reason=str(error)) from error
        return path

    def _there(self, path: Path) -> Path:
        if not path.exists():
            raise BackendFailed(reason=f"there is no {path.name} among the {path.parent.name}")
        return path

    def _files(self, folder: str) -> list[Path]:
        return sorted(path for path in (self.folder / folder).iterdir() if path.suffix != PART)

    def _require(self, size: int) -> None:
        if self.capacity_gb < PLENTY and size > self.pools()[0].free_capacity_gb:
            raise NoRoom(reason=f"{size} GiB do not fit")


def _pair(name: str) -> tuple[str, str]:
    volume, _, other = name.partition("@")
    return volume, other


def _last(name: str) -> str:
    return name.rpartition("@")[2]


def _remove(path: Path) -> None:
    """The file, and what was begun of another."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + PART).unlink(missing_ok=True)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None  # It was deleted since.


def _manageable(
    paths: list[Path], ours: Callable[[str], str | None], source: Callable[[str], str] | None
) -> Iterator[Manageable]:
    for path in paths:
        size, id_ = _size(path), ours(path.name)
        if size is not None:
            yield Manageable(
                reference={"source-name": _last(path.name)}, size=-(-size // GIB),
                safe_to_manage=id_ is None, cinder_id=id_,
                reason_not_safe="already managed" if id_ else None,
                source_reference={"source-name": source(path.name)} if source else None)
