"""A process's way to the broker: sends, and waits for answers."""

import contextlib
import logging
import queue
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from amqp.exceptions import AMQPError
from kombu import Connection, Consumer, Exchange, Queue  # type: ignore[attr-defined]
from kombu.exceptions import OperationalError
from kombu.serialization import dumps

from cairn.common import accounts, held
from cairn.common.context import Context
from cairn.common.errors import Remote, Unavailable
from cairn.common.outbox import Letter, Outbox, discard
from cairn.common.settings import MessagingSettings

log = logging.getLogger(__name__)

LOST = (OperationalError, AMQPError, OSError)
# Seconds that a read or a write of the broker's may take: one that hangs is left.
PATIENCE = 10.0
# Seconds of silence after which the broker counts as gone; seconds that a listener waits at once,
# which is as often as it shows that it lives.
HEARTBEAT, BEAT = 30, 7.0
# The same where a broker in memory has nothing that could be closed.
POLL = 0.5
Deliver = Callable[[Any, Mapping[str, Any]], None]


class Bus:
    """Safe from any thread. Connects at the first use, never before: a process may fork first.

    Nothing here waits for the broker but `ask`, and that no longer than it was told.
    """

    def __init__(self, settings: MessagingSettings, timeout: float = 10) -> None:
        self.settings = settings
        self.timeout = timeout
        self.account = accounts.of_url(settings.url)
        # The host whose account it is, None for the controllers'.
        self.host = accounts.host_of(self.account)
        # A broker in memory has nothing before it is declared.
        self._declares = self.host is None or settings.url.startswith("memory:")
        self._outbox = Outbox(self.connect, self._declares)
        self._lock = threading.Lock()
        # Who was asked, and where the answer goes.
        self._asked: dict[str, tuple[str, queue.SimpleQueue[Mapping[str, Any]]]] = {}
        self._reply_key = f"reply.{uuid.uuid4().hex}"
        self._listener: Listener | None = None
        self._exchanges: dict[str, Exchange] = {}

    def connect(
        self, on_blocked: Callable[..., None] | None = None,
        on_unblocked: Callable[..., None] | None = None,
    ) -> Connection:
        """A new connection, with TLS where the URL says amqps."""
        settings, url = self.settings, self.settings.url
        options: dict[str, Any] = {"connect_timeout": 5, "heartbeat": HEARTBEAT}
        if url.startswith("memory:"):
            return Connection(url, transport_options={"polling_interval": 0.005}, **options)
        if url.startswith("amqps://"):
            url = "amqp" + url.removeprefix("amqps")
            options["ssl"] = {
                "ca_certs": settings.ca_file or None, "cert_reqs": ssl.CERT_REQUIRED,
                "certfile": settings.cert_file or None, "keyfile": settings.key_file or None,
                "server_hostname": url.rpartition("@")[2].partition(":")[0].partition("/")[0],
            }
        return Connection(url, transport_options={
            "read_timeout": PATIENCE, "write_timeout": PATIENCE,
            "on_blocked": on_blocked, "on_unblocked": on_unblocked,
        }, **options)

    def exchange(self, name: str, kind: str = "topic") -> Exchange:
        """Of a host's account nothing is declared: the exchanges are the broker's own, so that no
        host can change one."""
        exchange = self._exchanges.get(name)
        if exchange is None:
            exchange = self._exchanges[name] = Exchange(
                name, type=kind, durable=True, no_declare=not self._declares)
        return exchange

    def own_queue(self, name: str, key: str, *, auto_delete: bool = False) -> Queue:
        """A queue of what is put into our letterbox under that key."""
        return Queue(accounts.queue(self.account, name), self.exchange(self.account),
                     routing_key=key, durable=False, auto_delete=auto_delete)

    def send(
        self, ctx: Context, exchange: Exchange, key: str, method: str, args: Mapping[str, Any],
    ) -> None:
        """Leave a doorbell to be rung. Raises Unavailable when the box is full."""
        bell: Hashable = (exchange.name, key, method, repr(args))
        self._put(self._letter(ctx, exchange, key, method, args), bell)

    def respond(self, account: str, to: str, number: str, answer: Mapping[str, Any]) -> None:
        """Leave an answer for the account that asked. Raises Unavailable when the box is full."""
        self._put(self._sealed(self.exchange(account), to, dict(answer), correlation_id=number))

    def ask(
        self, ctx: Context, account: str, key: str, method: str, args: Mapping[str, Any],
        timeout: float | None = None,
    ) -> Any:
        """Send and wait for the account's answer. Raises Unavailable, or Remote: what was raised
        there."""
        held.none_for(f"{key}: {method}")
        end = time.monotonic() + (timeout or self.timeout)
        if not self._listen().ready.wait(max(0.0, end - time.monotonic())):
            raise Unavailable(reason=f"The message bus does not answer; {key} was not asked.")
        number = uuid.uuid4().hex
        answers: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._asked[number] = account, answers
        try:
            letter = self._letter(ctx, self.exchange(account), key, method, args,
                                  reply_to=self._reply_key, correlation_id=number)
            letter.until = end
            letter.lost = lambda reason: answers.put({"lost": reason})
            self._put(letter)
            answer = answers.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise Unavailable(
                reason=f"No answer from {key} of {account} to {method} in time.") from None
        finally:
            del self._asked[number]
        if "lost" in answer:
            raise Unavailable(reason=f"The message bus is not reachable: {answer['lost']}")
        if "error" in answer:
            error = answer["error"]
            raise Remote(error["kind"], error["code"], error["message"])
        return answer["result"]

    def close(self) -> None:
        """Say what there is to be said, for a moment, and go."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        self._outbox.close()

    def _letter(
        self, ctx: Context, exchange: Exchange, key: str, method: str, args: Mapping[str, Any],
        **properties: Any,
    ) -> Letter:
        # `to`: a message that was led elsewhere on the way is known by it.
        body = {"method": method, "context": ctx.to_wire(), "args": args,
                "to": f"{exchange.name}/{key}"}
        return self._sealed(exchange, key, body, **properties)

    def _sealed(self, exchange: Exchange, key: str, body: Any, **properties: Any) -> Letter:
        """Written here and now: what is in it may change before it is sent."""
        content_type, encoding, text = dumps(body, "json")
        # The broker lets nobody send under another's account.
        return Letter(exchange, key, content_type, encoding, text,
                      {"user_id": self.account, **properties})

    def _put(self, letter: Letter, bell: Hashable = None) -> None:
        if not self._outbox.put(letter, bell):
            raise Unavailable(reason="The message bus is away, and too much waits for it.")

    def _listen(self) -> "Listener":
        with self._lock:
            if self._listener is None:
                mine = self.own_queue(self._reply_key, self._reply_key, auto_delete=True)
                self._listener = Listener(self, [mine], self._answered)
                self._listener.start()
            return self._listener

    def _answered(self, body: Any, properties: Mapping[str, Any]) -> None:
        account, answers = self._asked.get(properties.get("correlation_id", ""), ("", None))
        if answers is None:
            return
        if properties.get("user_id") != account:
            log.warning("%s answered what %s was asked: refused", properties.get("user_id"),
                        account)
            return
        if "result" in body or "error" in body:
            answers.put(body)


class Listener(threading.Thread):
    """Consumes queues for as long as it lives, whatever happens to the broker."""

    def __init__(self, bus: Bus, queues: list[Queue], deliver: Deliver) -> None:
        super().__init__(name=f"listen {queues[0].name}", daemon=True)
        self.bus, self.queues, self.deliver = bus, queues, deliver
        self.ready = threading.Event()
        self._ended = threading.Event()
        self._plug: socket.socket | None = None

    def run(self) -> None:
        while not self._ended.is_set():
            connection = self.bus.connect()
            try:
                self._consume(connection)
                connection.release()
            except LOST as lost:
                if not self._ended.is_set():
                    log.warning("%s: lost the message bus: %s", self.name, lost)
            except Exception:
                log.exception("%s: trouble with the message bus", self.name)
            self.ready.clear()
            discard(connection)
            self._ended.wait(0.5)

    def _consume(self, connection: Connection) -> None:
        connection.ensure_connection(max_retries=1, timeout=5)
        transport = getattr(connection.connection, "transport", None)
        self._plug = getattr(transport, "sock", None)
        pause = BEAT if self._plug is not None else POLL
        with connection.channel() as channel, Consumer(
            channel, self.queues, callbacks=[self._got], accept=["json"], no_ack=True
        ):
            self.ready.set()
            beat = time.monotonic()
            while not self._ended.is_set():
                try:
                    connection.drain_events(timeout=pause)
                except TimeoutError:
                    pass
                if time.monotonic() - beat > pause / 2 and connection.supports_heartbeats:
                    connection.heartbeat_check()
                    beat = time.monotonic()

    def _got(self, body: Any, message: Any) -> None:
        try:
            self.deliver(body, message.properties)
        except Exception:
            log.exception("%s: a message could not be handled", self.name)

    def stop(self) -> None:
        """Return once nothing more is delivered."""
        self._ended.set()
        plug = self._plug
        if plug is not None:
            # It waits for the broker, and would for seconds. Not by TLS's own shutdown, which takes
            # from under it what it reads with.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(plug, socket.SHUT_RDWR)
        if self.is_alive() and threading.current_thread() is not self:
            self.join(timeout=2)
