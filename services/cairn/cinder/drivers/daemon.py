"""The daemon that has the layers of volumes in use open, and gives them to guests: one
qemu-storage-daemon of a storage host, a unit of its own, told what to do over its QMP socket.

It outlives our processes; when it is new it knows nothing, and is told again. Its socket talks to
one at a time: whoever has something to say connects, says it, and hangs up. All backends of the
host that keep files share it: who waits for a job hangs up when anybody else has something to say.
"""

import errno
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from cairn.cinder.drivers import tools
from cairn.cinder.drivers.base import BackendFailed, NoRoom
from cairn.cinder.drivers.files import locked
from cairn.common.work import check

TIMEOUT = 30.0
NBD_PORT = 10809
CREDENTIALS = "tls"  # An object in it.


class Away(BackendFailed):
    """Nobody is there: it holds nothing."""


class Qmp:
    """One talk. QEMU's own Python client is asyncio and a terminal beside; this is all of it that
    is needed."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIMEOUT)
        try:
            self._connect(path)
            self._file: TextIO = self._socket.makefile("rw", encoding="utf-8")
            self._read()
            self.execute("qmp_capabilities")
        except BaseException:
            self._socket.close()
            raise

    def _connect(self, path: Path) -> None:
        """It lets two wait while it talks, and sends the third away at once."""
        until = time.monotonic() + TIMEOUT
        while True:
            try:
                self._socket.connect(str(path))
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def execute(self, command: str, **arguments: Any) -> Any:
        """The answer. Raises NoRoom, BackendFailed with what it says is wrong."""
        words = {name.replace("_", "-"): value for name, value in arguments.items()}
        json.dump({"execute": command, "arguments": words}, self._file)
        self._file.write("\n")
        self._file.flush()
        while True:
            told = self._read()
            if "error" in told:
                raise _failure(f"{command}: {told['error']['desc']}")
            if "return" in told:
                return told["return"]

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise ConnectionError("it hung up")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass(frozen=True)
class Served:
    """What the daemon's guests use to reach it."""

    address: str = ""  # Empty: a socket, for guests of the same host.
    tls: str = ""  # Folder of the certificates, as QEMU names them.


class Daemon:
    def __init__(self, folder: Path, served: Served) -> None:
        """`folder` has two of their own for its sockets: ours, which nobody else may enter, and
        the guests'."""
        self.served = served
        self.control, self.socket = folder / "control" / "qmp", folder / "guests" / "nbd"
        self._turn, self._queue = folder / "control" / "turn", folder / "control" / "queue"

    @contextmanager
    def talk(self) -> Iterator["Talk"]:
        """Raises BackendFailed when it is not there, or ends."""
        with ExitStack() as stack:
            try:
                with locked(self._queue, share=True, make=True):
                    stack.enter_context(locked(self._turn, make=True))
            except FileNotFoundError as error:
                raise Away(reason=f"the export daemon is not there: {error}") from error
            yield stack.enter_context(self._talk())

    def awaited(self) -> bool:
        """Whether anybody else has something to say."""
        with locked(self._queue, wait=False) as nobody:
            return not nobody

    @contextmanager
    def _talk(self) -> Iterator["Talk"]:
        try:
            qmp = Qmp(self.control)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise Away(reason=f"the export daemon is not there: {error}") from error
        except (OSError, ValueError) as error:
            raise BackendFailed(reason=f"the export daemon does not answer: {error}") from error
        try:
            talk = Talk(qmp, self)
            talk.forget_jobs()
            yield talk
        except (OSError, ValueError) as error:
            raise BackendFailed(reason=f"the export daemon went away: {error}") from error
        finally:
            qmp.close()

    def address(self, name: str) -> dict[str, Any]:
        """How a guest opens the export of that name."""
        if self.served.address:
            return {"export": name, "host": self.served.address, "port": NBD_PORT, "tls": True}
        return {"export": name, "socket": str(self.socket)}


class Talk:
    def __init__(self, qmp: Qmp, daemon: Daemon) -> None:
        self._qmp, self._daemon = qmp, daemon
        self.execute = qmp.execute

    def serve(self) -> None:
        """Guests can connect after this."""
        served = self._daemon.served
        if self._serves():
            return
        address: dict[str, Any]
        more = {}
        if served.address:
            address = {"type": "inet", "data": {"host": served.address, "port": str(NBD_PORT)}}
            self._forget_credentials()
            self.execute("object-add", qom_type="tls-creds-x509", id=CREDENTIALS, dir=served.tls,
                         endpoint="server", verify_peer=True)
            more = {"tls_creds": CREDENTIALS}
        else:
            self._daemon.socket.unlink(missing_ok=True)  # Of one that was killed.
            address = {"type": "unix", "data": {"path": str(self._daemon.socket)}}
        self.execute("nbd-server-start", addr=address, max_connections=0, **more)

    def _serves(self) -> bool:
        """QMP does not tell; a server that is there refuses to be started twice."""
        if self._daemon.served.address:
            family: Any = socket.AF_INET6 if ":" in self._daemon.served.address else socket.AF_INET
            to: Any = (self._daemon.served.address, NBD_PORT)
        else:
            family, to = socket.AF_UNIX, str(self._daemon.socket)
        with socket.socket(family) as probe:
            probe.settimeout(TIMEOUT)
            # A crowd waits at a server that is there.
            return probe.connect_ex(to) in (0, errno.EAGAIN)

    def _forget_credentials(self) -> None:
        try:
            self.execute("object-del", id=CREDENTIALS)
        except BackendFailed:
            pass  # It had none.

    # Nodes: a layer, as one volume has it open.

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["node-name"]: node
                for node in self.execute("query-named-block-nodes", flat=True)}

    def add(self, options: Mapping[str, Any]) -> None:
        self.execute("blockdev-add", **options)

    def remove(self, nodes: Iterator[str] | list[str]) -> None:
        """From the top down: what another still lies upon goes with that one, or after it."""
        left = set(nodes) & self.nodes().keys()
        while left:
            before = set(left)
            failure = None
            for node in sorted(left):
                try:
                    self.execute("blockdev-del", node_name=node)
                except BackendFailed as failed:
                    failure = failed
            left &= self.nodes().keys()
            if left == before and failure is not None:
                raise failure

    def overlay(self, pairs: list[tuple[str, str]]) -> None:
        """(node, node over it): all at one moment. Guests write to the upper ones from then on."""
        self.execute("transaction", actions=[
            {"type": "blockdev-snapshot", "data": {"node": lower, "overlay": upper}}
            for lower, upper in pairs])

    # Exports

    def exports(self) -> dict[str, str]:
        """Names of exports, and the nodes they are of."""
        return {_name(export["id"]): export["node-name"]
                for export in self.execute("query-block-exports")
                if not export["shutting-down"]}

    def export(self, name: str, node: str, read_only: bool) -> None:
        self.execute("block-export-add", type="nbd", id=_id(name), name=name, node_name=node,
                     writable=not read_only)

    def unexport(self, names: list[str]) -> None:
        """Who is connected is thrown out; what they were told is written is written."""
        for name in self.exports().keys() & set(names):
            self.execute("block-export-del", id=_id(name), mode="hard")
        until = time.monotonic() + TIMEOUT
        while {_name(e["id"]) for e in self.execute("query-block-exports")} & set(names):
            if time.monotonic() > until:
                raise BackendFailed(reason="an export does not end")
            time.sleep(0.01)

    # Jobs

    def finish(self, job: str, alive: Callable[[], None]) -> None:
        """Wait for a job to end. Raises what it ended with; what `alive()` raises, and Lost or
        Cancelled of the work that it is done for: then it ends too."""
        while True:
            state = {j["id"]: j for j in self.execute("query-jobs")}.get(job)
            if state is None:
                return
            if state["status"] == "concluded":
                self.execute("job-dismiss", id=job)
                if told := state.get("error"):
                    raise _failure(told)
                return
            try:
                alive()
                check()
            except BaseException:
                self._give_up(job)
                raise
            time.sleep(0.05)

    def forget_jobs(self) -> None:
        """Who waits for a job talks as long: one that is there when a talk begins is a dead one's,
        and holds layers."""
        for job in self.execute("query-jobs"):
            self._give_up(job["id"])

    def _give_up(self, job: str) -> None:
        while True:
            status = {j["id"]: j["status"] for j in self.execute("query-jobs")}.get(job)
            if status is None:
                return
            if status == "concluded":
                self.execute("job-dismiss", id=job)
            elif status in ("running", "paused", "ready"):
                self.execute("job-cancel", id=job)
            time.sleep(0.01)


def _failure(told: str) -> BackendFailed:
    """What it says is wrong."""
    full = any(word in told for word in tools.FULL)
    return (NoRoom if full else BackendFailed)(reason=told)


def _id(name: str) -> str:
    """QEMU's ids begin with a letter."""
    return f"export-{name}"


def _name(id_: str) -> str:
    return id_.removeprefix("export-")
