"""Typed messages over RabbitMQ: a contract is a class; its stub sends, a manager serves.

A cast is a doorbell: what must survive is a row in the database before it is sent, so a lost
message costs a little time and nothing else. Messages of a topic go to the controllers, who share
one queue (`topic`), to one host (`host=`), or to all servers of the topic (`cast_all`).

Every message carries the account that sent it, and the broker vouches for it. What a host may say
to the controllers is in the contract; all else is theirs alone (docs/adr/0017).
"""

import inspect
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, ClassVar

from kombu import Exchange  # type: ignore[attr-defined]

from cairn.common import accounts
from cairn.common.bus import Bus as Bus
from cairn.common.bus import Listener
from cairn.common.context import Context
from cairn.common.errors import (
    IncompleteMessage,
    Problem,
    Refused,
    Unavailable,
    UnknownMessage,
)

log = logging.getLogger(__name__)


class Stub:
    """The sending half of a contract: one method per message, defined by the subclass.

    Of a method's arguments `host` chooses the server; the others travel.
    """

    topic: str
    # Whether there are messages to all servers of the topic.
    to_all: ClassVar[bool] = False
    # The messages that a host may send, each with the argument that must be its own name; "" where
    # there is none, and the manager looks at `ctx.host` itself.
    from_hosts: ClassVar[Mapping[str, str]] = {}

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    def cast(self, ctx: Context, method: str, *, host: str | None = None, **args: Any) -> None:
        """Ring a doorbell. One that cannot be kept is logged, not raised: sweepers ring again."""
        account = _account(host)
        try:
            self.bus.send(ctx, self.bus.exchange(account), self.topic, method, args)
        except Unavailable as lost:
            log.warning("%s to %s was not sent: %s", method, account, lost)

    def cast_all(self, ctx: Context, method: str, **args: Any) -> None:
        """Ring at every server of the topic."""
        try:
            self.bus.send(ctx, everyone(self.bus, self.topic), "", method, args)
        except Unavailable as lost:
            log.warning("%s to all of %s was not sent: %s", method, self.topic, lost)

    def call(
        self, ctx: Context, method: str, *, host: str | None = None,
        timeout: float | None = None, **args: Any,
    ) -> Any:
        """Ask and wait. Raises Unavailable when there is no answer, Remote when there it failed."""
        return self.bus.ask(ctx, _account(host), self.topic, method, args, timeout)


def _account(host: str | None) -> str:
    return accounts.of_host(host) if host else accounts.CONTROLLER


def everyone(bus: Bus, topic: str) -> Exchange:
    """What all servers of a topic hear."""
    return bus.exchange(f"{topic}.all", "fanout")


class Server:
    """The receiving half: each message becomes a call of the manager's method of that name."""

    def __init__(
        self, bus: Bus, contract: type[Stub], host: str, manager: Any, *, threads: int = 8,
        shared: bool = True,
    ) -> None:
        """With `shared` false it serves only what is sent to all, and its queues go with it: for
        one of several alike processes of a host, whose `host` then is a name of its own."""
        self.bus, self.contract, self.host, self.manager = bus, contract, host, manager
        topic = self.topic = contract.topic
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"{topic}@{host}")
        # A host has one server of a topic; controllers have one each.
        self._own = topic if bus.host else f"{topic}.{host}"
        queues = [bus.own_queue(self._own, self._own, auto_delete=not shared)]
        if shared and not bus.host:
            queues.append(bus.own_queue(topic, topic))
        # Where a message may have been put for it to be ours.
        self._to = {f"{bus.account}/{queue.routing_key}" for queue in queues}
        if contract.to_all:
            all_ = bus.own_queue(f"{topic}.all.{host}.{uuid.uuid4().hex[:8]}", "",
                                 auto_delete=True)
            all_.exchange = everyone(bus, topic)
            queues.append(all_)
            self._to.add(f"{all_.exchange.name}/")
        self._listener = Listener(bus, queues, self._deliver)
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
        end = time.monotonic() + timeout
        if not self.ready(timeout):
            return False
        number = uuid.uuid4().hex
        came = self._pings[number] = threading.Event()
        try:
            self.bus.send(Context(), self.bus.exchange(self.bus.account), self._own, "_ping",
                          {"number": number})
            return came.wait(max(0.0, end - time.monotonic()))
        except Unavailable:
            return False
        finally:
            del self._pings[number]

    def _deliver(self, body: Any, properties: Mapping[str, Any]) -> None:
        self._pool.submit(self._handle, body, properties)

    def _handle(self, body: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
        method, args, sender = body["method"], body["args"], properties.get("user_id")
        if not sender or body.get("to") not in self._to:
            log.warning("%.80r from %r for %.80r came to %s: refused", method, sender,
                        body.get("to"), self.topic)
            return
        if method == "_ping":
            waiting = self._pings.get(args["number"])
            if waiting is not None and sender == self.bus.account:
                waiting.set()
            return
        answer: dict[str, Any]
        try:
            ctx = self._admit(sender, method, body["context"], args)
            answer = {"result": invoke(self.contract.topic, self.manager, method, ctx, args)}
        except Problem as problem:
            answer = {"error": {
                "kind": problem.kind, "code": problem.code, "message": str(problem)}}
            log.info("%s.%.80r: %s", self.topic, method, problem)
        except Exception as error:
            log.exception("%s.%.80r failed", self.topic, method)
            answer = {"error": {"kind": type(error).__name__, "code": 500, "message": str(error)}}
        if properties.get("reply_to"):
            self._reply(sender, properties, answer)

    def _admit(
        self, sender: str, method: str, context: dict[str, Any], args: Mapping[str, Any]
    ) -> Context:
        """Who asks, if that account may send this message. Raises Refused.

        A host speaks for itself and nobody else: of its context only what is for logs counts."""
        if sender == accounts.CONTROLLER:
            return Context.from_wire(context)
        host = accounts.host_of(sender)
        own = self.contract.from_hosts.get(method)
        if host is None or own is None or (own and args.get(own) != host):
            # Whatever is in it: on one line, and not a long one.
            log.warning("%s sent %s.%.80r(%.80s), which is not for it: refused", sender,
                        self.topic, method, f"{own}={args.get(own)!r}" if own else "")
            raise Refused(reason=f"{sender} may not send this {self.topic} message.")
        return Context.from_host(host, context)

    def _reply(
        self, sender: str, properties: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> None:
        try:
            self.bus.respond(sender, properties["reply_to"], properties["correlation_id"], answer)
        except Unavailable as lost:
            log.warning("an answer was not sent: %s", lost)


def invoke(
    topic: str, manager: Any, method: str, ctx: Context, args: Mapping[str, Any]
) -> Any:
    """What the manager answers. Arguments that it does not know are a newer release's, and left
    out. Raises UnknownMessage, and IncompleteMessage where an argument without default is missing.
    """
    func = None if method.startswith("_") else getattr(manager, method, None)
    if not callable(func):
        raise UnknownMessage(topic=topic, method=method)
    accepted = _arguments(func)
    missing = [name for name, needed in accepted.items() if needed and name not in args]
    if missing:
        raise IncompleteMessage(topic=topic, method=method, missing=", ".join(missing))
    return func(ctx, **{name: args[name] for name in accepted if name in args})


@lru_cache(maxsize=256)
def _arguments(func: Callable[..., Any]) -> dict[str, bool]:
    """What a manager's method takes beside the context, and whether it needs it."""
    _, *parameters = inspect.signature(func).parameters.values()
    return {p.name: p.default is p.empty for p in parameters}


def signature(func: Any) -> list[str]:
    """The arguments that travel: what a stub and its manager must agree on."""
    skipped = ("self", "host", "timeout")
    return [name for name in inspect.signature(func).parameters if name not in skipped]
