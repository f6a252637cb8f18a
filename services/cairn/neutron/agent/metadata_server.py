"""The agent's end of its haproxies: whose question it is, signed, to nova and back.

There is a socket for each namespace, which only haproxy's user may connect to. On a connection
comes one question and no more: first haproxy's PROXY header with the guest's address, then what the
guest sent. No header of the guest's is passed on, and none says who asks.
"""

import contextlib
import hashlib
import hmac
import http.server
import logging
import os
import re
import selectors
import shutil
import socket
import threading
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, BinaryIO, cast

import requests

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.neutron.agent.commands import make_folder
from cairn.neutron.rpc import Controller
from cairn.neutron.settings import HostSettings, MetadataSettings

log = logging.getLogger(__name__)
LONGEST = 4096  # Bytes a guest may post: its password, and nothing bigger.
# Seconds an address's owner is remembered: a guest asks in bursts, but an address may soon be
# another's.
REMEMBER = 2.0
REMEMBERED = 4096
USER = "haproxy"
# What opens a connection (PROXY protocol, version 2), and how long an address of each kind is.
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXIED = 0x21
SIZES = {0x11: 4, 0x21: 16}
# Nothing in it has to be read in a second way, so what is looked at here is what nova gets.
PATH = re.compile(r"(/[A-Za-z0-9._~=-]*)+")


@dataclass(frozen=True)
class Door:
    """A socket, and where they ask who come in by it."""

    listener: socket.socket
    path: Path
    inode: int
    router_id: str | None
    network_id: str | None


class MetadataServer:
    """Questions of the guests of this host's routers and networks."""

    def __init__(
        self, host: HostSettings, settings: MetadataSettings, controller: Controller,
        user: str = USER,
    ) -> None:
        self.folder = Path(host.state_dir, "metadata")
        self.settings, self.controller, self.user = settings, controller, user
        self.session = requests.Session()
        self.session.verify = settings.ca_file or True
        self.session.trust_env = False
        self._doors: dict[str, Door] = {}
        self._known: dict[tuple[str, str | None, str | None],
                          tuple[float, dict[str, str] | None]] = {}
        self._selector = selectors.DefaultSelector()
        self._ended, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True, name="metadata")

    def start(self) -> None:
        self._selector.register(self._ended, selectors.EVENT_READ)
        self._thread.start()

    def stop(self) -> None:
        self._end.close()
        self._thread.join()
        for namespace in list(self._doors):
            self.close(namespace)
        self._ended.close()
        self._selector.close()
        self.session.close()

    def listen(
        self, namespace: str, *, router_id: str | None = None, network_id: str | None = None
    ) -> Path:
        """The socket of the namespace, made where there is none. Raises OSError, and LookupError
        where haproxy has no user."""
        path = self.folder / f"{namespace}.sock"
        door = self._doors.get(namespace)
        if door is not None and _inode(path) == door.inode:
            return path
        self.close(namespace)
        make_folder(self.folder)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.setblocking(False)
            listener.bind(str(path))
            path.chmod(0o600)
            shutil.chown(path, self.user)
            listener.listen(64)
        except BaseException:
            listener.close()
            raise
        door = Door(listener, path, path.stat().st_ino, router_id, network_id)
        self._doors[namespace] = door
        self._selector.register(listener, selectors.EVENT_READ, door)
        return path

    def close(self, namespace: str) -> None:
        door = self._doors.pop(namespace, None)
        if door is not None:
            self._selector.unregister(door.listener)
            door.listener.close()
            if _inode(door.path) == door.inode:
                door.path.unlink()

    def listening(self) -> bool:
        """Every socket is still what it was made as."""
        return all(_inode(door.path) == door.inode for door in list(self._doors.values()))

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):  # Whoever came is gone, or the door is.
                    connection, _ = cast("socket.socket", key.fileobj).accept()
                    threading.Thread(
                        target=self._serve, args=(connection, key.data), daemon=True).start()

    def _serve(self, connection: socket.socket, door: Door) -> None:
        with connection, contextlib.suppress(OSError):
            connection.setblocking(True)
            Question(connection, self, door)

    def answer(self, question: "Question", door: Door, address: str) -> None:
        """Raises nothing: what goes wrong is an answer, too."""
        path = question.path.partition("?")[0]
        if not PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
            question.say(404, b"no such document\n")
            return
        try:
            told = question.body()
        except ValueError as wrong:
            question.say(400, f"{wrong}\n".encode())
            return
        try:
            port = self.owner(address, door)
            if port is None:
                question.say(404, b"no server has this address\n")
                return
            reply = self.session.request(
                "GET" if told is None else "POST", self.settings.url + path, data=told,
                headers=self.signed(port, address), timeout=20, allow_redirects=False)
        except (requests.RequestException, Problem) as error:
            log.warning("metadata for %s: %s", address, error)
            question.say(503, b"the metadata service does not answer\n")
            return
        question.say(reply.status_code, reply.content,
                     reply.headers.get("Content-Type", "text/plain"))

    def owner(self, address: str, door: Door) -> dict[str, str] | None:
        """Whose address it is, as it was known a few seconds ago at most."""
        key = (address, door.router_id, door.network_id)
        when, port = self._known.get(key, (0.0, None))
        if port is None or time.monotonic() - when > REMEMBER:
            port = self.controller.instance_at(
                Context(), address=address, router_id=door.router_id, network_id=door.network_id)
            if len(self._known) > REMEMBERED:
                self._known.clear()
            self._known[key] = (time.monotonic(), port)
        return port

    def signed(self, port: dict[str, str], address: str) -> dict[str, str]:
        server_id = port["device_id"]
        signature = hmac.new(
            self.settings.secret.encode(), server_id.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Instance-ID": server_id, "X-Tenant-ID": port["project_id"],
            "X-Instance-ID-Signature": signature, "X-Forwarded-For": address,
        }


class Question(http.server.BaseHTTPRequestHandler):
    """One request on one connection, answered while it is made."""

    protocol_version = "HTTP/1.1"
    timeout = 15

    def __init__(self, connection: socket.socket, metadata: MetadataServer, door: Door) -> None:
        self.metadata, self.door, self.guest = metadata, door, ""
        super().__init__(connection, ("guest", 0), cast("Any", None))

    def handle(self) -> None:
        try:
            self.guest = asker(cast("BinaryIO", self.rfile))
        except ValueError as wrong:
            log.warning("metadata: %s came in without a guest's address: %s", self.door.path.name,
                        wrong)
            return
        self.handle_one_request()  # And no other.

    def do_GET(self) -> None:
        self.metadata.answer(self, self.door, self.guest)

    do_HEAD = do_POST = do_GET

    def log_message(self, form: str, *args: Any) -> None:
        log.debug(form, *args)

    def body(self) -> bytes | None:
        """What the guest posts, None where it but asks. Raises ValueError for a body that is not
        plainly that, whether by its method, its length or its form."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        if self.headers.defects or "Transfer-Encoding" in self.headers or len(lengths) > 1:
            raise ValueError("the request has no plain form")
        if not re.fullmatch(r"[0-9]{1,6}", lengths[0]) or int(lengths[0]) > LONGEST:
            raise ValueError("a guest may not tell that much")
        if self.command == "POST":
            told = self.rfile.read(int(lengths[0]))
            if len(told) < int(lengths[0]):
                raise ValueError("the body ends too soon")
            return told
        if int(lengths[0]):
            raise ValueError(f"a {self.command} has no body")
        return None

    def say(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)


def asker(stream: BinaryIO) -> str:
    """The guest's address, of the PROXY header that a connection begins with. Raises ValueError."""
    head = stream.read(16)
    if len(head) < 16 or head[:12] != SIGNATURE or head[12] != PROXIED:
        raise ValueError("there is no PROXY header")
    length, size = int.from_bytes(head[14:16]), SIZES.get(head[13], 0)
    rest = stream.read(length)
    if not size or len(rest) < max(length, 2 * size + 4):
        raise ValueError("the PROXY header names no address")
    return str(ip_address(rest[:size]))


def _inode(path: Path) -> int | None:
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return None
