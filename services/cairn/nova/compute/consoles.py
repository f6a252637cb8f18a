"""Consoles of this host's guests, handed over to controllers: over TLS, for a ticket.

Nothing of a guest listens on a network. A controller that shows a certificate of the cloud's
authority sends the ticket that it was given over the broker, and a line's end; then the connection
is the console's.
"""

import asyncio
import contextlib
import hashlib
import logging
import secrets
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from cairn.common.errors import Problem
from cairn.nova.drivers.base import Driver
from cairn.nova.errors import ConsoleTypeUnavailable
from cairn.nova.rpc import ConsolePlace
from cairn.nova.settings import ConsoleServerSettings

log = logging.getLogger(__name__)

TYPES = ("novnc", "serial")
# What a controller hears before the console's first byte; anything else is a refusal's reason.
READY = b"ready\n"
PIECE = 64 << 10
GREETING_SECONDS = 10.0
# Between two tries to listen where the address is not there yet.
PAUSE = 2.0


class Tickets:
    """What was given out and not used yet: each opens one console once, and only for seconds."""

    def __init__(self, settings: ConsoleServerSettings) -> None:
        self.settings = settings
        self._given: dict[str, tuple[float, str, str]] = {}
        self._lock = threading.Lock()

    def place(self, console_type: str) -> ConsolePlace:
        """Where consoles are handed over. Raises ConsoleTypeUnavailable."""
        own = self.settings
        if not own.cert_file or console_type not in TYPES:
            raise ConsoleTypeUnavailable(type=console_type)
        return {"address": own.address, "port": own.port, "ticket": ""}

    def issue(self, server_id: str, console_type: str) -> str:
        """A new ticket for that console."""
        ticket, now = secrets.token_urlsafe(32), time.monotonic()
        with self._lock:
            self._given = {key: each for key, each in self._given.items() if each[0] > now}
            self._given[_hash(ticket)] = (
                now + self.settings.ticket_seconds, server_id, console_type)
        return ticket

    def take(self, ticket: str) -> tuple[str, str] | None:
        """The server and the type it was given for; None where it is not good (any more)."""
        with self._lock:
            until, server_id, console_type = self._given.pop(_hash(ticket), (0.0, "", ""))
        return (server_id, console_type) if until > time.monotonic() else None


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def server_context(settings: ConsoleServerSettings) -> ssl.SSLContext:
    """TLS with our certificate, for those who show one of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(settings.cert_file, settings.key_file)
    context.load_verify_locations(settings.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class ConsoleServer:
    """Listens for controllers in a thread of its own."""

    def __init__(self, tickets: Tickets, driver: Driver, settings: ConsoleServerSettings) -> None:
        self.tickets, self.driver, self.settings = tickets, driver, settings
        # Set once it listens, at this port.
        self.listening = threading.Event()
        self.port = settings.port
        self._open = 0
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        # Opening asks the hypervisor, which may take its time.
        self._openers = ThreadPoolExecutor(4, thread_name_prefix="console")
        self._thread = threading.Thread(target=self._run, daemon=True, name="consoles")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Consoles that are open end."""
        with contextlib.suppress(RuntimeError):  # It has ended by itself.
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(5)
        self._openers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._listen())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)
        self._loop.close()

    def _end(self) -> None:
        self._main.cancel()

    async def _listen(self) -> None:
        server = await self._bound()
        self.port = server.sockets[0].getsockname()[1]
        self.listening.set()
        try:
            async with server:
                await server.serve_forever()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _bound(self) -> asyncio.Server:
        said = False
        while True:
            try:
                return await asyncio.start_server(
                    self._came, self.settings.address, self.settings.port, limit=PIECE,
                    ssl=server_context(self.settings), ssl_handshake_timeout=GREETING_SECONDS)
            except OSError as error:
                if not said:
                    log.error("consoles cannot be handed over at %s port %d, tried again: %s",
                              self.settings.address, self.settings.port, error)
                said = True
                await asyncio.sleep(PAUSE)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open += 1
        try:
            await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # Whoever hung up, or said nothing in time.
        finally:
            self._open -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(GREETING_SECONDS):
            line = await reader.readuntil(b"\n")
        given = self.tickets.take(line[:-1].decode("ascii", "replace"))
        if given is None:
            log.warning("somebody at %s came for a console with a ticket that is not good",
                        writer.get_extra_info("peername"))
            return await _refuse(writer, "the ticket is not good")
        if self._open > self.settings.most:
            return await _refuse(writer, "too many consoles are open on the host")
        try:
            plug = await self._loop.run_in_executor(self._openers, self.driver.console, *given)
        except Problem as problem:
            return await _refuse(writer, str(problem).partition("\n")[0])
        log.info("console %s of server %s was opened", given[1], given[0])
        writer.write(READY)
        await splice(reader, writer, plug)


async def _refuse(writer: asyncio.StreamWriter, reason: str) -> None:
    writer.write(f"{reason}\n".encode())
    async with asyncio.timeout(GREETING_SECONDS):
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def splice(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, plug: socket.socket
) -> None:
    """Carry bytes both ways until either side ends. No side is read from faster than the other
    takes it."""
    plug.setblocking(False)
    inner_reader, inner_writer = await asyncio.open_connection(sock=plug, limit=PIECE)
    ways = [asyncio.ensure_future(_carry(reader, inner_writer)),
            asyncio.ensure_future(_carry(inner_reader, writer))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        inner_writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
