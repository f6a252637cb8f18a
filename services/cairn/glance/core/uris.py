"""Addresses that others name and we fetch: which ones, and only from where they were checked.

A name is resolved once, its address judged, and the connection made to that very address: a name
that answers differently the second time leads nowhere. Redirects are judged like the first.
"""

import http.client
import ipaddress
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from cairn.common.errors import Invalid
from cairn.glance.settings import ImportSettings

TIMEOUT = 30.0
REDIRECTS = 5
PORTS = {"http": 80, "https": 443}


class Refused(Invalid):
    """The address may not be fetched."""

    message = "URI does not pass filtering: {uri}: {reason}"


class Answer:
    """The body of an answer, as a file to read. Ends early as an OSError."""

    def __init__(self, connection: http.client.HTTPConnection, response: Any) -> None:
        self._connection, self._response = connection, response
        text = response.headers.get("Content-Length", "")
        self.length = int(text) if text.isdigit() else None
        self._left = self.length if response.length is not None else None

    def read(self, size: int = -1) -> bytes:
        try:
            chunk: bytes = self._response.read(size if size >= 0 else None)
        except http.client.HTTPException as error:
            raise OSError(f"the download ended early: {error!r}") from error
        if self._left is not None:
            self._left -= len(chunk)
            if not chunk and size != 0 and self._left > 0:
                raise OSError(f"the download ended {self._left} bytes early")
        return chunk

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Gate:
    """What may be fetched, and the fetching."""

    def __init__(self, settings: ImportSettings) -> None:
        self.settings = settings
        self._refused = [ipaddress.ip_network(n) for n in settings.refused_networks.split()]

    def check(self, uri: Any) -> None:
        """Raises Refused. A name that does not resolve now is refused too."""
        self._judge(uri)

    def _judge(self, uri: Any) -> tuple[SplitResult, str, int]:
        """The parts, the address and the port to connect to."""
        def refuse(reason: str) -> Refused:
            return Refused(uri=uri, reason=reason)

        s = self.settings
        if not isinstance(uri, str) or not uri or len(uri) > 2048:
            raise refuse("it is no address")
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as wrong:
            raise refuse(str(wrong)) from wrong
        host = (parts.hostname or "").rstrip(".").lower()
        if not _passes(parts.scheme, s.allowed_schemes, s.disallowed_schemes):
            raise refuse("the scheme is not allowed")
        if parts.scheme not in PORTS:
            raise refuse("it is neither http nor https")
        if not host or not _passes(host, s.allowed_hosts.lower(), s.disallowed_hosts.lower()):
            raise refuse("the host is not allowed")
        if port is not None and not _passes(str(port), s.allowed_ports, s.disallowed_ports):
            raise refuse("the port is not allowed")
        port = port or PORTS[parts.scheme]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise refuse(f"the host is not known: {error}") from error
        addresses = [str(f[4][0]) for f in found]
        for address in addresses:
            if self._forbidden(address):
                raise refuse("the host is at an address that is not allowed")
        return parts, addresses[0], port

    def _forbidden(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        return any(candidate in network for network in self._refused
                   for candidate in (address, inner) if candidate is not None)

    def open(self, uri: str, start: int = 0, method: str = "GET") -> Answer:
        """Raises Refused, or OSError when nothing useful came."""
        for _ in range(REDIRECTS + 1):
            parts, address, port = self._judge(uri)
            connection = _connection(parts, address, port)
            headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "cairn-glance",
                       "Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            try:
                connection.request(method, path, headers=headers)
                response = connection.getresponse()
            except (http.client.HTTPException, ValueError) as error:
                connection.close()
                raise OSError(f"{uri}: {error!r}") from error
            if response.status in (301, 302, 303, 307, 308):
                uri = urljoin(uri, response.headers.get("Location", ""))
                response.close()
                connection.close()
                continue
            return _taken(uri, start, connection, response)
        raise OSError(f"{uri}: more than {REDIRECTS} redirects")


def _taken(
    uri: str, start: int, connection: http.client.HTTPConnection,
    response: http.client.HTTPResponse,
) -> Answer:
    if response.status not in (200, 206):
        response.close()
        connection.close()
        if response.status in (404, 410):
            raise FileNotFoundError(f"{uri}: {response.status} {response.reason}")
        raise OSError(f"{uri}: {response.status} {response.reason}")
    answer = Answer(connection, response)
    if start and response.status == 200:  # It does not know ranges.
        left = start
        while left and (skipped := answer.read(min(left, 1 << 20))):
            left -= len(skipped)
    return answer


def _connection(
    parts: SplitResult, address: str, port: int
) -> http.client.HTTPConnection:
    """A connection to the address that was judged; TLS still asks for the name."""
    name = str(parts.hostname)
    connection = http.client.HTTPConnection(name, port, timeout=TIMEOUT)
    plug = socket.create_connection((address, port), timeout=TIMEOUT)
    try:
        if parts.scheme == "https":
            plug = ssl.create_default_context().wrap_socket(plug, server_hostname=name)
    except OSError:
        plug.close()
        raise
    connection.sock = plug
    return connection


def _passes(value: str, allowed: str, disallowed: str) -> bool:
    wanted, unwanted = allowed.split(), disallowed.split()
    return value in wanted if wanted else value not in unwanted
