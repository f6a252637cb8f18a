"""A pool of a Ceph cluster, through the distribution's python3-rados and python3-rbd."""

import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.cinder.drivers.files import FULL

CONF = "/etc/ceph/ceph.conf"
CONNECTING = 15.0
OPTIONS = {
    # Seconds that a cluster may be silent before a request fails; without them it waits for ever.
    "rados_osd_op_timeout": "30",
    "rados_mon_op_timeout": "15",
    # A snapshot with clones of this format can be deleted.
    "rbd_default_clone_format": "2",
}
# Keys of what is noted that are read at once.
PAGE = 1000


def bindings() -> tuple[Any, Any]:
    # Imported when used: only a host with such a backend needs the packages.
    try:
        return importlib.import_module("rados"), importlib.import_module("rbd")
    except ImportError as error:
        raise BackendFailed(reason="python3-rados and python3-rbd are not installed") from error


class CephPool:
    """A pool, as a user of the cluster that a ceph.conf describes."""

    def __init__(self, pool: str, user: str, conf: str) -> None:
        self.pool, self.user, self.conf = pool, user, conf
        self._cluster: Any = None
        self._lock = threading.Lock()

    @contextmanager
    def opened(self, pool: str = "") -> Iterator[tuple[Any, Any]]:
        """The rbd bindings, and this pool or another. What they raise comes out as BackendFailed,
        unless who uses them has a better word for it."""
        rados, rbd = bindings()
        try:
            with self.connect().open_ioctx(pool or self.pool) as ioctx:
                yield rbd, ioctx
        except (rbd.NoSpace, rbd.DiskQuotaExceeded, rados.NoSpace) as error:
            raise NoRoom(reason=str(error)) from error
        except (rbd.Error, rados.Error) as error:
            kind = NoRoom if getattr(error, "errno", None) in FULL else BackendFailed
            raise kind(reason=str(error)) from error

    def connect(self) -> Any:
        rados, _ = bindings()
        with self._lock:
            if self._cluster is None:
                cluster = rados.Rados(conffile=self.conf, rados_id=self.user, conf=OPTIONS)
                cluster.connect(timeout=CONNECTING)
                self._cluster = cluster
        return self._cluster

    def fsid(self) -> str:
        with self.opened():
            return str(self._cluster.get_fsid())

    def ask(self, prefix: str) -> Any:
        """What the monitors answer."""
        with self.opened():
            question = json.dumps({"prefix": prefix, "format": "json"})
            rc, out, said = self._cluster.mon_command(question, b"")
        if rc < 0:
            raise BackendFailed(reason=f"{prefix}: {said or rc}")
        return json.loads(out)

    def monitors(self) -> list[tuple[str, str]]:
        """Address and port of each, by the newer protocol where it speaks that: only that one can
        be encrypted."""
        places = []
        for monitor in self.ask("mon dump")["mons"]:
            addresses = sorted(monitor["public_addrs"]["addrvec"], key=lambda a: str(a["type"]))
            host, _, port = str(addresses[-1]["addr"]).rpartition(":")
            places.append((host.strip("[]"), port))
        return sorted(places)

    def room(self) -> tuple[int, int]:
        """Bytes that clients have written, and that they still may."""
        for pool in self.ask("df")["pools"]:
            if pool["name"] == self.pool:
                stats = pool["stats"]
                return int(stats["stored"]), int(stats["max_avail"])
        raise BackendFailed(reason=f"the cluster has no pool {self.pool}")

    # Notes: an object of ours, with a key for each.

    def note(self, about: str, key: str, value: str) -> None:
        rados, _ = bindings()
        with self.opened() as (_, ioctx), rados.WriteOpCtx() as change:
            refuse_when_full(ioctx)
            ioctx.set_omap(change, (key,), (value.encode(),))
            ioctx.operate_write_op(change, about)

    def forget(self, about: str, key: str) -> None:
        rados, _ = bindings()
        with self.opened() as (_, ioctx), rados.WriteOpCtx() as change:
            refuse_when_full(ioctx)
            ioctx.remove_omap_keys(change, (key,))
            try:
                ioctx.operate_write_op(change, about)
            except rados.ObjectNotFound:
                return

    def notes(self, about: str, prefix: str = "") -> list[str]:
        """The keys that begin so."""
        rados, _ = bindings()
        keys: list[str] = []
        with self.opened() as (_, ioctx):
            while True:
                with rados.ReadOpCtx() as question:
                    page, _ = ioctx.get_omap_vals(question, keys[-1] if keys else "", prefix, PAGE)
                    try:
                        ioctx.operate_read_op(question, about)
                    except rados.ObjectNotFound:
                        return keys
                    more = [key for key, _ in page]
                keys += more
                if len(more) < PAGE:
                    return keys


def refuse_when_full(ioctx: Any) -> None:
    """Else what is written to a full pool waits until it is not, and nobody may delete."""
    ioctx.set_osdmap_full_try()


def list_snapshots(image: Any) -> list[dict[str, Any]]:
    """Those that people see: one that was deleted while clones need it is not among them."""
    rbd = bindings()[1]
    return [snapshot for snapshot in image.list_snaps()
            if snapshot["namespace"] == rbd.RBD_SNAP_NAMESPACE_TYPE_USER]


def watchers(image: Any) -> int:
    """How many have it open to write, in any process of any host."""
    return len(cast("list[object]", list(image.watchers_list())))
