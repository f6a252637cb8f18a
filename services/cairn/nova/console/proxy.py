"""Web sockets on one side, consoles of hosts on the other."""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

import orjson
from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from cairn.common.context import Context, new_request_id
from cairn.common.errors import NoSuchPath, Problem
from cairn.common.health import Check
from cairn.nova.console.access import Gate, NotLetIn, token_in
from cairn.nova.console.hosts import Hosts
from cairn.nova.core.console_tokens import Pass
from cairn.nova.settings import ConsoleProxySettings

log = logging.getLogger(__name__)

BINARY = Subprotocol("binary")
PIECE = 64 << 10
# A viewer's message, and how many of them wait for a guest that takes nothing.
MESSAGE, QUEUE = 64 << 10, 16
# A viewer that does not answer so long is gone, or reads nothing: what is for him is not kept.
PING, PONG = 20.0, 20.0
GOODBYE = 5.0

T = TypeVar("T")


@dataclass
class Session:
    """A console that somebody has open. `moved` is when its viewer last sent something."""

    opened: Pass
    reader: StreamReader
    writer: StreamWriter
    # What is to be done when it ends.
    ending: ExitStack
    began: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)


class Proxy:
    """nova-console: who may is let in before the web socket opens, and told why not by a code."""

    def __init__(
        self, path: str, gate: Gate, hosts: Hosts, settings: ConsoleProxySettings,
        checks: Mapping[str, Check],
    ) -> None:
        """`path` is where consoles are, without a slash at its end."""
        self.path, self.gate, self.hosts, self.settings = path, gate, hosts, settings
        self.checks = checks
        self.sessions: dict[ServerConnection, Session] = {}
        self._tick: Callable[[], None] = lambda: None

    def serve(self, plug: socket.socket, threads: int, tick: Callable[[], None]) -> None:
        """See cairn.common.process.Live."""
        self._tick = tick
        asyncio.run(self._until_told(plug, threads))

    async def _until_told(self, plug: socket.socket, threads: int) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, ended.set)
        server = await self.listen(plug, threads)
        await ended.wait()
        server.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), GOODBYE)

    async def listen(self, plug: socket.socket, threads: int) -> Server:
        """The running server of what connects to a unix socket."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="console")
        return await unix_serve(
            self._view, sock=plug, process_request=self._admit, select_subprotocol=_subprotocol,
            compression=None, max_size=MESSAGE, max_queue=QUEUE, ping_interval=PING,
            ping_timeout=PONG, open_timeout=2 * self.settings.connect_timeout + PONG,
            close_timeout=GOODBYE, server_header=None, logger=_quiet(),
        )

    async def _blocking(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    # --- Opening ---

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Of a request that opens a console None, when all is there for it; else the answer."""
        self._tick()
        path = request.path.partition("?")[0]
        if path == f"{self.path}/healthcheck":
            return await self._health()
        try:
            if path not in (self.path, f"{self.path}/"):
                raise NoSuchPath
            if request.headers.get("Upgrade", "").lower() != "websocket":
                return _answer(HTTPStatus.UPGRADE_REQUIRED, {"Upgrade": "websocket"})
            await self._open(connection, request)
        except Problem as problem:
            if not isinstance(problem, NoSuchPath):
                log.warning("a console was refused: %s", str(problem).partition("\n")[0])
            return _answer(HTTPStatus(problem.code))
        return None

    async def _open(self, connection: ServerConnection, request: Request) -> None:
        headers = request.headers
        origins = headers.get_all("Origin")
        if len(origins) > 1:
            raise NotLetIn(reason="several origins")
        self.gate.check_origin(origins[0] if origins else None)
        token = token_in(request.path, "; ".join(headers.get_all("Cookie")))
        opened = await self._blocking(self.gate.find, token)
        with ExitStack() as stack:
            stack.enter_context(self.gate.counted(opened))
            ctx = Context(opened.user_id, project_id=opened.project_id,
                          request_id=new_request_id())
            place = await self._blocking(self.hosts.ask, ctx, opened)
            reader, writer = await self.hosts.connect(place)
            stack.callback(writer.transport.abort)
            session = Session(opened, reader, writer, stack.pop_all())
        self.sessions[connection] = session
        # Also when the viewer has gone before he had the answer.
        connection.connection_lost_waiter.add_done_callback(lambda _: self._close(connection))

    def _close(self, connection: ServerConnection) -> None:
        session = self.sessions.pop(connection, None)
        if session is not None:
            session.ending.close()
            log.info("console %s of server %s was closed by user %s or its end",
                     session.opened.console_type, session.opened.server_id, session.opened.user_id)

    async def _health(self) -> Response:
        results = {name: await self._blocking(check) for name, check in self.checks.items()}
        healthy = not any(results.values())
        body = orjson.dumps({"healthy": healthy, "checks": {
            name: {"ok": wrong is None, "reason": wrong or "OK"}
            for name, wrong in results.items()}})
        code = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return _answer(code, {"Content-Type": "application/json"}, body)

    # --- Open ---

    async def _view(self, connection: ServerConnection) -> None:
        """Carry bytes both ways, until either side ends or the viewer may have it no more."""
        session = self.sessions[connection]
        opened = session.opened
        log.info("console %s of server %s was opened by user %s of project %s",
                 opened.console_type, opened.server_id, opened.user_id, opened.project_id)
        ways: list[Awaitable[str]] = [
            self._from_guest(connection, session), self._to_guest(connection, session),
            self._watch(session)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            reasons = [task.result() for task in done if task.exception() is None]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        code = CloseCode.POLICY_VIOLATION if tasks[2] in done else CloseCode.NORMAL_CLOSURE
        await connection.close(code, reasons[0] if reasons else "")
        self._close(connection)

    async def _from_guest(self, connection: ServerConnection, session: Session) -> str:
        try:
            while data := await session.reader.read(PIECE):
                # It waits for a viewer that is slow; meanwhile the host is not read from.
                await connection.send(data)
                self._tick()
        except (ConnectionClosed, OSError):
            pass
        return "the console has ended"

    async def _to_guest(self, connection: ServerConnection, session: Session) -> str:
        try:
            async for message in connection:
                session.moved = time.monotonic()
                session.writer.write(message.encode() if isinstance(message, str) else message)
                await session.writer.drain()
                self._tick()
        except (ConnectionClosed, OSError):
            pass
        return "the viewer has gone"

    async def _watch(self, session: Session) -> str:
        own = self.settings
        while True:
            await asyncio.sleep(own.check_seconds)
            now = time.monotonic()
            if own.idle_seconds and now - session.moved > own.idle_seconds:
                return "nothing was sent for too long"
            if own.most_seconds and now - session.began > own.most_seconds:
                return "it was open for too long"
            try:
                if not await self._blocking(self.gate.holds, session.opened):
                    return "it may not be seen any more"
            except Exception as error:
                # The database is away: who was let in stays until it says otherwise.
                log.warning("consoles could not be checked: %s", type(error).__name__)


def _subprotocol(
    connection: ServerConnection, offered: list[Subprotocol] | tuple[Subprotocol, ...]
) -> Subprotocol | None:
    """Bytes as they are: the only one there is, and what is spoken where none is named."""
    return BINARY if BINARY in offered else None


def _answer(
    status: HTTPStatus, more: Mapping[str, str] | None = None, body: bytes = b""
) -> Response:
    """Without a body where it refuses: who takes the connection for a web socket nevertheless
    would take that for a frame."""
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close", **(more or {})})
    return Response(status.value, status.phrase, headers, body)


def _quiet() -> logging.Logger:
    """What the library tells of each viewer that hung up is nobody's to read."""
    logger = logging.getLogger(f"{__name__}.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
