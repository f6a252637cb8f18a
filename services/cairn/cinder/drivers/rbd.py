"""Volumes as RADOS block devices of a Ceph pool. Snapshots and clones cost nothing, also clones of
images in the same cluster; guests open them by themselves.

An image is `volume-ID`, its snapshots are `snapshot-ID`. What is made of something else is whole
before it has that name. A snapshot with clones may be deleted: Ceph keeps it out of sight. So does
the pool's trash with an image that has such snapshots, and each deletion looks what can go by now.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

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
from cairn.cinder.drivers.ceph import CONF, CephPool, bindings, list_snapshots, watchers
from cairn.cinder.drivers.locks import Locks
from cairn.common.bounds import uuid_of
from cairn.common.errors import Problem

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PART = ".part"
VOLUME = re.compile(rf"volume-({UUID})")
SNAPSHOT = re.compile(rf"snapshot-({UUID})")
OURS = re.compile(rf"volume-({UUID})({re.escape(PART)})?")
# A snapshot that only serves to make a clone of what a volume holds now.
PASSING = "clone-"
# The object where it is noted who may open what: keys VOLUME@ATTACHMENT.
EXPORTS = "cairn.exports"
# The cluster takes this long to notice that who had an image open has died.
PATIENCE = 45.0
PAUSE = 1.0
# A read of what was never written asks each ancestor in turn: a clone with more of them gets all
# data of its own.
DEPTH = 8
LOCATION = re.compile(r"rbd://([^/]+)/([^/]+)/([^/]+)/([^/]+)")


class RbdDriver:
    storage_protocol = "ceph"
    vendor_name = "Open Source"
    driver_version = "1.0"

    def __init__(self, name: str, where: str, host: Host | None = None) -> None:
        """`where` is POOL[:USER[:CONF]]; the user's keyring is where that ceph.conf says."""
        pool, user, conf = [*where.split(":", 2), "", ""][:3]
        self.name, self.host = name, host or Host()
        self.ceph = CephPool(pool, user or "cinder", conf or CONF)
        self.patience = PATIENCE
        self._locks = Locks()

    def check(self) -> None:
        self.ceph.room()

    def pools(self) -> list[Pool]:
        stored, free = self.ceph.room()
        sizes = []
        with self.ceph.opened() as (rbd, ioctx):
            for name in rbd.RBD().list(ioctx):
                if VOLUME.fullmatch(name) and (size := _size(rbd, ioctx, name)) is not None:
                    sizes.append(size)
        promised = sum(sizes) / GIB
        return [Pool(
            name=self.name, total_capacity_gb=round((stored + free) / GIB, 2),
            free_capacity_gb=round(free / GIB, 2), provisioned_capacity_gb=promised,
            allocated_capacity_gb=promised, total_volumes=len(sizes),
            reserved_percentage=self.host.reserved_percentage,
            max_over_subscription_ratio=self.host.max_over_subscription_ratio,
            location_info=f"rbd://{self.ceph.fsid()}/{self.ceph.pool}",
        )]

    # Volumes

    def create(self, volume: Volume) -> dict[str, Any]:
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            self._make(rbd, ioctx, volume, lambda name: rbd.RBD().create(
                ioctx, name, room(volume), old_format=False))
        return {}

    def clone(self, volume: Volume, source: Volume) -> dict[str, Any]:
        """By a snapshot that is deleted at once."""
        passing = PASSING + uuid_of(volume.id, "volume")

        def make(name: str) -> None:
            with rbd.Image(ioctx, _name(source)) as image:
                _drop_passing(image)
                image.create_snap(passing)
                try:
                    rbd.RBD().clone(ioctx, _name(source), passing, ioctx, name)
                finally:
                    image.remove_snap(passing)

        with self._locked(volume.id, source.id), self.ceph.opened() as (rbd, ioctx):
            self._make(rbd, ioctx, volume, make)
        return {}

    def clone_snapshot(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._locked(volume.id, snapshot.volume.id), self.ceph.opened() as (rbd, ioctx):
            self._make(rbd, ioctx, volume, lambda name: rbd.RBD().clone(
                ioctx, _name(snapshot.volume), _snap(snapshot), ioctx, name))
        return {}

    def clone_image(self, volume: Volume, locations: list[str]) -> dict[str, Any] | None:
        places = [place.groups() for place in map(LOCATION.fullmatch, locations) if place]
        # A container is made by who writes into it.
        if not places or volume.encrypted:
            return None
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            fsid = self.ceph.fsid()
            for where, pool, image, snapshot in places:
                if where == fsid and self._clone_image(
                        rbd, ioctx, volume, pool, image, snapshot):
                    return {}
        return None

    def _clone_image(
        self, rbd: Any, ioctx: Any, volume: Volume, pool: str, image: str, snapshot: str
    ) -> bool:
        rados = bindings()[0]
        try:
            with self.ceph.connect().open_ioctx(pool) as images:
                size = _size(rbd, images, image)
                # Nothing has no clone: an image of a server on volumes has no bytes of its own.
                if not size or size > room(volume):
                    return False
                self._make(rbd, ioctx, volume, lambda name: rbd.RBD().clone(
                    images, image, snapshot, ioctx, name))
        except (rbd.ImageNotFound, rados.ObjectNotFound, rbd.PermissionError,
                rados.PermissionDeniedError):
            return False  # It went away, or is not for us.
        return True

    def _make(self, rbd: Any, ioctx: Any, volume: Volume, make: Callable[[str], None]) -> None:
        """A new image, unless it is there, under its name only when it is whole."""
        name = _name(volume)
        if _size(rbd, ioctx, name) is not None:
            return
        self._discard(rbd, ioctx, name + PART)
        make(name + PART)
        with rbd.Image(ioctx, name + PART) as image:
            if image.size() < room(volume):
                image.resize(room(volume))
            if self._depth(rbd, ioctx, image) > DEPTH:
                image.flatten()
        rbd.RBD().rename(ioctx, name + PART, name)

    def _depth(self, rbd: Any, ioctx: Any, image: Any) -> int:
        """How many ancestors an image has."""
        try:
            parent = image.get_parent_image_spec()
        except rbd.ImageNotFound:
            return 0
        if parent["pool_name"] != self.ceph.pool:
            return 1
        # By its id: it may be in the trash.
        with rbd.Image(ioctx, image_id=image.parent_id(), read_only=True) as above:
            return 1 + self._depth(rbd, ioctx, above)

    def delete(self, volume: Volume) -> None:
        name = _name(volume)
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            self._discard(rbd, ioctx, name + PART)
            try:
                # Ceph itself would put into the trash what somebody writes to.
                with rbd.Image(ioctx, name, read_only=True) as image:
                    self._wait_unused(volume, image, BackendFailed)
                with rbd.Image(ioctx, name) as image:
                    _drop_passing(image)
                    if snapshots := [s["name"] for s in list_snapshots(image)]:
                        reason = f"{name} has the snapshots {', '.join(snapshots)}"
                        raise BackendFailed(reason=reason)
                rbd.RBD().trash_move(ioctx, name, 0)
            except rbd.ImageNotFound:
                pass
            _sweep(rbd, ioctx)

    def _discard(self, rbd: Any, ioctx: Any, name: str) -> None:
        """An image that nobody had yet, but who died making it."""
        until = time.monotonic() + self.patience
        while True:
            try:
                rbd.RBD().remove(ioctx, name)
                return
            except rbd.ImageNotFound:
                return
            except rbd.ImageBusy:
                if time.monotonic() > until:
                    raise
                time.sleep(PAUSE)

    def extend(self, volume: Volume, size: int) -> dict[str, Any]:
        target = room(volume) + (size - volume.size) * GIB
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            with rbd.Image(ioctx, _name(volume)) as image:
                if image.size() < target:
                    image.resize(target)
        return {}

    # Snapshots

    def create_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        name = _snap(snapshot)
        with self._locked(snapshot.volume.id), self.ceph.opened() as (rbd, ioctx):
            with rbd.Image(ioctx, _name(snapshot.volume)) as image:
                try:
                    image.create_snap(name)
                except rbd.ImageExists:
                    pass
        return {}

    def create_snapshots(self, snapshots: list[Snapshot]) -> list[dict[str, Any]]:
        """Nobody writes to volumes that nobody has open. Ceph's own snapshots of groups can not be
        cloned."""
        ids = [snapshot.volume.id for snapshot in snapshots]
        with self._locked(*ids), self.ceph.opened() as (rbd, ioctx), ExitStack() as stack:
            images = [stack.enter_context(rbd.Image(ioctx, _name(s.volume), read_only=True))
                      for s in snapshots]
            if len(set(ids)) > 1 and (
                any(map(self._exports_of, ids)) or any(map(watchers, images))
            ):
                raise NotSupported(reason="volumes in use are not snapshotted at one moment")
            return [self.create_snapshot(snapshot) for snapshot in snapshots]

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        name = _snap(snapshot)
        with self._locked(snapshot.volume.id), self.ceph.opened() as (rbd, ioctx):
            try:
                with rbd.Image(ioctx, _name(snapshot.volume)) as image:
                    # Ours are not; one that came to us by `manage` may be.
                    if image.is_protected_snap(name):
                        image.unprotect_snap(name)
                    image.remove_snap(name)
            except rbd.ImageNotFound:
                return

    def revert(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            with rbd.Image(ioctx, _name(volume)) as image:
                image.rollback_to_snap(_snap(snapshot))
                # That made it as large as the snapshot.
                image.resize(room(volume))
        return {}

    # Guests

    def export(self, volume: Volume, attachment_id: str, connector: Connector) -> dict[str, Any]:
        """Anybody with the key may open it at any time: it is only noted who does."""
        key = _export(volume.id, attachment_id)
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            if _size(rbd, ioctx, _name(volume)) is None:
                raise BackendFailed(reason=f"there is no {_name(volume)}")
            self.ceph.note(EXPORTS, key, connector.host)
        monitors = self.ceph.monitors()
        return {"driver_volume_type": "rbd", "data": {
            "name": f"{self.ceph.pool}/{_name(volume)}",
            "hosts": [host for host, _ in monitors], "ports": [port for _, port in monitors],
            "cluster_name": "ceph", "auth_enabled": True, "auth_username": self.ceph.user,
            "secret_type": "ceph", "discard": True,
            "access_mode": "ro" if connector.read_only else "rw"}}

    def unexport(self, volume: Volume, attachment_id: str) -> None:
        key = _export(volume.id, attachment_id)
        with self._locked(volume.id):
            self.ceph.forget(EXPORTS, key)

    def exports(self) -> set[tuple[str, str]]:
        keys = (key.partition("@") for key in self.ceph.notes(EXPORTS))
        return {(volume, attachment) for volume, _, attachment in keys}

    def _exports_of(self, volume_id: str) -> bool:
        return bool(self.ceph.notes(EXPORTS, f"{volume_id}@"))

    @contextmanager
    def opened(self, thing: Volume | Snapshot, *, write: bool = False) -> Iterator[Disk]:
        volume = thing.volume if isinstance(thing, Snapshot) else thing
        name, file = _name(volume), {}
        with self.ceph.opened() as (rbd, ioctx), rbd.Image(ioctx, name, read_only=True) as image:
            if isinstance(thing, Snapshot):
                file["snapshot"] = _snap(thing)
                if write or not any(s["name"] == _snap(thing) for s in list_snapshots(image)):
                    kind = NotSupported if write else BackendFailed
                    raise kind(reason=f"no snapshot {thing.id} of {name} to be opened so")
            elif write:
                self._wait_unused(volume, image, NotSupported)
        yield Disk({"driver": "raw", "read-only": not write, "file": {
            "driver": "rbd", "pool": self.ceph.pool, "image": name, "user": self.ceph.user,
            "conf": self.ceph.conf, **file}})

    def _wait_unused(self, volume: Volume, image: Any, otherwise: type[Problem]) -> None:
        """Nobody is to have it open, nor has it; who died with it open has it for a while."""
        until = time.monotonic() + self.patience
        while (exported := self._exports_of(volume.id)) or watchers(image):
            if exported or time.monotonic() > until:
                raise otherwise(reason=f"volume {volume.id} is in use")
            time.sleep(PAUSE)

    # Names

    def rename(self, volume: Volume, id_: str) -> dict[str, Any] | None:
        """None where somebody has it open by its name, and shall find it again."""
        name = f"volume-{uuid_of(id_, 'id')}"
        with self._locked(volume.id, id_), self.ceph.opened() as (rbd, ioctx):
            if self._exports_of(volume.id):
                return None
            _move(rbd, ioctx, _name(volume), name)
        return {}

    def manageable_volumes(self) -> Iterator[Manageable]:
        for name, image in self._images():
            ours, used = VOLUME.fullmatch(name), watchers(image)
            yield Manageable(
                reference={"source-name": name}, size=_gib(image.size()),
                safe_to_manage=not ours and not used, cinder_id=ours[1] if ours else None,
                reason_not_safe="already managed" if ours else "in use" if used else None)

    def manageable_snapshots(self) -> Iterator[Manageable]:
        for name, image in self._images():
            for snapshot in list_snapshots(image):
                ours = SNAPSHOT.fullmatch(snapshot["name"])
                yield Manageable(
                    reference={"source-name": snapshot["name"]}, size=_gib(snapshot["size"]),
                    safe_to_manage=not ours, cinder_id=ours[1] if ours else None,
                    reason_not_safe="already managed" if ours else None,
                    source_reference={"source-name": name})

    def _images(self) -> Iterator[tuple[str, Any]]:
        """All images of the pool that are whole, one after the other, open to be looked at."""
        with self.ceph.opened() as (rbd, ioctx):
            for name in rbd.RBD().list(ioctx):
                if not name.endswith(PART):
                    with ExitStack() as stack:
                        try:
                            image = stack.enter_context(rbd.Image(ioctx, name, read_only=True))
                        except rbd.ImageNotFound:
                            continue  # It was deleted since.
                        yield name, image

    def manage(self, volume: Volume, reference: Mapping[str, str]) -> dict[str, Any]:
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            if _size(rbd, ioctx, _name(volume)) is None:
                rbd.RBD().rename(ioctx, self._stranger(rbd, ioctx, reference), _name(volume))
        return {}

    def manage_size(self, reference: Mapping[str, str]) -> int:
        with self.ceph.opened() as (rbd, ioctx):
            return _gib(_size(rbd, ioctx, self._stranger(rbd, ioctx, reference)) or 0)

    def _stranger(self, rbd: Any, ioctx: Any, reference: Mapping[str, str]) -> str:
        """Raises NoSuchReference."""
        name = _reference(reference)
        if OURS.fullmatch(name):
            raise NoSuchReference(reason=f"{name} is managed already")
        if _size(rbd, ioctx, name) is None:
            raise NoSuchReference(reason=f"there is no image {name}")
        return name

    def manage_snapshot(
        self, snapshot: Snapshot, reference: Mapping[str, str]
    ) -> dict[str, Any]:
        name = _reference(reference)
        with self._locked(snapshot.volume.id), self.ceph.opened() as (rbd, ioctx):
            with rbd.Image(ioctx, _name(snapshot.volume)) as image:
                names = {s["name"] for s in list_snapshots(image)}
                if _snap(snapshot) not in names:
                    if name not in names or SNAPSHOT.fullmatch(name):
                        raise NoSuchReference(reason=f"the volume has no such snapshot {name}")
                    image.rename_snap(name, _snap(snapshot))
        return {}

    def unmanage(self, volume: Volume) -> None:
        with self._locked(volume.id), self.ceph.opened() as (rbd, ioctx):
            try:
                rbd.RBD().rename(ioctx, _name(volume), UNMANAGED + volume.id)
            except rbd.ImageNotFound:
                return

    def unmanage_snapshot(self, snapshot: Snapshot) -> None:
        with self._locked(snapshot.volume.id), self.ceph.opened() as (rbd, ioctx):
            try:
                with rbd.Image(ioctx, _name(snapshot.volume)) as image:
                    image.rename_snap(_snap(snapshot), UNMANAGED + snapshot.id)
            except rbd.ImageNotFound:
                return

    def stray(self, volumes: set[str], snapshots: set[str]) -> Iterator[tuple[str, str]]:
        with self.ceph.opened() as (rbd, ioctx):
            ids = {ours[1] for ours in map(OURS.fullmatch, rbd.RBD().list(ioctx)) if ours}
        for id_ in sorted(ids - volumes):
            yield "volume", id_
        for name, image in self._images():
            for snapshot in list_snapshots(image) if VOLUME.fullmatch(name) else []:
                ours = SNAPSHOT.fullmatch(snapshot["name"])
                if ours and ours[1] not in snapshots:
                    yield "snapshot", ours[1]

    def leftovers(self) -> Iterator[Leftover]:
        with self.ceph.opened() as (rbd, ioctx):
            names = list(rbd.RBD().list(ioctx))
        for name in names:
            if (ours := OURS.fullmatch(name)) and ours[2]:
                yield Leftover(name, ours[1])
        for name, image in self._images():
            for snapshot in list_snapshots(image) if VOLUME.fullmatch(name) else []:
                if snapshot["name"].startswith(PASSING):
                    yield Leftover(f"{name}@{snapshot['name']}",
                                   snapshot["name"].removeprefix(PASSING))

    def remove_leftover(self, name: str) -> None:
        image_name, _, snapshot = name.partition("@")
        ours = OURS.fullmatch(image_name)
        if not ours or (not snapshot.startswith(PASSING) if snapshot else not ours[2]):
            raise NotSupported(reason=f"{name:.120} is no leftover")
        with self._locked(ours[1]), self.ceph.opened() as (rbd, ioctx):
            if not snapshot:
                self._discard(rbd, ioctx, image_name)
                return
            with rbd.Image(ioctx, image_name) as image:
                if any(each["name"] == snapshot for each in list_snapshots(image)):
                    image.remove_snap(snapshot)

    @contextmanager
    def _locked(self, *ids: str) -> Iterator[None]:
        with self._locks.held(*(uuid_of(id_, "volume") for id_ in ids)):
            yield


def _name(volume: Volume) -> str:
    return f"volume-{uuid_of(volume.id, 'volume')}"


def _snap(snapshot: Snapshot) -> str:
    return f"snapshot-{uuid_of(snapshot.id, 'snapshot')}"


def _export(volume_id: str, attachment_id: str) -> str:
    return f"{uuid_of(volume_id, 'volume')}@{uuid_of(attachment_id, 'attachment')}"


def _reference(reference: Mapping[str, str]) -> str:
    name = reference.get("source-name")
    if not isinstance(name, str) or not re.fullmatch(r"[^/@\0]{1,255}", name):
        raise NoSuchReference(reason="source-name is no name of an image or snapshot")
    return name


def _gib(size: int) -> int:
    return -(-size // GIB)


def _size(rbd: Any, ioctx: Any, name: str) -> int | None:
    """In bytes; None where there is no such image."""
    try:
        with rbd.Image(ioctx, name, read_only=True) as image:
            return int(image.size())
    except rbd.ImageNotFound:
        return None


def _move(rbd: Any, ioctx: Any, name: str, to: str) -> None:
    """Once, however often it is said."""
    try:
        rbd.RBD().rename(ioctx, name, to)
    except rbd.ImageNotFound:
        if _size(rbd, ioctx, to) is None:
            raise


def _drop_passing(image: Any) -> None:
    """What a process that died had taken to make a clone."""
    for snapshot in list_snapshots(image):
        if snapshot["name"].startswith(PASSING):
            image.remove_snap(snapshot["name"])


def _sweep(rbd: Any, ioctx: Any) -> None:
    """Takes out of the trash what nothing is a clone of any more; what goes may free what it was
    cloned from."""
    gone = True
    while gone:
        gone = False
        for entry in list(rbd.RBD().trash_list(ioctx)):
            if OURS.fullmatch(entry["name"]):
                try:
                    rbd.RBD().trash_remove(ioctx, entry["id"])
                    gone = True
                except rbd.Error:
                    continue
