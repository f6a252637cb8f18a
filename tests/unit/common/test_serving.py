"""Workers under their parent: what dies or hangs is replaced, what is merely busy is not."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

# Everything is in a process of its own: it forks, and what forks may have no threads.
PARENT = textwrap.dedent("""
    import os, re, sys, threading, time
    from pathlib import Path
    import granian.server
    from cairn.common import logs, serving, streaming
    logs.start()
    place, kind, uid = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    serving.ASK_EVERY = 0.2
    class App:
        def __init__(self, tick):
            self.tick = tick
            self.lock = threading.Lock()
            self.lock.acquire()
        def __call__(self, environ, start):
            path = environ["PATH_INFO"]
            if path == "/lock": self.lock.acquire()
            if path == "/gil": re.match("(a|a)*$", "a" * 40 + "b")
            if path == "/busy": time.sleep(0.7)
            if path == "/die": os._exit(3)
            answer = f"{os.getpid()} {os.geteuid()} {os.getegid()} {os.getgroups()}".encode()
            start("200 OK", [("Content-Length", str(len(answer)))])
            self.tick()
            return [answer]
    def work(seat):
        app = App(seat.moves.tick)
        if kind == "stream":
            streaming.serve(seat.plug, app, threads=2, tick=seat.moves.tick)
        else:
            serving.granian(seat, app, 2)
    seats = [serving.Seat(f"w-{n}", place / f"w-{n}.sock", int(uid) if uid else None, work)
             for n in (1, 2)]
    serving.Parent(seats, place / "all.workers", patience=2.0).run()
""")


class Running:
    def __init__(self, place: Path, kind: str, uid: str = "") -> None:
        self.place = place
        self.log = place / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, str(place), kind, uid], stderr=log, stdout=log,
                env={**os.environ, "PYTHONPATH": "services"})

    def ask(self, path: str, worker: int = 1) -> str:
        with socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(10)
            plug.connect(str(self.place / f"w-{worker}.sock"))
            plug.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := plug.recv(65536):
                answer += piece
        return answer.decode().partition("\r\n\r\n")[2]

    def report(self) -> list[dict[str, Any]]:
        return json.loads((self.place / "all.workers").read_text())  # type: ignore[no-any-return]

    def serving(self) -> bool:
        try:
            return all(row["serving"] for row in self.report())
        except OSError:
            return False


def until(what: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(params=["granian", "stream"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, request.param)
    try:
        until(running.serving)
        yield running
    finally:
        running.process.terminate()
        code = running.process.wait(15)
    assert code == 0
    assert not list(tmp_path.glob("*.sock"))


def stuck(running: Running, path: str) -> list[threading.Thread]:
    def ask() -> None:
        try:
            running.ask(path)
        except OSError:
            pass

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("path", ["/lock", "/gil"])
def test_a_hung_worker_is_found_and_replaced(running: Running, path: str) -> None:
    first, other = running.ask("/"), running.ask("/", 2)
    stuck(running, path)
    until(lambda: running.report()[0]["hung"] == 1)
    until(running.serving)
    assert running.ask("/").split()[0] != first.split()[0]
    assert running.ask("/", 2) == other
    said = running.log.read_text()
    assert "worker w-1" in said and "it has hung and is killed" in said
    assert "most recent call first" in said, "where its threads were"


def test_a_stopped_worker_is_found_and_replaced(running: Running) -> None:
    os.kill(int(running.ask("/").split()[0]), signal.SIGSTOP)
    until(lambda: running.report()[0]["hung"] == 1)
    until(running.serving)


def test_a_busy_worker_is_left_alone(running: Running) -> None:
    first = running.ask("/")
    end = time.monotonic() + 5
    with ThreadPoolExecutor(8) as pool:
        while time.monotonic() < end:
            list(pool.map(running.ask, ["/busy"] * 8))
    assert running.report()[0]["hung"] == 0
    assert running.ask("/") == first


def test_who_connects_while_a_worker_is_replaced_waits(running: Running) -> None:
    first = running.ask("/")
    assert running.ask("/die") == ""
    assert running.ask("/") != first
    until(lambda: running.report()[0]["died"] == 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another")
def test_a_worker_runs_as_who_its_settings_belong_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    running = Running(tmp_path, "granian", "65534")
    until(running.serving)
    _, uid, gid, groups = running.ask("/").split(maxsplit=3)
    assert (uid, gid, groups) == ("65534", "65534", "[65534]")
    running.process.terminate()
    running.process.wait(15)
