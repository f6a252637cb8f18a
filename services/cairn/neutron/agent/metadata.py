"""The way of a guest to its metadata.

In each router's (or DHCP's) namespace an haproxy takes requests for 169.254.169.254 and passes
them, with the guest's address, to a unix socket of the agent; the agent finds whose address it is,
signs the server's id, and asks nova.
"""

import contextlib
import hashlib
import hmac
import http.server
import logging
import os
import socketserver
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.neutron.agent.commands import Daemon, make_folder, write
from cairn.neutron.rpc import Controller
from cairn.neutron.settings import HostSettings, MetadataSettings

log = logging.getLogger(__name__)
METADATA_IP = "169.254.169.254"
LONGEST = 4096  # Bytes a guest may post: its password, and nothing bigger.
# Seconds an address's owner is remembered: a guest asks in bursts, but an address may soon be
# another's.
REMEMBER = 2.0


class MetadataProxy:
    """The haproxies of this host, by namespace."""

    def __init__(self, settings: HostSettings) -> None:
        self.folder = Path(settings.state_dir, "metadata")
        self.socket = self.folder / "socket"

    def run(
        self, namespace: str, bind: str, *, router_id: str = "", network_id: str = ""
    ) -> None:
        path = self.folder / f"{namespace}.cfg"
        daemon = self._daemon(namespace)
        anew = write(path, self._config(namespace, bind, router_id, network_id))
        if anew or not daemon.stands():
            daemon.stop()
            daemon.start("haproxy", "-f", str(path))

    def end(self, namespace: str) -> None:
        path = self.folder / f"{namespace}.cfg"
        if path.exists():
            self._daemon(namespace).stop()
            path.unlink()

    def alive(self) -> bool:
        """Every haproxy that was started runs."""
        return all(self._daemon(path.stem).stands() for path in self.folder.glob("*.cfg"))

    def _daemon(self, namespace: str) -> Daemon:
        path = self.folder / f"{namespace}.cfg"
        return Daemon(self.folder / f"{namespace}.pid", str(path), namespace)

    def _config(self, namespace: str, bind: str, router_id: str, network_id: str) -> str:
        # What a guest says of itself in these headers is thrown away.
        return "\n".join([
            "global", "  daemon", f"  pidfile {self.folder / f'{namespace}.pid'}",
            "  maxconn 64", "  nbthread 1", "  user nobody", "  group nogroup", "defaults",
            "  mode http", "  timeout connect 5s", "  timeout client 30s",
            "  timeout server 30s", "  timeout http-request 10s", "listen metadata",
            f"  bind {bind}", "  http-request del-header X-Forwarded-For",
            "  http-request del-header X-Instance-ID",
            "  http-request del-header X-Instance-ID-Signature",
            "  http-request del-header X-Tenant-ID",
            f"  http-request set-header X-Neutron-Router-ID {router_id or '-'}",
            f"  http-request set-header X-Neutron-Network-ID {network_id or '-'}",
            "  option forwardfor", f"  server agent unix@{self.socket}", "",
        ])


class MetadataServer:
    """The agent's end of the socket."""

    def __init__(
        self, host: HostSettings, settings: MetadataSettings, controller: Controller
    ) -> None:
        self.path = Path(host.state_dir, "metadata", "socket")
        self.settings, self.controller = settings, controller
        self.session = requests.Session()
        self.session.verify = settings.ca_file or True
        self._known: dict[tuple[str, str, str], tuple[float, dict[str, str] | None]] = {}
        self._server: Any = None

    def start(self) -> None:
        make_folder(self.path.parent)
        self.path.unlink(missing_ok=True)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self) -> str:
                return "guest"

            def log_message(self, form: str, *args: Any) -> None:
                log.debug(form, *args)

            def do_GET(self) -> None:
                outer.answer(self)

            do_HEAD = do_POST = do_GET

        class UnixServer(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = UnixServer(str(self.path), Handler)
        # haproxy runs as nobody; who else is on this host gains nothing but guests' questions
        # without a namespace of theirs, which have no owner.
        os.chmod(self.path, 0o666)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="metadata").start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self.path.unlink(missing_ok=True)

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        headers = handler.headers
        if not handler.path.startswith("/") or ".." in unquote(handler.path):
            # It would lead out of what nova shows to guests.
            self._send(handler, 404, b"no such document\n", "text/plain")
            return
        try:
            found = self.owner(
                headers.get("X-Forwarded-For", ""), headers.get("X-Neutron-Router-ID", "-"),
                headers.get("X-Neutron-Network-ID", "-"))
            if found is None:
                self._send(handler, 404, b"no server has this address\n", "text/plain")
                return
            length = headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > LONGEST:
                self._send(handler, 413, b"a guest may not tell that much\n", "text/plain")
                return
            method = "POST" if handler.command == "POST" else "GET"
            reply = self.session.request(
                method, self.settings.url + handler.path, headers=self.signed(found, headers),
                data=handler.rfile.read(int(length)) if method == "POST" else None, timeout=20)
            self._send(handler, reply.status_code, reply.content,
                       reply.headers.get("Content-Type", "text/plain"))
        except (requests.RequestException, Problem) as error:
            log.warning("metadata for %s: %s", headers.get("X-Forwarded-For"), error)
            self._send(handler, 503, b"the metadata service does not answer\n", "text/plain")

    def owner(self, address: str, router: str, network: str) -> dict[str, str] | None:
        """Whose address it is, as it was known a few seconds ago at most."""
        key = (address, router, network)
        when, found = self._known.get(key, (0.0, None))
        if found is None or time.monotonic() - when > REMEMBER:
            found = self.controller.instance_at(
                Context(), address=address, router_id=None if router == "-" else router,
                network_id=None if network == "-" else network)
            if len(self._known) > 4096:
                self._known.clear()
            self._known[key] = (time.monotonic(), found)
        return found

    def signed(self, found: dict[str, str], headers: Any) -> dict[str, str]:
        server_id = found["device_id"]
        signature = hmac.new(
            self.settings.secret.encode(), server_id.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Instance-ID": server_id, "X-Tenant-ID": found["project_id"],
            "X-Instance-ID-Signature": signature,
            "X-Forwarded-For": headers.get("X-Forwarded-For", ""),
        }

    def _send(self, handler: Any, status: int, body: bytes, kind: str) -> None:
        with contextlib.suppress(OSError):
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(body)
