"""Images as RADOS block devices of a Ceph pool, each with the snapshot that disks are cloned from.

Needs the distribution's python3-rados and python3-rbd, /etc/ceph/ceph.conf and the user's keyring.
"""

import datetime as dt
import errno
import importlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from cairn.glance.drivers.base import Writing

SNAPSHOT = "snap"
CONF = "/etc/ceph/ceph.conf"
TIMEOUT = 15.0
# Seconds that a cluster may be silent before a request fails; without them it waits for ever.
PATIENCE = {"rados_osd_op_timeout": "30", "rados_mon_op_timeout": "15"}
# A device grows ahead of what is written to it, and is cut to size at the end.
AHEAD = 1 << 30


def _bindings() -> tuple[Any, Any]:
    # Imported when used: only who has such a store needs the packages.
    return importlib.import_module("rados"), importlib.import_module("rbd")


@contextmanager
def translated() -> Iterator[None]:
    rados, rbd = _bindings()
    try:
        yield
    except rbd.ImageNotFound as error:
        raise FileNotFoundError(errno.ENOENT, str(error)) from error
    except (rbd.Error, rados.Error) as error:
        raise OSError(getattr(error, "errno", None) or errno.EIO, str(error)) from error


class RbdStore:
    kind = "rbd"
    read_only = False
    slow = True

    def __init__(self, name: str, where: str) -> None:
        """`where` is POOL[:USER]."""
        self.name = name
        self.pool, _, user = where.partition(":")
        self.user = user or "glance"
        self._cluster: Any = None
        self._lock = threading.Lock()

    @contextmanager
    def pool_open(self) -> Iterator[tuple[Any, Any]]:
        """The bindings and the pool. What they raise comes out as an OSError."""
        with translated():
            rbd, ioctx = self.connect()
            with ioctx:
                yield rbd, ioctx

    def connect(self) -> tuple[Any, Any]:
        rados, rbd = _bindings()
        with self._lock:
            if self._cluster is None:
                cluster = rados.Rados(conffile=CONF, rados_id=self.user, conf=PATIENCE)
                cluster.connect(timeout=TIMEOUT)
                self._cluster = cluster
        return rbd, self._cluster.open_ioctx(self.pool)

    def owns(self, url: str) -> bool:
        parts = url.split("/")
        return parts[0] == "rbd:" and len(parts) == 6 and parts[3] == self.pool

    def url(self, image: str) -> str:
        with self.pool_open():
            fsid = self._cluster.get_fsid()
        return f"rbd://{fsid}/{self.pool}/{image}/{SNAPSHOT}"

    def write(self, image_id: str) -> Writing:
        return RbdWriting(self, image_id)

    def adopt(self, image_id: str, path: str) -> Writing | None:
        return None

    def read(self, url: str, start: int = 0) -> BinaryIO:
        return cast("BinaryIO", RbdReader(self, _image(url), start))

    def size(self, url: str) -> int | None:
        with self.pool_open() as (rbd, ioctx):
            with rbd.Image(ioctx, _image(url), read_only=True) as image:
                return int(image.size())

    def delete(self, url: str) -> None:
        """Raises OSError while disks are clones of it."""
        try:
            self.remove(_image(url))
        except FileNotFoundError:
            return

    def remove(self, name: str) -> None:
        with self.pool_open() as (rbd, ioctx):
            with rbd.Image(ioctx, name) as image:
                for snapshot in list(image.list_snaps()):
                    if snapshot["namespace"] != rbd.RBD_SNAP_NAMESPACE_TYPE_USER:
                        # It was removed while disks were clones of it, and may go by now.
                        image.remove_snap_by_id(snapshot["id"])
                        continue
                    if image.is_protected_snap(snapshot["name"]):
                        image.unprotect_snap(snapshot["name"])
                    image.remove_snap(snapshot["name"])
            rbd.RBD().remove(ioctx, name)

    def kept(self) -> Iterator[tuple[str, str, float]]:
        now, images = dt.datetime.now(dt.UTC).replace(tzinfo=None), []
        with self.pool_open() as (rbd, ioctx):
            for name in rbd.RBD().list(ioctx):
                try:
                    with rbd.Image(ioctx, name, read_only=True) as image:
                        images.append((name, (now - image.modify_timestamp()).total_seconds()))
                except rbd.ImageNotFound:
                    continue  # It was removed, or committed, since.
        for name, age in images:
            yield name.partition(".")[0], self.url(name), age

    def accel(self, url: str) -> str | None:
        return None

    def properties(self) -> dict[str, Any]:
        return {"chunk_size": 8, "pool": self.pool, "thin_provisioning": False}


def _image(url: str) -> str:
    return url.split("/")[4]


class RbdWriting:
    def __init__(self, store: RbdStore, image_id: str) -> None:
        self.store, self.image_id = store, image_id
        self.part = f"{image_id}.{uuid.uuid4().hex[:12]}.part"
        self.written = self.size = 0
        with translated():
            rbd, self._ioctx = store.connect()
            rbd.RBD().create(
                self._ioctx, self.part, 0, old_format=False, features=rbd.RBD_FEATURE_LAYERING)
            self._image = rbd.Image(self._ioctx, self.part)

    def write(self, chunk: bytes) -> None:
        with translated():
            if self.written + len(chunk) > self.size:
                self.size = self.written + len(chunk) + AHEAD
                self._image.resize(self.size)
            self._image.write(chunk, self.written)
        self.written += len(chunk)

    def flush(self) -> None:
        with translated():
            self._image.resize(self.written)
            self._image.flush()
            self._image.create_snap(SNAPSHOT)
            self._image.protect_snap(SNAPSHOT)
        self._close()

    def commit(self) -> str:
        try:
            self.store.remove(self.image_id)  # What a death between here and the record left.
        except FileNotFoundError:
            pass
        with self.store.pool_open() as (rbd, ioctx):
            rbd.RBD().rename(ioctx, self.part, self.image_id)
        return self.store.url(self.image_id)

    def abort(self) -> None:
        self._close()
        try:
            self.store.remove(self.part)
        except FileNotFoundError:
            return

    def _close(self) -> None:
        self._image.close()
        self._ioctx.close()


class RbdReader:
    def __init__(self, store: RbdStore, name: str, start: int) -> None:
        with translated():
            rbd, self._ioctx = store.connect()
            try:
                self._image = rbd.Image(self._ioctx, name, snapshot=SNAPSHOT, read_only=True)
            except BaseException:
                self._ioctx.close()
                raise
            self._at, self._end = start, int(self._image.size())

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        length = left if size < 0 else min(size, left)
        if length <= 0:
            return b""
        with translated():
            chunk = bytes(self._image.read(self._at, length))
        self._at += len(chunk)
        return chunk

    def close(self) -> None:
        self._image.close()
        self._ioctx.close()

    def __enter__(self) -> "RbdReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
