"""cairn-api, cairn-worker, cairn-agent: run every process whose settings lie in a folder.

    cairn-api /etc/cairn/api                  all APIs of the host in one process
    cairn-api /etc/cairn/api/nova-api.conf    one of them alone
"""

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sdnotify

from cairn.common.process import Host, Room, find
from cairn.common.settings import load

log = logging.getLogger(__name__)
# Seconds a pack may take until the cloud knows of it; then it runs on and keeps trying.
PATIENCE = 45.0


def confs(place: Path) -> list[Path]:
    """The settings files a pack has. Exits when there is none."""
    found = sorted(place.glob("*.conf")) if place.is_dir() else [place]
    if not found or not found[0].exists():
        sys.exit(f"{place}: no settings of any process")
    return found


def build(place: Path, host: Host) -> dict[str, Any]:
    """Make every process of the pack; the WSGI applications by their mounts."""
    apps = {}
    for conf in confs(place):
        process = find(conf.stem)
        app = process.build(load(process.settings, conf), host)
        if process.mount:
            apps[process.mount] = app
    return apps


def _options(pack: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"cairn-{pack}", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, nargs="?", default=Path("/etc/cairn", pack),
                        help="a folder of settings, or one file of it (default %(default)s)")
    parser.add_argument("--log-level", default="INFO")
    if pack == "api":
        parser.add_argument("--socket", type=Path, help="default /run/cairn/api.sock, or that of "
                            "the one process")
        parser.add_argument("--workers", type=int, default=2)
        parser.add_argument("--threads", type=int, default=16)
    options = parser.parse_args()
    logging.basicConfig(
        level=options.log_level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    for loud in ("amqp", "kombu", "urllib3", "keystoneauth", "alembic"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    return options


def api() -> None:
    """Serve WSGI on a unix socket with granian, the applications loaded before the fork."""
    from granian.constants import Interfaces
    from granian.server import Server

    import cairn.common.auth  # noqa: F401 - of every API's, so before the fork
    from cairn.common.wsgi import Dispatcher

    options = _options("api")
    place: Path = options.place
    name = "api" if place.is_dir() else place.stem
    path: Path = options.socket or Path("/run/cairn", f"{name}.sock")
    for conf in confs(place):
        build_ = find(conf.stem).build  # Imported here, shared by every worker.
        if isinstance(build_, Room):
            build_.load()
    gc.collect()
    gc.freeze()

    def application(*_: Any, **__: Any) -> Any:
        host = Host()
        app = Dispatcher(build(place, host))
        host.start()
        return app

    server = Server(
        "cairn", uds=path, uds_permissions=0o660, interface=Interfaces.WSGI,
        workers=options.workers, blocking_threads=options.threads, backpressure=256,
        respawn_failed_workers=True, workers_kill_timeout=10, log_access=False, websockets=False,
    )
    threading.Thread(target=_tell_when_serving, args=(path,), daemon=True).start()
    server.serve(target_loader=application, wrap_loader=False)


def _tell_when_serving(path: Path) -> None:
    """READY=1 to systemd once the socket answers a request, not when the process was started."""
    import http.client
    import socket
    import time

    while True:
        try:
            with socket.socket(socket.AF_UNIX) as plug:
                plug.settimeout(5)
                plug.connect(str(path))
                plug.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = http.client.HTTPResponse(plug)
                answer.begin()
                sdnotify.SystemdNotifier().notify("READY=1")
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)


def worker() -> None:
    _run(_options("worker").place)


def agent() -> None:
    _run(_options("agent").place)


def _run(place: Path) -> None:
    host = Host()
    build(place, host)
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
