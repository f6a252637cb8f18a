"""cairn-api, cairn-data, cairn-worker, cairn-agent: run what has its settings in a folder.

    cairn-api /etc/cairn/api                  all APIs of the host, in workers of one parent
    cairn-api /etc/cairn/api/nova-api.conf    one of them alone
    cairn-data /etc/cairn/data                what takes and sends streams, likewise

Settings belong to the user whose processes may know them. Started as root, cairn-api and cairn-data
run each pool of processes as the owner of its settings.
"""

import argparse
import gc
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sdnotify

from cairn.common import logs
from cairn.common.process import AGENT, API, DATA, LIVE, WORKER, Host, Room, find
from cairn.common.settings import load

log = logging.getLogger(__name__)
# Of every worker's, and heavy: what they share.
_APPLICATION = ("cairn.common.auth", "cairn.common.wsgi", "kombu.transport.pyamqp")
BEFORE_FORK = {
    API: (*_APPLICATION, "granian.server"), DATA: (*_APPLICATION, "cairn.common.streaming")}
# Seconds a pack may take until the cloud knows of it; then it runs on and keeps trying.
PATIENCE = 45.0


def confs(place: Path) -> list[Path]:
    """The settings files a pack has. Exits when there is none."""
    paths = sorted(place.glob("*.conf")) if place.is_dir() else [place]
    if not paths or not paths[0].exists():
        sys.exit(f"{place}: no settings of any process")
    return paths


def build(paths: list[Path], host: Host) -> dict[str, Any]:
    """Make every process that has such settings; the WSGI applications by their mounts."""
    apps = {}
    for conf in paths:
        process = find(conf.stem)
        app = process.build(load(process.settings, conf), host)
        if process.mount:
            apps[process.mount] = app
    return apps


@dataclass(frozen=True)
class Pool:
    """Worker processes that run the same of a pack."""

    name: str
    confs: list[Path]
    workers: int
    threads: int
    live: bool = False

    @property
    def owner(self) -> int:
        """Who may know its settings. Exits where its processes do not agree."""
        owners = {conf.stat().st_uid for conf in self.confs}
        if len(owners) > 1:
            sys.exit(f"pool {self.name}: its settings belong to different users")
        return owners.pop()


def pools(place: Path, sizes: dict[str, tuple[int, int]]) -> list[Pool]:
    """What runs together: the processes of each pool or, of one process, it alone."""
    members: dict[str, list[Path]] = {}
    for conf in confs(place):
        members.setdefault(find(conf.stem).runs_in, []).append(conf)
    return [
        Pool(pool if place.is_dir() else place.stem, paths, *sizes.get(pool, (1, 16)),
             live=pool == LIVE)
        for pool, paths in members.items()
    ]


def _size(text: str) -> tuple[str, tuple[int, int]]:
    name, workers, threads = text.split(":")
    return name, (int(workers), int(threads))


def _options(pack: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"cairn-{pack}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, nargs="?", default=Path("/etc/cairn", pack),
                        help="a folder of settings, or one file of it (default %(default)s)")
    parser.add_argument("--log-level", default="INFO")
    if pack in (API, DATA):
        parser.add_argument("--sockets", type=Path, default=Path("/run/cairn"),
                            help="where the workers' sockets are made (default %(default)s)")
        parser.add_argument("--pool", type=_size, action="append", default=[],
                            metavar="NAME:WORKERS:THREADS", help="how big a pool is "
                            "(default 1:16); may be given for each")
        parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS",
                            help="how long a worker may be still while it is asked, before it is "
                            "replaced (default %(default)s)")
    options = parser.parse_args()
    logs.start(options.log_level)
    return options


def api() -> None:
    """Serve WSGI on unix sockets, one for each worker."""
    _serve(API)


def data() -> None:
    """The same for requests whose bodies are streams."""
    _serve(DATA)


def _serve(pack: str) -> None:
    from cairn.common.serving import Parent, Seat

    options = _options(pack)
    place: Path = options.place
    seats, pools_ = [], pools(place, dict(options.pool))
    # A worker that is alone shares with nobody: it loads all by itself, and its parent stays small.
    alike = [pool for pool in pools_ if not pool.live]
    if sum(pool.workers for pool in alike) > 1:
        _load(pack, alike)
    for pool in pools_:
        uid = pool.owner if os.geteuid() == 0 else None
        for number in range(1, pool.workers + 1):
            name = f"{pool.name}-{number}"
            seats.append(Seat(name, options.sockets / f"{name}.sock", uid, _worker_of(pool, pack)))
    gc.collect()
    gc.freeze()
    report = options.sockets / f"{pack if place.is_dir() else place.stem}.workers"
    Parent(seats, report, options.patience).run()


def _load(pack: str, pools_: list[Pool]) -> None:
    """Import what every worker shares."""
    for name in BEFORE_FORK[pack]:
        importlib.import_module(name)
    for pool in pools_:
        for conf in pool.confs:
            build_ = find(conf.stem).build
            if isinstance(build_, Room):
                build_.load()


def _worker_of(pool: Pool, pack: str) -> Callable[[Any], None]:
    def work(seat: Any) -> None:
        from cairn.common import serving, streaming
        from cairn.common.wsgi import Dispatcher

        host = Host()
        parts = build(pool.confs, host)
        if pool.live:
            # One of them: each has a socket of its own to listen at.
            (part,) = parts.values()
            host.start()
            part.serve(seat.plug, pool.threads, seat.moves.tick)
            return
        app = Dispatcher(parts, seat.moves.tick)
        host.start()
        if pack == DATA:
            streaming.serve(seat.plug, app, threads=pool.threads, tick=seat.moves.tick)
        else:
            serving.granian(seat, app, pool.threads)

    return work


def worker() -> None:
    """cairn-worker: the processes of a controller that have no API of their own."""
    _run(_options(WORKER).place)


def agent() -> None:
    """cairn-agent: the processes of a host."""
    _run(_options(AGENT).place)


def _run(place: Path) -> None:
    host = Host()
    build(confs(place), host)
    ended = threading.Event()
    stop: Callable[..., None] = lambda *_: ended.set()  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gc.collect()
    gc.freeze()
    host.start()
    if not host.reported(PATIENCE):
        log.warning("started, but not everything could be reported yet")
    sdnotify.SystemdNotifier().notify("READY=1")
    ended.wait()
    host.stop()
    logging.shutdown()
    # Threads of handlers may hang in a neighbour; the ledger knows what they were doing.
    os._exit(0)
