"""Bytes from other people's servers, which may be slow, silent, or never end.

A timeout of a socket is one of each read: a server that sends a byte now and then would hold a
thread for ever. So everything has a moment when it must be over, and what comes has to come at
a pace.
"""

import http.client
import io
import socket
import ssl
import time
from typing import Any
from urllib.parse import SplitResult

from cairn.common.bounds import parse_whole

# Seconds until there is an answer: connected, TLS spoken, request sent, headers read.
OPENING = 15.0
# Seconds of waiting after which the pace is judged.
WINDOW = 20.0


class Pace:
    """How long a transfer may take, and how slow it may be. Raises TimeoutError past either."""

    def __init__(self, seconds: float, rate: int) -> None:
        self.end, self.rate = time.monotonic() + seconds, rate
        self._waited, self._came = 0.0, 0

    def left(self) -> float:
        """Seconds that the next wait may take."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the transfer took too long")
        return min(left, WINDOW)

    def came(self, size: int, waited: float) -> None:
        """Count what came. Only the waiting for it counts: our own readers may be slow too."""
        self._waited += waited
        self._came += size
        if self._waited < WINDOW:
            return
        if self._came < self.rate * self._waited:
            raise TimeoutError(f"the transfer is slower than {self.rate} bytes a second")
        self._waited, self._came = 0.0, 0


class Plug(io.RawIOBase):
    """One connection, as http.client takes one: a socket to send to, a file to read."""

    def __init__(self, parts: SplitResult, address: str, port: int, pace: Pace) -> None:
        self.pace = pace
        self._socket = socket.create_connection((address, port), timeout=pace.left())
        if parts.scheme != "https":
            return
        try:
            # The connection is to the address that was judged; TLS still asks for the name.
            self._socket = ssl.create_default_context().wrap_socket(
                self._socket, server_hostname=str(parts.hostname), do_handshake_on_connect=False)
            self._socket.settimeout(pace.left())
            self._socket.do_handshake()
        except BaseException:
            self._socket.close()
            raise

    def sendall(self, data: Any) -> None:
        self._socket.settimeout(self.pace.left())
        self._socket.sendall(data)

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self.pace.left())
        begun = time.monotonic()
        size = self._socket.recv_into(buffer)
        self.pace.came(size, time.monotonic() - begun)
        return size

    def hang_up(self) -> None:
        self._socket.close()

    def close(self) -> None:
        """http.client closes a socket as soon as its file has the rest; hang_up() ends it."""


class Answer:
    """The body of an answer, as a file to read. Ends early as an OSError."""

    def __init__(self, plug: Plug, response: http.client.HTTPResponse) -> None:
        self._plug, self._response = plug, response
        self.length = parse_whole(response.headers.get("Content-Length", ""))
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
        self._plug.hang_up()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask(
    parts: SplitResult, address: str, port: int, method: str, headers: dict[str, str], pace: Pace
) -> tuple[Plug, http.client.HTTPResponse]:
    """Send one request. Raises OSError when no answer comes while the pace has time."""
    plug = Plug(parts, address, port, pace)
    connection = http.client.HTTPConnection(str(parts.hostname), port)
    connection.sock = plug
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path, headers=headers)
        return plug, connection.getresponse()
    except (http.client.HTTPException, ValueError) as error:
        plug.hang_up()
        raise OSError(f"no answer of HTTP: {error!r}") from error
    except BaseException:
        plug.hang_up()
        raise
