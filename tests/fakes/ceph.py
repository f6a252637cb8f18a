"""python3-rados, as far as we use it, on a pool that is a folder: it outlives the process that dies
in the middle. Each change is one moment, before which a process that is told to die does."""

import errno
import json
import types
from contextlib import contextmanager
from urllib.parse import quote

from fakes import deaths


class Error(Exception):
    def __init__(self, message, errno=None):
        super().__init__(f"[errno {errno}] {message}")
        self.errno = errno


class ObjectNotFound(Error):
    pass


class NoSpace(Error):
    pass


class Operation:
    def __init__(self):
        self.changes, self.page = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Pool:
    """An ioctx. `room`: bytes that fit; no end to it where it is None."""

    def __init__(self, folder, room):
        self.folder, self.room, self.full_try = folder, room, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def set_osdmap_full_try(self):
        self.full_try = True

    def _path(self, name):
        return self.folder / quote(name, safe="")

    def _read(self, name):
        try:
            kept = self._path(name).read_bytes()
        except FileNotFoundError:
            raise ObjectNotFound("error calling", errno.ENOENT) from None
        omap, _, content = kept.partition(b"\n")
        return json.loads(omap), content

    def _write(self, name, omap, content):
        used = sum(path.stat().st_size for path in self.folder.iterdir()
                   if path != self._path(name))
        kept = json.dumps(omap).encode() + b"\n" + content
        if self.room is not None and used + len(kept) > self.room:
            assert self.full_try, "Ceph would let it wait"
            raise NoSpace("error calling", errno.ENOSPC)
        with self._changing():
            part = self.folder.with_name("part")
            part.write_bytes(kept)
            part.rename(self._path(name))

    @contextmanager
    def _changing(self):
        deaths.effect()
        with deaths.spared():
            yield

    def write_full(self, name, content):
        try:
            omap, _ = self._read(name)
        except ObjectNotFound:
            omap = {}
        self._write(name, omap, content)

    def stat(self, name):
        return len(self._read(name)[1]), None

    def read(self, name, length=8192, offset=0):
        return self._read(name)[1][offset:offset + length]

    def remove_object(self, name):
        self._read(name)
        with self._changing():
            self._path(name).unlink()

    def set_omap(self, operation, keys, values):
        operation.changes += [(key, value.decode()) for key, value in
                              zip(keys, values, strict=True)]

    def remove_omap_keys(self, operation, keys):
        operation.changes += [(key, None) for key in keys]

    def operate_write_op(self, operation, name):
        try:
            omap, content = self._read(name)
        except ObjectNotFound:
            if all(value is None for _, value in operation.changes):
                raise
            omap, content = {}, b""
        for key, value in operation.changes:
            if value is None:
                omap.pop(key, None)
            else:
                omap[key] = value
        self._write(name, omap, content)

    def get_omap_vals(self, operation, after, prefix, most):
        operation.changes.append((after, prefix, most))
        return operation.page, None

    def operate_read_op(self, operation, name):
        omap, _ = self._read(name)
        for after, prefix, most in operation.changes:
            keys = [key for key in sorted(omap) if key > after and key.startswith(prefix)]
            operation.page += [(key, omap[key].encode()) for key in keys[:most]]


class Cluster:
    """What `bindings` of cairn.cinder.drivers.ceph answers: one cluster with its pools, for as long
    as the folder lasts."""

    def __init__(self, folder):
        self.folder, self.room = folder, None
        self.rados = types.SimpleNamespace(
            Error=Error, ObjectNotFound=ObjectNotFound, NoSpace=NoSpace, WriteOpCtx=Operation,
            ReadOpCtx=Operation, Rados=lambda **_: self)
        nothing = types.SimpleNamespace(NoSpace=NoSpace, DiskQuotaExceeded=NoSpace, Error=Error)
        self.bindings = lambda: (self.rados, nothing)

    def connect(self, timeout):
        pass

    def get_fsid(self):
        return self.folder.name

    def add_pool(self, pool):
        (self.folder / pool / "objects").mkdir(parents=True)

    def open_ioctx(self, pool):
        if not (self.folder / pool).exists():
            raise ObjectNotFound(f"error opening pool {pool!r}", errno.ENOENT)
        return Pool(self.folder / pool / "objects", self.room)

    def mon_command(self, question, _):
        pools = [{"name": path.name, "stats": {"stored": 0, "max_avail": 1 << 40}}
                 for path in self.folder.iterdir()]
        return 0, json.dumps({"pools": pools}).encode(), ""
