"""WSGI for requests whose bodies are streams: one request a connection, a thread while it lasts.

What sets it apart from a server of small requests: every wait has an end, a sender has to keep a
pace, and an answer that is given before the body ended reaches the caller. Behind the proxy only.
"""

import contextlib
import io
import logging
import re
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

from cairn.common.errors import Problem

log = logging.getLogger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# Called for every piece that came or went: somebody still works here.
Tick = Callable[[], None]

HEAD_MOST, HEAD_SECONDS = 64 << 10, 10.0
# A sender may pause that long, and has to bring that many bytes for each second it was waited for.
PAUSE, PACE = 30.0, 1024
# So long may a slow sender gather way.
GRACE = 60.0
PIECE = 64 << 10
# After an answer that came early, what is still sent is dropped for so long, of so many at once.
LINGER, LINGERING_MOST = 2.0, 1024

_REQUEST = re.compile(rb"([A-Z]{1,16}) (/[\x21-\x7e\x80-\xff]*) HTTP/1\.[01]\r\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\x00]*?)[ \t]*\r\n")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})\r\n")


class Garbled(Problem):
    code = 400
    message = "The request could not be understood: {reason}"


class BrokenOff(Problem):
    code = 400
    message = "The request ended in the middle of its body."


class TooSlow(Problem):
    code = 408
    message = "The request's body came too slowly."


class Body(io.RawIOBase):
    """A request's body, to its end. Reading raises BrokenOff, TooSlow or Garbled."""

    def __init__(self, file: io.BufferedReader, length: int | None, tick: Tick) -> None:
        self._file, self._tick = file, tick
        self._chunked = length is None
        self._left = length or 0
        self._began = False
        self._got, self._waited = 0, 0.0
        self.ended = length == 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.ended:
            return 0
        started = time.monotonic()
        try:
            if self._chunked and not self._left and not self._next_chunk():
                self.ended = True
                return 0
            got = self._file.readinto1(memoryview(buffer)[:self._left])
        except TimeoutError:
            raise TooSlow from None
        except OSError:
            raise BrokenOff from None
        if not got:
            raise BrokenOff
        self._waited += time.monotonic() - started
        self._got += got
        self._left -= got
        self._tick()
        if self._waited > GRACE and self._got < (self._waited - GRACE / 2) * PACE:
            raise TooSlow
        if not self._left and not self._chunked:
            self.ended = True
        return got

    def _next_chunk(self) -> bool:
        if self._began and self._line() != b"\r\n":
            raise Garbled(reason="a chunk is longer than it says")
        self._began = True
        size = _CHUNK.fullmatch(self._line())
        if size is None:
            raise Garbled(reason="a chunk without its size")
        self._left = int(size[1], 16)
        if not self._left and self._line() != b"\r\n":
            raise Garbled(reason="there is something behind the last chunk")
        return self._left > 0

    def _line(self) -> bytes:
        line = self._file.readline(64)
        if not line:
            raise BrokenOff
        return line


def serve(
    plug: socket.socket, application: Application, *, threads: int, tick: Tick = lambda: None
) -> None:
    """Answer what connects to `plug` until SIGTERM; what has begun then may still end."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    free = threading.Semaphore(threads)
    lingering = _Lingering()
    plug.settimeout(1.0)
    with ThreadPoolExecutor(threads, thread_name_prefix="stream") as pool:

        def answer(connection: socket.socket) -> None:
            try:
                _answer(connection, application, tick, lingering)
            except Exception:
                log.exception("a connection failed")
                connection.close()
            finally:
                tick()
                free.release()

        while not ended.is_set():
            # Who finds no thread waits outside, where waiting costs nothing.
            if not free.acquire(timeout=1.0):
                continue
            try:
                connection, _ = plug.accept()
            except (TimeoutError, ConnectionError):
                free.release()
                continue
            pool.submit(answer, connection)


def _answer(
    connection: socket.socket, application: Application, tick: Tick, lingering: "_Lingering"
) -> None:
    connection.settimeout(HEAD_SECONDS)
    file = connection.makefile("rb")
    body: Body | None = None
    try:
        method, environ = _head(file)
        body = _body(environ, file, tick)
    except Problem as problem:
        _refuse(connection, problem)
    except OSError:
        connection.close()
        return
    if body is None:
        lingering.add(connection)
        return
    connection.settimeout(PAUSE)
    environ["wsgi.input"] = io.BufferedReader(body, PIECE)
    with contextlib.suppress(OSError):  # Whoever hung up reads no answer.
        _respond(connection, application, environ, method, tick)
    if body.ended:
        connection.close()
    else:
        lingering.add(connection)


def _head(file: io.BufferedReader) -> tuple[str, dict[str, Any]]:
    line = file.readline(HEAD_MOST)
    if not line:
        raise ConnectionError
    match = _REQUEST.fullmatch(line)
    if match is None:
        raise Garbled(reason="its first line")
    method = match[1].decode()
    path, _, query = match[2].partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"), "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost", "SERVER_PORT": "443", "REMOTE_ADDR": "",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "wsgi.input_terminated": True, "cairn.lingers": True,
    }
    left = HEAD_MOST - len(line)
    while (line := file.readline(left)) != b"\r\n":
        left -= len(line)
        header = _HEADER.fullmatch(line)
        if header is None or left <= 0:
            raise Garbled(reason="a header")
        name = header[1].decode().upper().replace("-", "_")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        value = header[2].decode("latin-1")
        if key in environ and name in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "HOST"):
            raise Garbled(reason=f"{name.replace('_', '-').title()} twice")
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    return method, environ


def _body(environ: dict[str, Any], file: io.BufferedReader, tick: Tick) -> Body:
    coding, length = environ.get("HTTP_TRANSFER_ENCODING"), environ.get("CONTENT_LENGTH")
    if coding is not None:
        if length is not None or coding.lower() != "chunked":
            raise Garbled(reason="Transfer-Encoding")
        return Body(file, None, tick)
    if length is not None and not re.fullmatch(r"[0-9]{1,18}", length):
        raise Garbled(reason="Content-Length")
    return Body(file, int(length or 0), tick)


def _refuse(connection: socket.socket, problem: Problem) -> None:
    text = b'{"error": {"code": %d, "message": "%s"}}' % (problem.code, str(problem).encode())
    head = f"HTTP/1.1 {problem.code} Refused\r\nContent-Type: application/json\r\n" \
           f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        connection.sendall(head.encode() + text)


def _respond(
    connection: socket.socket, application: Application, environ: dict[str, Any], method: str,
    tick: Tick,
) -> None:
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        said[:] = [status, headers]

    pieces = application(environ, start)
    try:
        status, headers = said
        bare = method == "HEAD" or status[:3] in ("204", "304")
        chunked = not bare and not any(name.lower() == "content-length" for name, _ in headers)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers),
                 *(["Transfer-Encoding: chunked"] if chunked else []), "Connection: close"]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for whole in pieces if not bare else ():
            for start_ in range(0, len(whole), PIECE):
                piece = whole[start_:start_ + PIECE]
                connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                tick()
        if chunked:
            connection.sendall(b"0\r\n\r\n")
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


class _Lingering:
    """Connections that were answered before all was said. Closed at once, they would take the
    answer with them; one thread hears the rest of all of them, and keeps none of it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._until: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, connection: socket.socket) -> None:
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.setblocking(False)
        except OSError:
            connection.close()
            return
        with self._lock:
            if len(self._until) >= LINGERING_MOST:
                connection.close()
                return
            self._until[connection] = time.monotonic() + LINGER
            self._selector.register(connection, selectors.EVENT_READ)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._hear, name="lingering", daemon=True)
                self._thread.start()

    def _hear(self) -> None:
        while True:
            ready = self._selector.select(0.5)
            now = time.monotonic()
            gone = {key.fileobj for key, _ in ready if not self._heard(key.fileobj)}
            with self._lock:
                gone |= {each for each, until in self._until.items() if until < now}
                for each in gone:
                    self._selector.unregister(each)
                    del self._until[each]  # type: ignore[arg-type]
                    each.close()  # type: ignore[union-attr]
                if not self._until:
                    self._thread = None
                    return

    @staticmethod
    def _heard(connection: Any) -> bool:
        try:
            return bool(connection.recv(1 << 20))
        except BlockingIOError:
            return True
        except OSError:
            return False
