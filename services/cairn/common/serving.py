"""The workers of APIs: forked from one parent that has everything loaded, each with a socket of its
own and its pool's user; replaced when they die, and when they hang.

The parent answers no request and reads no settings. Every few seconds it asks each worker through
its socket, as the proxy would. A worker that is merely busy moves all the same: requests end, bytes
come. One that neither answers nor moves has hung.
"""

import contextlib
import faulthandler
import json
import logging
import mmap
import os
import pwd
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sdnotify

log = logging.getLogger(__name__)

# How often every worker is asked, and for how long it may be still before it is replaced.
ASK_EVERY = 5.0
PATIENCE = 60.0
# How long workers may take to end what they do.
FAREWELL = 10.0
BACKLOG = 1024
_QUESTION = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


class Moves:
    """A count that a worker raises and its parent reads."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)

    def tick(self) -> None:
        # Two threads at once may count as one: it only has to change.
        struct.pack_into("Q", self._shared, 0, self.seen() + 1)

    def seen(self) -> int:
        return int(struct.unpack_from("Q", self._shared)[0])


@dataclass
class Seat:
    """A worker's place. Its socket stays while workers come and go, so that who connects meanwhile
    waits and is not refused."""

    name: str
    path: Path
    # Whose settings it reads; None: it stays who it is.
    uid: int | None
    # What the worker does with its socket until it is told to end.
    work: Callable[["Seat"], None]
    plug: socket.socket = field(init=False)
    moves: Moves = field(default_factory=Moves)
    pid: int = 0
    born: float = 0.0
    # It answered since it was born.
    serving: bool = False
    question: socket.socket | None = None
    # Since when it is asked without an answer, and since when it was not seen to move.
    asked: float = 0.0
    still: float = 0.0
    seen: int = 0
    # How often a worker here hung or died, and when the next may be tried.
    hung: int = 0
    died: int = 0
    quick: int = 0
    not_before: float = 0.0

    def listen(self) -> None:
        self.path.unlink(missing_ok=True)
        self.plug = socket.socket(socket.AF_UNIX)
        before = os.umask(0o117)
        try:
            self.plug.bind(str(self.path))
        finally:
            os.umask(before)
        self.plug.listen(BACKLOG)

    def ask(self, now: float) -> None:
        """Ask, or see whether there is an answer."""
        moved = self.moves.seen()
        if moved != self.seen:
            self.seen, self.still = moved, now
        try:
            if self.question is None:
                if self.serving and now - self.asked < ASK_EVERY:
                    return
                self.question = socket.socket(socket.AF_UNIX)
                self.question.setblocking(False)
                self.asked = now
                self.question.connect(str(self.path))
                self.question.send(_QUESTION)
            elif self.question.recv(16).startswith(b"HTTP/1.1"):
                self.serving, self.quick = True, 0
                self._hang_up()
            else:
                raise ConnectionError
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
            self.asked = min(self.asked, self.still)

    def waits(self, now: float) -> float:
        """For how many seconds it has neither answered nor moved."""
        return now - max(self.asked, self.still, self.born) if self.question else 0.0

    def _hang_up(self) -> None:
        if self.question is not None:
            self.question.close()
            self.question = None

    def gone(self, now: float) -> None:
        self._hang_up()
        # One that cannot live is tried again, ever more slowly.
        self.quick = self.quick + 1 if now - self.born < 5 else 0
        self.not_before = now + min(2 ** self.quick - 1, 30)
        self.pid, self.serving = 0, False


class Parent:
    """Runs the workers of `seats`, and writes down in `report` how they are."""

    def __init__(
        self, seats: Iterable[Seat], report: Path, patience: float = PATIENCE,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.seats = list(seats)
        self.report = report
        self.patience = patience
        self._ready = ready
        self._notify = sdnotify.SystemdNotifier().notify
        self._was_ready = False
        self._next_report = 0.0

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Nothing else may run in this process: it forks."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for seat in self.seats:
            seat.listen()
        while True:
            self._round(time.monotonic())
            told = signal.sigtimedwait(_SIGNALS, 1.0 if self._was_ready else 0.05)
            if told is not None and told.si_signo != signal.SIGCHLD:
                break
        self._notify("STOPPING=1")
        self._farewell()

    def _round(self, now: float) -> None:
        self._bury(now)
        for seat in self.seats:
            if not seat.pid and now >= seat.not_before:
                self._fork(seat, now)
            elif seat.pid:
                seat.ask(now)
                self._judge(seat, now)
        if not self._was_ready and all(seat.serving for seat in self.seats):
            self._was_ready, self._next_report = True, now
            self._ready()
            self._notify("READY=1")
        if now >= self._next_report:
            self._next_report = now + ASK_EVERY
            self._write(now)
        self._notify("WATCHDOG=1")

    def _bury(self, now: float) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for seat in self.seats:
                if seat.pid == pid:
                    seat.died += 1
                    log.error("worker %s (pid %d) ended with %d: another takes its place",
                              seat.name, pid, os.waitstatus_to_exitcode(status))
                    seat.gone(now)

    def _judge(self, seat: Seat, now: float) -> None:
        # Coming up on a busy host takes its time.
        if seat.waits(now) < self.patience * (1 if seat.serving else 3):
            return
        log.error("worker %s (pid %d) has neither answered nor moved for %d s: it has hung and is "
                  "killed, another takes its place", seat.name, seat.pid, seat.waits(now))
        seat.hung += 1
        # Its last word: where each of its threads is.
        with contextlib.suppress(ProcessLookupError):
            os.kill(seat.pid, signal.SIGUSR1)
            time.sleep(0.2)
            os.kill(seat.pid, signal.SIGKILL)
            os.waitpid(seat.pid, 0)
        seat.gone(now)
        seat.not_before = now

    def _fork(self, seat: Seat, now: float) -> None:
        seat.pid = os.fork()
        if seat.pid:
            seat.born = seat.still = seat.asked = now
            return
        code = 1
        try:
            self._become(seat)
            seat.work(seat)
            code = 0
        except BaseException:
            log.exception("worker %s cannot go on", seat.name)
        finally:
            logging.shutdown()
            # Threads may hang in a neighbour; nothing of this process is worth waiting for.
            os._exit(code)

    def _become(self, seat: Seat) -> None:
        for other in self.seats:
            if other.question is not None:
                other.question.close()
            if other is not seat:
                other.plug.close()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        faulthandler.register(signal.SIGUSR1, all_threads=True, chain=False)
        if seat.uid is not None and seat.uid != os.geteuid():
            user = pwd.getpwuid(seat.uid)
            os.initgroups(user.pw_name, user.pw_gid)
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)

    def _write(self, now: float) -> None:
        rows = [{"worker": seat.name, "pid": seat.pid, "socket": str(seat.path),
                 "serving": seat.serving, "seconds": round(now - seat.born),
                 "waits": round(seat.waits(now)), "hung": seat.hung, "died": seat.died}
                for seat in self.seats]
        aside = self.report.with_suffix(".new")
        try:
            aside.write_text(json.dumps(rows) + "\n")
            aside.chmod(0o644)
            aside.replace(self.report)
        except OSError as error:
            log.warning("%s: %s", self.report, error)

    def _farewell(self) -> None:
        for seat in self.seats:
            if seat.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(seat.pid, signal.SIGTERM)
        end = time.monotonic() + FAREWELL
        left = {seat.pid for seat in self.seats if seat.pid}
        while left and time.monotonic() < end:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            left.discard(pid)
            if not pid:
                time.sleep(0.02)
        for pid in left:
            log.warning("a worker (pid %d) did not end in time and is killed", pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for seat in self.seats:
            seat.plug.close()
            seat.path.unlink(missing_ok=True)
        self.report.unlink(missing_ok=True)


def granian(seat: Seat, application: Any, threads: int) -> None:
    """Serve requests of the control plane: small, and whole before they come."""
    from granian.constants import HTTPModes, Interfaces, RuntimeModes
    from granian.server.mp import MPServer

    server: Any = MPServer(
        "cairn", uds=seat.path, interface=Interfaces.WSGI, workers=1, http=HTTPModes.http1,
        runtime_mode=RuntimeModes.mt, blocking_threads=threads, backpressure=256,
        log_access=False, websockets=False,
    )
    # What it does to serve with processes of its own, of which we are one already.
    holder = _holder(seat.plug)
    server._ssp, server._shd, server._sso = None, holder, seat.plug
    server._spawn_worker(0, server._spawn_wsgi_worker, lambda: application).inner.run()


def _holder(plug: socket.socket) -> Any:
    from granian._granian import SocketHolder

    # Its stub does not say what it is made of.
    return SocketHolder(plug.fileno(), True, BACKLOG)  # type: ignore[call-arg]
