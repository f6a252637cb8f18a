"""Typed messages over RabbitMQ: a contract is a class; its stub sends, a manager serves.

A cast is a doorbell: what must survive is a row in the database before it is sent, so a lost
message costs a little time and nothing else. Messages of a topic go to one queue that all its
servers share (`topic`), to one server (`topic.host`), or to all of them (`cast_all`).
"""

import inspect
import logging
import queue
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kombu import Connection, Consumer, Exchange, Producer, Queue  # type: ignore[attr-defined]
from kombu.exceptions import OperationalError

from cairn.common import held
from cairn.common.context import Context
from cairn.common.errors import Problem, Remote, Unavailable
from cairn.common.settings import MessagingSettings

log = logging.getLogger(__name__)

# Nothing in the broker outlives it: see the module's first sentence.
EXCHANGE = Exchange("cairn", type="topic", durable=False, delivery_mode=1)
EVERYONE = Exchange("cairn.all", type="fanout", durable=False, delivery_mode=1)
LOST = (OperationalError, ConnectionError, socket.error, OSError)


class Bus:
    """A process's way to the broker: sends, and waits for answers. Safe from any thread.

    Connects at the first use, never before: a process may fork first.
    """

    def __init__(self, settings: MessagingSettings, timeout: float = 10) -> None:
        self.settings = settings
        self.timeout = timeout
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._answers: dict[str, queue.SimpleQueue[Mapping[str, Any]]] = {}
        self._reply_to = f"reply.{uuid.uuid4().hex}"
        self._listener: _Listener | None = None

    def connect(self) -> Connection:
        """A new connection, with TLS where the URL says amqps."""
        url = self.settings.url
        options: dict[str, Any] = {"connect_timeout": 5, "heartbeat": 20}
        if url.startswith("amqps://"):
            url = "amqp" + url.removeprefix("amqps")
            options["ssl"] = {
                "ca_certs": self.settings.ca_file or None, "cert_reqs": ssl.CERT_REQUIRED,
                "server_hostname": url.rpartition("@")[2].partition(":")[0].partition("/")[0],
            }
        if url.startswith("memory:"):
            options["transport_options"] = {"polling_interval": 0.005}
        return Connection(url, **options)

    def send(
        self, ctx: Context, exchange: Exchange, key: str, method: str, args: Mapping[str, Any],
        reply: tuple[str, str] | None = None,
    ) -> None:
        """Publish, reconnecting once. Raises Unavailable."""
        body = {"method": method, "context": ctx.to_wire(), "args": args}
        options = {"reply_to": reply[0], "correlation_id": reply[1]} if reply else {}
        self._publish(body, exchange=exchange, routing_key=key, declare=[exchange], **options)

    def respond(self, to: str, number: str, answer: Mapping[str, Any]) -> None:
        """Publish an answer to the queue that asked. Raises Unavailable."""
        self._publish(
            dict(answer), exchange="", routing_key=to, correlation_id=number, delivery_mode=1
        )

    def _publish(self, body: Any, **options: Any) -> None:
        with self._lock:
            for attempt in (1, 2):
                try:
                    self._channel().publish(body, serializer="json", **options)
                    return
                except LOST as lost:
                    self._drop()
                    if attempt == 2:
                        raise Unavailable(
                            reason=f"The message bus is not reachable: {lost}"
                        ) from lost

    def ask(
        self, ctx: Context, key: str, method: str, args: Mapping[str, Any],
        timeout: float | None = None,
    ) -> Any:
        """Publish and wait for the answer. Raises Unavailable, or Remote: what was raised there."""
        held.none_for(f"{key}: {method}")
        self._listen()
        number = uuid.uuid4().hex
        answers: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._answers[number] = answers
        try:
            self.send(ctx, EXCHANGE, key, method, args, (self._reply_to, number))
            answer = answers.get(timeout=timeout or self.timeout)
        except queue.Empty:
            raise Unavailable(reason=f"No answer from {key} to {method} in time.") from None
        finally:
            del self._answers[number]
        if "error" in answer:
            error = answer["error"]
            raise Remote(error["kind"], error["code"], error["message"])
        return answer["result"]

    def close(self) -> None:
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        with self._lock:
            self._drop()

    def _channel(self) -> Producer:
        if self._producer is None:
            self._connection = self.connect()
            self._connection.ensure_connection(max_retries=1, timeout=5)
            self._producer = Producer(self._connection.channel())
        return self._producer

    def _drop(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            try:
                connection.release()
            except Exception:
                log.debug("closing a lost connection", exc_info=True)

    def _listen(self) -> None:
        with self._lock:
            if self._listener is None:
                mine = Queue(self._reply_to, auto_delete=True, durable=False)
                self._listener = _Listener(self, [mine], self._answered)
                self._listener.start()
        self._listener.ready.wait(self.timeout)

    def _answered(self, body: Any, properties: Mapping[str, Any]) -> None:
        waiting = self._answers.get(properties.get("correlation_id", ""))
        if waiting is not None:
            waiting.put(body)


class _Listener(threading.Thread):
    """Consumes queues for as long as it lives, whatever happens to the broker."""

    def __init__(
        self, bus: Bus, queues: list[Queue], deliver: Callable[[Any, Mapping[str, Any]], None]
    ) -> None:
        super().__init__(name=f"listen {queues[0].name}", daemon=True)
        self.bus, self.queues, self.deliver = bus, queues, deliver
        self.ready = threading.Event()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._consume()
            except LOST as lost:
                log.warning("%s: lost the message bus: %s", self.name, lost)
            except Exception:
                log.exception("%s: trouble with the message bus", self.name)
            self.ready.clear()
            self._ended.wait(0.5)

    def _consume(self) -> None:
        with self.bus.connect() as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            with connection.channel() as channel, Consumer(
                channel, self.queues, callbacks=[self._got], accept=["json"], no_ack=True
            ):
                self.ready.set()
                beat = time.monotonic()
                while not self._ended.is_set():
                    try:
                        connection.drain_events(timeout=0.5)
                    except TimeoutError:
                        pass
                    if time.monotonic() - beat > 5 and connection.supports_heartbeats:
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
        if self.is_alive() and threading.current_thread() is not self:
            self.join(timeout=2)


class Stub:
    """The sending half of a contract: one method per message, defined by the subclass.

    Of a method's arguments `host` chooses the server; the others travel.
    """

    topic: str

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    def cast(self, ctx: Context, method: str, *, host: str | None = None, **args: Any) -> None:
        """Ring a doorbell. A broker that is away is logged, not raised: sweepers ring again."""
        try:
            self.bus.send(ctx, EXCHANGE, self._key(host), method, args)
        except Unavailable as lost:
            log.warning("%s to %s was not sent: %s", method, self._key(host), lost)

    def cast_all(self, ctx: Context, method: str, **args: Any) -> None:
        """Ring at every server of the topic."""
        try:
            self.bus.send(ctx, EVERYONE, "", f"{self.topic}:{method}", args)
        except Unavailable as lost:
            log.warning("%s to all of %s was not sent: %s", method, self.topic, lost)

    def call(
        self, ctx: Context, method: str, *, host: str | None = None,
        timeout: float | None = None, **args: Any,
    ) -> Any:
        """Ask and wait. Raises Unavailable when there is no answer, Remote when there it failed."""
        return self.bus.ask(ctx, self._key(host), method, args, timeout)

    def _key(self, host: str | None) -> str:
        return f"{self.topic}.{host}" if host else self.topic


class Server:
    """The receiving half: each message becomes a call of the manager's method of that name."""

    def __init__(
        self, bus: Bus, topic: str, host: str, manager: Any, *, threads: int = 8,
        shared: bool = True,
    ) -> None:
        """With `shared` false it serves only what is sent to all, and its queues go with it: for
        one of several alike processes of a host, whose `host` then is a name of its own."""
        self.bus, self.topic, self.host, self.manager = bus, topic, host, manager
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"{topic}@{host}")
        own = Queue(f"{topic}.{host}", EXCHANGE, routing_key=f"{topic}.{host}", durable=False,
                    auto_delete=not shared)
        all_ = Queue(f"{topic}.all.{host}.{uuid.uuid4().hex[:8]}", EVERYONE, durable=False,
                     auto_delete=True)
        queues = [own, all_]
        if shared:
            queues.append(Queue(topic, EXCHANGE, routing_key=topic, durable=False,
                                auto_delete=False))
        self._listener = _Listener(bus, queues, self._deliver)
        self._pings: dict[str, threading.Event] = {}

    def start(self) -> None:
        self._listener.start()

    def ready(self, timeout: float) -> bool:
        return self._listener.ready.wait(timeout)

    def stop(self) -> None:
        self._listener.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def round_trip(self, timeout: float = 5) -> bool:
        """Whether a message through our own queue and our own worker thread comes back in time."""
        number = uuid.uuid4().hex
        came = self._pings[number] = threading.Event()
        try:
            self.bus.send(Context(), EXCHANGE, f"{self.topic}.{self.host}", "_ping",
                          {"number": number})
            return came.wait(timeout)
        except Unavailable:
            return False
        finally:
            del self._pings[number]

    def _deliver(self, body: Any, properties: Mapping[str, Any]) -> None:
        method = body["method"]
        if ":" in method:
            topic, _, method = method.partition(":")
            if topic != self.topic:
                return
            body = body | {"method": method}
        self._pool.submit(self._handle, body, properties)

    def _handle(self, body: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
        method, args = body["method"], body["args"]
        if method == "_ping":
            if (waiting := self._pings.get(args["number"])) is not None:
                waiting.set()
            return
        answer: dict[str, Any]
        try:
            if method.startswith("_"):
                raise AttributeError(method)
            func = getattr(self.manager, method)
            answer = {"result": func(Context.from_wire(body["context"]), **args)}
        except Problem as problem:
            answer = {"error": {
                "kind": problem.kind, "code": problem.code, "message": str(problem)}}
            log.info("%s.%s: %s", self.topic, method, problem)
        except Exception as error:
            log.exception("%s.%s failed", self.topic, method)
            answer = {"error": {"kind": type(error).__name__, "code": 500, "message": str(error)}}
        if properties.get("reply_to"):
            self._reply(properties, answer)

    def _reply(self, properties: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        try:
            self.bus.respond(properties["reply_to"], properties["correlation_id"], answer)
        except Unavailable as lost:
            log.warning("an answer was not sent: %s", lost)


def signature(func: Any) -> list[str]:
    """The arguments that travel: what a stub and its manager must agree on."""
    skipped = ("self", "host", "timeout")
    return [name for name in inspect.signature(func).parameters if name not in skipped]
