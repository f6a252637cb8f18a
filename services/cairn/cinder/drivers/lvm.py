"""Volumes of a thin pool of LVM, exported by iSCSI.

A snapshot is a thin volume that nobody writes to, a clone one that somebody does: both cost nothing
and go in any order, because LVM counts who has which block. So what is deleted is gone, and blocks
that a pool gives away again read as zeros (check() looks after that).

Reverting is the only thing that takes more than one command. The volume's new content is made
beside it, and the two change names: `volume-ID` becomes `old-ID`, `revert-ID` becomes `volume-ID`.
Whoever finds the one name without the other finishes that first.
"""

import dataclasses
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from cairn.cinder.drivers import targets
from cairn.cinder.drivers.base import (
    GIB,
    UNMANAGED,
    BackendFailed,
    Connector,
    Disk,
    Host,
    Leftover,
    Manageable,
    NoSuchReference,
    NotSupported,
    Pool,
    Snapshot,
    Volume,
    room,
)
from cairn.cinder.drivers.locks import Locks
from cairn.cinder.drivers.targets import Export, Records, Targets
from cairn.cinder.drivers.volume_group import Thin, VolumeGroup
from cairn.common.bounds import uuid_of

POOL = "volumes"
RECORDS = Path("/var/lib/cairn/volume-exports")
VOLUME, SNAPSHOT, REVERT, OLD = "volume-", "snap-", "revert-", "old-"
# Tells a snapshot's volume, also when that is gone.
OF = "cairn.of."
# A pool whose metadata is full stops writing, so it counts as full before it is.
FULL_METADATA = 95.0


class LvmDriver:
    storage_protocol = "iSCSI"
    vendor_name = "Cairn"
    driver_version = "1.0"
    # What QEMU opens a volume by.
    block = "host_device"

    def __init__(self, name: str, where: str = "", host: Host | None = None) -> None:
        """`where` is VG or VG/POOL."""
        self.name, self.host = name, host or Host()
        group, _, pool = where.partition("/")
        self.group = VolumeGroup(group, pool or POOL)
        self.records = Records(RECORDS / name)
        self._locks = Locks()
        self._opened: Counter[str] = Counter()
        self._opening = threading.Lock()

    @cached_property
    def targets(self) -> Targets:
        return targets.choose(self._portal)

    @property
    def _portal(self) -> str:
        address = self.host.export_address or "127.0.0.1"
        return f"[{address}]:{targets.PORT}" if ":" in address else f"{address}:{targets.PORT}"

    def check(self) -> None:
        """Also brings back what the host's last boot, or a tool's end, took away."""
        pool, volumes = self.group.look()
        if pool.trouble:
            raise BackendFailed(reason=f"the thin pool {self.group}: {pool.trouble}")
        if not pool.zeroes:
            raise BackendFailed(
                reason=f"the thin pool {self.group} hands out blocks as others left them; "
                f"lvchange --zero y {self.group} ends that")
        for thin in volumes.values():
            if thin.suspended:
                self.group.refresh(thin.name)
        self.targets.check()
        served = self.targets.served()
        for export in self.records:
            if export.iqn not in served:
                with self._locks.held(export.volume):
                    self._serve(export.volume, export.attachment)

    def _serve(self, volume: str, attachment: str) -> None:
        export, thin = self.records.get(volume, attachment), self._find(volume)
        if export is not None and thin is not None:
            self.targets.serve(dataclasses.replace(export, device=self._device(thin)))

    def pools(self) -> list[Pool]:
        pool, volumes = self.group.look()
        ours = [thin for name, thin in volumes.items() if name.startswith(VOLUME)]
        used = pool.size * pool.data_percent / 100
        free = 0.0 if pool.metadata_percent > FULL_METADATA else (pool.size - used) / GIB
        return [Pool(
            name=self.name, total_capacity_gb=pool.size / GIB, free_capacity_gb=round(free, 2),
            provisioned_capacity_gb=sum(thin.size for thin in ours) / GIB,
            allocated_capacity_gb=round(used / GIB, 2),
            reserved_percentage=self.host.reserved_percentage,
            max_over_subscription_ratio=self.host.max_over_subscription_ratio,
            total_volumes=len(ours), location_info=f"lvm:{self.host.name}:{self.group}",
        )]

    # Volumes

    def create(self, volume: Volume) -> dict[str, Any]:
        with self._locks.held(self._id(volume)):
            if self._find(volume.id) is None:
                self.group.create(VOLUME + volume.id, room(volume))
        return {}

    def clone(self, volume: Volume, source: Volume) -> dict[str, Any]:
        with self._locks.held(self._id(volume), self._id(source)):
            self._clone(volume, self._there(source.id))
        return {}

    def clone_snapshot(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._locks.held(self._id(volume), self._id(snapshot.volume)):
            self._clone(volume, self._snapshot(snapshot))
        return {}

    def _clone(self, volume: Volume, source: Thin) -> None:
        if self._find(volume.id) is None:
            self.group.snapshot(source.name, VOLUME + volume.id)
        self._grow(VOLUME + volume.id, room(volume))

    def _grow(self, name: str, size: int) -> None:
        if self.group.volumes()[name].size < size:
            self.group.extend(name, size)

    def clone_image(self, volume: Volume, locations: list[str]) -> dict[str, Any] | None:
        return None

    def delete(self, volume: Volume) -> None:
        with self._locks.held(self._id(volume)):
            if self.records.of(volume.id):
                raise BackendFailed(reason=f"volume {volume.id} is in use")
            if (thin := self._find(volume.id)) is not None:
                self.group.remove(thin.name)

    def extend(self, volume: Volume, size: int) -> dict[str, Any]:
        with self._locks.held(self._id(volume)):
            thin = self._there(volume.id)
            self._grow(thin.name, room(dataclasses.replace(volume, size=size)))
            for export in self.records.of(volume.id):
                self.targets.grown(export)
        return {}

    # Snapshots

    def create_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        name = self._name(snapshot)
        with self._locks.held(self._id(snapshot.volume)):
            source = self._there(snapshot.volume.id)
            if name not in self.group.volumes():
                self.group.snapshot(source.name, name, (OF + snapshot.volume.id,), writable=False)
        return {}

    def create_snapshots(self, snapshots: list[Snapshot]) -> list[dict[str, Any]]:
        if len({snapshot.volume.id for snapshot in snapshots}) > 1:
            raise NotSupported(reason="LVM takes snapshots of one volume at a time")
        return [self.create_snapshot(snapshot) for snapshot in snapshots]

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        name = self._name(snapshot)
        with self._locks.held(self._id(snapshot.volume)):
            if name in self.group.volumes():
                self.group.remove(name)

    def revert(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._locks.held(self._id(volume)):
            thin, source = self._there(volume.id), self._snapshot(snapshot)
            fresh, old = REVERT + volume.id, OLD + volume.id
            self.group.snapshot(source.name, fresh)
            self._grow(fresh, thin.size)
            self.group.rename(thin.name, old)
            self.group.rename(fresh, thin.name)
            self.group.remove(old)
        return {}

    # Guests

    def export(self, volume: Volume, attachment_id: str, connector: Connector) -> dict[str, Any]:
        user = uuid_of(attachment_id, "attachment")
        with self._locks.held(self._id(volume)):
            thin = self._there(volume.id)
            export = self.records.get(volume.id, user)
            export = Export(
                volume.id, user, self._device(thin), user,
                export.secret if export else targets.new_secret(), connector.read_only)
            self.records.put(export)
            self.targets.serve(export)
        return {"driver_volume_type": "iscsi", "data": {
            "target_discovered": False, "target_portal": self._portal, "target_iqn": export.iqn,
            "target_lun": self.targets.lun, "auth_method": "CHAP", "auth_username": user,
            "auth_password": export.secret, "discard": self.targets.discards,
            "access_mode": "ro" if connector.read_only else "rw"}}

    def unexport(self, volume: Volume, attachment_id: str) -> None:
        attachment = uuid_of(attachment_id, "attachment")
        with self._locks.held(self._id(volume)):
            self.targets.end(targets.iqn(volume.id, attachment))
            self.records.drop(volume.id, attachment)

    def exports(self) -> set[tuple[str, str]]:
        """A target without a record is of another backend, or was made by hand."""
        return {(export.volume, export.attachment) for export in self.records}

    @contextmanager
    def opened(self, thing: Volume | Snapshot, *, write: bool = False) -> Iterator[Disk]:
        with self._active(thing, write) as thin:
            yield Disk({"driver": "raw", "read-only": not write, "file": {
                "driver": self.block, "filename": thin.device, "discard": "unmap",
                # A guest may write to it meanwhile, past this host's memory of it.
                "cache": {"direct": True, "no-flush": False}, "locking": "off"}})

    @contextmanager
    def _active(self, thing: Volume | Snapshot, write: bool) -> Iterator[Thin]:
        if isinstance(thing, Volume):
            with self._locks.held(self._id(thing)):
                thin = self._there(thing.id)
                if write and self.records.of(thing.id):
                    raise NotSupported(reason=f"volume {thing.id} is in use")
                self._device(thin)
            yield self._there(thing.id)
            return
        if write:
            raise NotSupported(reason="nobody writes to a snapshot")
        name = self._name(thing)
        with self._opening:
            self._device(self._snapshot(thing))
            self._opened[name] += 1
        try:
            yield self._snapshot(thing)
        finally:
            with self._opening:
                self._opened[name] -= 1
                if not self._opened[name]:
                    del self._opened[name]
                    with suppress(BackendFailed):  # It was deleted, or somebody looks at it.
                        self.group.activate(name, active=False)

    def _device(self, thin: Thin) -> str:
        if not thin.active:
            self.group.activate(thin.name)
        return thin.device

    # Names

    def rename(self, volume: Volume, id_: str) -> dict[str, Any] | None:
        """What is exported keeps its name: its targets have it."""
        with self._locks.held(self._id(volume), uuid_of(id_, "id")):
            thin, other = self._find(volume.id), self._find(id_)
            if thin is not None and (other is not None or self.records.of(volume.id)):
                return None
            if thin is not None:
                self.group.rename(thin.name, VOLUME + id_)
            elif other is None:
                raise BackendFailed(reason=f"there is no volume {volume.id}")
        return {}

    def manageable_volumes(self) -> Iterator[Manageable]:
        for name, thin in sorted(self.group.volumes().items()):
            if name.startswith(VOLUME) or not _is_snapshot(thin):
                yield _manageable(thin, name.removeprefix(VOLUME)
                                  if name.startswith(VOLUME) else None)

    def manageable_snapshots(self) -> Iterator[Manageable]:
        for name, thin in sorted(self.group.volumes().items()):
            if _is_snapshot(thin):
                yield _manageable(thin, name.removeprefix(SNAPSHOT)
                                  if name.startswith(SNAPSHOT) else None)

    def manage(self, volume: Volume, reference: Mapping[str, str]) -> dict[str, Any]:
        with self._locks.held(self._id(volume)):
            if self._find(volume.id) is None:
                thin = self._stranger(reference, snapshot=False)
                self.group.rename(thin.name, VOLUME + volume.id)
            # A volume is of whole GiB, and at least of as many as it says.
            self._grow(VOLUME + volume.id, room(volume))
        return {}

    def manage_size(self, reference: Mapping[str, str]) -> int:
        return -(-self._stranger(reference, snapshot=False).size // GIB)

    def manage_snapshot(
        self, snapshot: Snapshot, reference: Mapping[str, str]
    ) -> dict[str, Any]:
        name = self._name(snapshot)
        with self._locks.held(self._id(snapshot.volume)):
            if name not in self.group.volumes():
                thin = self._stranger(reference, snapshot=True)
                if _source(thin) != snapshot.volume.id:
                    raise NoSuchReference(reason=f"{thin.name} is no snapshot of that volume")
                if OF + snapshot.volume.id not in thin.tags:
                    self.group.tag(thin.name, OF + snapshot.volume.id)
                self.group.rename(thin.name, name)
        return {}

    def unmanage(self, volume: Volume) -> None:
        with self._locks.held(self._id(volume)):
            if (thin := self._find(volume.id)) is not None:
                self.group.rename(thin.name, UNMANAGED + volume.id)

    def unmanage_snapshot(self, snapshot: Snapshot) -> None:
        name = self._name(snapshot)
        with self._locks.held(self._id(snapshot.volume)):
            if name in self.group.volumes():
                self.group.rename(name, UNMANAGED + snapshot.id)

    def stray(self, volumes: set[str], snapshots: set[str]) -> Iterator[tuple[str, str]]:
        strays = set()
        for name in self.group.volumes():
            for prefix in (VOLUME, REVERT, OLD):
                if name.startswith(prefix) and name.removeprefix(prefix) not in volumes:
                    strays.add(("volume", name.removeprefix(prefix)))
            if name.startswith(SNAPSHOT) and name.removeprefix(SNAPSHOT) not in snapshots:
                strays.add(("snapshot", name.removeprefix(SNAPSHOT)))
        yield from sorted(strays)

    def leftovers(self) -> Iterator[Leftover]:
        for name in sorted(self.group.volumes()):
            for prefix in (REVERT, OLD):
                if name.startswith(prefix):
                    yield Leftover(name, name.removeprefix(prefix))

    def remove_leftover(self, name: str) -> None:
        """The reverting is finished: what the volume was, or what it becomes, is the volume."""
        for prefix in (REVERT, OLD):
            if name.startswith(prefix):
                id_ = uuid_of(name.removeprefix(prefix), "volume")
                with self._locks.held(id_):
                    self._find(id_)
                return
        raise NotSupported(reason=f"{name:.80} is no leftover")

    # What is there

    def _id(self, volume: Volume) -> str:
        return uuid_of(volume.id, "volume")

    def _name(self, snapshot: Snapshot) -> str:
        return SNAPSHOT + uuid_of(snapshot.id, "snapshot")

    def _find(self, id_: str) -> Thin | None:
        """The volume, after a reverting that did not come to its end has."""
        volumes = self.group.volumes()
        name, fresh, old = VOLUME + id_, REVERT + id_, OLD + id_
        if fresh in volumes or old in volumes:
            if name in volumes:
                for rest in {fresh, old} & volumes.keys():
                    self.group.remove(rest)
            elif fresh in volumes:
                self.group.rename(fresh, name)
                if old in volumes:
                    self.group.remove(old)
            else:
                self.group.rename(old, name)
            volumes = self.group.volumes()
        return volumes.get(name)

    def _there(self, id_: str) -> Thin:
        if (thin := self._find(id_)) is None:
            raise BackendFailed(reason=f"there is no volume {id_} in {self.group}")
        return thin

    def _snapshot(self, snapshot: Snapshot) -> Thin:
        thin = self.group.volumes().get(self._name(snapshot))
        if thin is None:
            raise BackendFailed(reason=f"there is no snapshot {snapshot.id} in {self.group}")
        return thin

    def _stranger(self, reference: Mapping[str, str], *, snapshot: bool) -> Thin:
        """Raises NoSuchReference."""
        name = reference.get("source-name")
        if not isinstance(name, str):
            raise NoSuchReference(reason="it has no source-name")
        thin = self.group.volumes().get(name)
        if thin is None:
            raise NoSuchReference(reason=f"{name[:64]!r} is not in the thin pool {self.group}")
        if reason := _occupied(thin):
            raise NoSuchReference(reason=f"{name}: {reason}")
        if _is_snapshot(thin) != snapshot:
            kind = "no snapshot" if snapshot else "a snapshot"
            raise NoSuchReference(reason=f"{name} is {kind}")
        return thin


def _occupied(thin: Thin) -> str | None:
    if thin.name.startswith((VOLUME, SNAPSHOT, REVERT, OLD)):
        return "already managed"
    return "it is open" if thin.opened else None


def _source(thin: Thin) -> str | None:
    """Id of a snapshot's volume."""
    for tag in thin.tags:
        if tag.startswith(OF):
            return tag.removeprefix(OF)
    return thin.origin.removeprefix(VOLUME) if thin.origin.startswith(VOLUME) else None


def _is_snapshot(thin: Thin) -> bool:
    """A clone has an origin too, but is written to."""
    return thin.read_only and _source(thin) is not None


def _manageable(thin: Thin, id_: str | None) -> Manageable:
    reason, source = _occupied(thin), _source(thin)
    return Manageable(
        reference={"source-name": thin.name}, size=-(-thin.size // GIB),
        safe_to_manage=reason is None, reason_not_safe=reason, cinder_id=id_,
        source_reference={"source-name": VOLUME + source} if source else None)
