"""Bytes of a Disk: QEMU opens it and serves it on a socket that nobody else finds; here it is read
and written at any place."""

import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, Disk, NoRoom
from cairn.common.work import check

_HELLO = struct.Struct(">8s8sH")
_OPTION = struct.Struct(">8sII")
_EXPORT = struct.Struct(">QH")
_REQUEST = struct.Struct(">IHHQQI")
_REPLY = struct.Struct(">IIQ")
_ASKS, _ANSWERS = 0x25609513, 0x67446698
_READ, _WRITE, _HANG_UP, _FLUSH, _ZEROES = 0, 1, 2, 3, 6
_NO_ROOM = 28
PATIENCE = 30.0
# Seconds for one request.
SLOW = 300.0


class Block:
    """A disk as it is served. Raises BackendFailed, NoRoom."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        magic, version, _ = _HELLO.unpack(self._read(_HELLO.size))
        if (magic, version) != (b"NBDMAGIC", b"IHAVEOPT"):
            raise BackendFailed(reason="what serves a disk does not speak NBD")
        # Fixed newstyle, no padding; the export with the empty name.
        connection.sendall(struct.pack(">I", 3) + _OPTION.pack(b"IHAVEOPT", 1, 0))
        self.size, _ = _EXPORT.unpack(self._read(_EXPORT.size))

    def read(self, offset: int, length: int) -> bytes:
        self._ask(_READ, offset, length)
        return self._read(length)

    def write(self, offset: int, content: bytes) -> None:
        self._ask(_WRITE, offset, len(content), content)

    def zero(self, offset: int, length: int) -> None:
        """It reads as zeros, and takes no room where the backend can do that."""
        self._ask(_ZEROES, offset, length)

    def flush(self) -> None:
        self._ask(_FLUSH, 0, 0)

    def hang_up(self) -> None:
        self._connection.sendall(_REQUEST.pack(_ASKS, 0, _HANG_UP, 0, 0, 0))

    def _ask(self, kind: int, offset: int, length: int, content: bytes = b"") -> None:
        try:
            self._connection.sendall(_REQUEST.pack(_ASKS, 0, kind, 0, offset, length) + content)
            magic, error, _ = _REPLY.unpack(self._read(_REPLY.size))
        except OSError as problem:
            raise BackendFailed(reason=f"a disk is not served any more: {problem}") from problem
        if magic != _ANSWERS:
            raise BackendFailed(reason="what serves a disk does not speak NBD")
        if error == _NO_ROOM:
            raise NoRoom(reason="a disk can not be written")
        if error:
            raise BackendFailed(reason=f"a disk can not be read or written: error {error}")

    def _read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            part = self._connection.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise BackendFailed(reason="a disk is not served any more")
            parts += part
        return bytes(parts)


@contextmanager
def served(disk: Disk, *, write: bool = False) -> Iterator[Block]:
    """The disk, open for as long as that lasts; with `write` what was written is on it then."""
    with tempfile.TemporaryDirectory(prefix="cairn-nbd-") as folder, \
            tools.handed(disk.secrets) as (objects, files):
        path = Path(folder, "socket")
        command = [*tools.LEASH, "qemu-nbd", *objects, "-k", str(path), "-x", "", "-e", "1",
                   *([] if write else ["-r"]), "--image-opts", tools.dotted(disk)]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, pass_fds=files,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
        with process:
            try:
                with _reached(process, path) as connection:
                    block = Block(connection)
                    yield block
                    if write:
                        block.flush()
                    block.hang_up()
                process.wait(PATIENCE)
            finally:
                process.kill()


def _reached(process: subprocess.Popen[bytes], path: Path) -> socket.socket:
    until = time.monotonic() + PATIENCE
    while True:
        check()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError as error:
            connection.close()
            if process.poll() is not None:
                told = process.stderr.read() if process.stderr else b""
                raise BackendFailed(
                    reason=f"qemu-nbd: {told.decode(errors='replace')[-400:]}") from error
            if time.monotonic() > until:
                raise BackendFailed(reason="qemu-nbd does not serve the disk") from error
            time.sleep(0.02)
        else:
            connection.settimeout(SLOW)
            return connection
