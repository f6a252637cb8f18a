"""Targets of tgtd, for hosts whose kernel has none. It is asked by its socket, as tgtadm asks it,
because the words of a tool (tgtadm's are a secret, too) can be read by everybody on the host."""

import re
import socket
import struct
import threading
from pathlib import Path

from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.drivers.targets import Export

SOCKET = Path("/run/tgtd/socket.0")
TIMEOUT = 30.0
# What is asked about, what for, the driver, bytes in all, target, session, unit, connection, host,
# kind of unit, direction of an account, whether it is packed, whether by force.
REQUEST = struct.Struct("=ii64sIiQQIIIIII")
ANSWER = struct.Struct("=II")
TARGET, UNIT, PORTAL, CONNECTION, ACCOUNT = 1, 2, 3, 6, 7
# In place of a number of a target.
EVERY = -1
NEW, DELETE, SHOW, BIND, UPDATE = 0, 1, 2, 3, 5
_TARGETS = re.compile(r"^Target (\d+): (\S+)$", re.M)
_LOCK = threading.Lock()


def there() -> bool:
    return SOCKET.exists()


class Tgt:
    # Unit 0 of its targets is tgtd's own.
    lun = 1
    # It fails to, on devices, and is not let to promise it.
    discards = False

    def __init__(self, portal: str, path: Path = SOCKET) -> None:
        self.portal, self.path = portal, path

    def check(self) -> None:
        """Where it listens is the role's to say: its own portal is every address."""
        if f"Portal: {self.portal}" not in self._ask(PORTAL, SHOW):
            raise BackendFailed(reason=f"tgtd does not listen at {self.portal}")

    def serve(self, export: Export) -> None:
        with _LOCK:
            told = self._ask(TARGET, SHOW)
            number = _numbers(told).get(export.iqn)
            if number is not None and not self._whole(told, export, number):
                self._end(number, export.user)
                number = None
            if number is None:
                self._make(export, 1 + max(_numbers(told).values(), default=0))

    def _make(self, export: Export, number: int) -> None:
        """That everybody may log in comes last: until then nobody can, without the secret."""
        if export.user in self._accounts():
            self._ask(ACCOUNT, DELETE, f"user={export.user}")
        self._ask(TARGET, NEW, f"targetname={export.iqn}", tid=number)
        self._ask(UNIT, NEW, f"path={export.device},bstype=rdwr,bsoflags=direct",
                  tid=number, lun=self.lun)
        # A guest knows its disk by this.
        settings = f"scsi_sn={export.volume},readonly={int(export.read_only)}"
        self._ask(UNIT, UPDATE, settings, tid=number, lun=self.lun)
        self._ask(ACCOUNT, NEW, f"user={export.user},password={export.secret}")
        self._ask(ACCOUNT, BIND, f"user={export.user}", tid=number)
        self._ask(TARGET, BIND, "initiator-address=ALL", tid=number)

    def _whole(self, told: str, export: Export, number: int) -> bool:
        """Whether it came to its end, for this export."""
        part = _part(told, number)
        return (f"Readonly: {'Yes' if export.read_only else 'No'}" in part.partition("LUN: 1")[2]
                and f"path: {export.device}\n" in part
                and re.search(r"ACL information:\s+ALL", part) is not None)

    def end(self, iqn: str) -> None:
        with _LOCK:
            told = self._ask(TARGET, SHOW)
            number = _numbers(told).get(iqn)
            user = iqn.rpartition(".")[2]
            if number is not None:
                self._end(number, user)
            elif user in self._accounts():
                self._ask(ACCOUNT, DELETE, f"user={user}")

    def _end(self, number: int, user: str) -> None:
        """By force: sessions end with it."""
        self._ask(TARGET, DELETE, tid=number, force=True)
        if user in self._accounts():
            self._ask(ACCOUNT, DELETE, f"user={user}")

    def _accounts(self) -> set[str]:
        return set(self._ask(ACCOUNT, SHOW).split()[2:])

    def served(self) -> set[str]:
        return set(_numbers(self._ask(TARGET, SHOW)))

    def grown(self, export: Export) -> None:
        """It asks a device for its size when it opens it. What guests ask meanwhile waits."""
        with _LOCK:
            number = _numbers(self._ask(TARGET, SHOW)).get(export.iqn)
            if number is not None:
                for change in ("online=0", f"path={export.device}", "online=1"):
                    self._ask(UNIT, UPDATE, change, tid=number, lun=self.lun)

    def _ask(
        self, about: int, what: int, words: str = "", *, tid: int = EVERY, lun: int = 0,
        force: bool = False,
    ) -> str:
        """What it answers. Raises BackendFailed, without the words."""
        data = words.encode() + b"\0" if words else b""
        request = REQUEST.pack(about, what, b"iscsi", REQUEST.size + len(data), tid, 0, lun, 0, 0,
                               0, 0, 0, int(force)) + data
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(TIMEOUT)
                connection.connect(str(self.path))
                connection.sendall(request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError as error:
            raise BackendFailed(reason=f"tgtd does not answer: {error}") from error
        if len(answer) < ANSWER.size:
            raise BackendFailed(reason="tgtd ended in the middle of an answer")
        failed, _ = ANSWER.unpack_from(answer)
        if failed:
            raise BackendFailed(reason=f"tgtd refuses what it was asked: {failed}, {about}.{what}")
        return answer[ANSWER.size:].decode(errors="replace").rstrip("\0")


def _numbers(told: str) -> dict[str, int]:
    return {name: int(number) for number, name in _TARGETS.findall(told)}


def _part(told: str, number: int) -> str:
    """What is told of one target."""
    rest = told.partition(f"Target {number}: ")[2]
    return rest.partition("\nTarget ")[0]
