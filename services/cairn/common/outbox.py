"""What a process has to say to the broker, said by one thread: whoever says it never waits.

A doorbell that is already waiting is not put in twice. When the box is full the newest bells are
dropped: the row they ring for is the truth, and sweepers find it. A question is worth nothing
without an answer: it fails at once when the broker is not reachable.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kombu import Connection, Exchange, Producer  # type: ignore[attr-defined]

log = logging.getLogger(__name__)

SIZE = 2000
BEAT = 7.0  # Seconds between looks at a connection that nothing was said on.
PAUSE = 1.0  # Seconds between tries to connect.
TRIES = 3  # How often what breaks a connection that works is said.
FLUSH = 1.0  # Seconds that a process which ends may still speak.


@dataclass(slots=True)
class Letter:
    """One message, ready to be sent."""

    exchange: Exchange
    key: str
    content_type: str
    encoding: str
    body: Any
    properties: Mapping[str, Any]
    # Nothing comes of it after that moment (time.monotonic()).
    until: float = float("inf")
    # Told why, when it will not be sent.
    lost: Callable[[str], None] | None = None
    tries: int = field(default=0)


def discard(connection: Connection) -> None:
    """Be rid of a connection without a farewell, which a broker that hangs would never answer."""
    try:
        # kombu's own collect() says farewell, and changes a setting of every socket meanwhile.
        raw: Any = connection._connection
        if hasattr(raw, "collect"):
            if raw.connected:
                raw.sock.settimeout(0.2)
            raw.collect()
        else:
            connection.release()
    except Exception:
        log.debug("closing a lost connection", exc_info=True)


class Outbox:
    """`connect(on_blocked, on_unblocked)` makes a connection, not yet open. The thread begins with
    the first letter: a process may fork before."""

    def __init__(self, connect: Callable[..., Connection], declares: bool) -> None:
        self.connect, self.declares = connect, declares
        self._letters: OrderedDict[Hashable, Letter] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._declared: set[str] = set()
        # The broker asked for silence: it has no memory or no disk left.
        self._blocked = False
        self._complained: dict[str, float] = {}

    # --- For whoever has something to say ---

    def put(self, letter: Letter, bell: Hashable = None) -> bool:
        """Leave it to be sent; False if there is no room. `bell` names a doorbell: one of that
        name that waits already is enough."""
        with self._changed:
            if bell is not None and bell in self._letters:
                return True
            if len(self._letters) >= SIZE or self._closing.is_set():
                return False
            self._letters[bell if bell is not None else object()] = letter
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="outbox")
                self._thread.start()
            self._changed.notify()
        return True

    def close(self) -> None:
        """Say what can be said within a moment, and end."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(timeout=FLUSH)

    # --- The thread ---

    def _run(self) -> None:
        end = float("inf")
        while time.monotonic() < end:
            letter = self._next()
            if letter is None and self._closing.is_set():
                break
            if self._closing.is_set():
                end = min(end, time.monotonic() + FLUSH)
            settled = self._producer is not None
            try:
                if letter is None:
                    self._tend()
                else:
                    self._say(letter[1])
            except Exception as error:  # Whatever a broker, TLS or a socket may come up with.
                opened = self._producer is not None
                self._drop()
                if letter is not None:
                    self._again(*letter, opened, settled, error)
        if self._connection is not None:
            self._connection.release()

    def _next(self) -> tuple[Hashable, Letter] | None:
        """The oldest letter that is still worth sending, taken out: a bell that comes while its
        like is being sent is not the same any more. None when there was none for a while."""
        with self._changed:
            if self._blocked:
                self._changed.wait(0.2)
                return None
            if not self._letters and not self._closing.is_set():
                self._changed.wait(BEAT)
            while self._letters:
                key, letter = self._letters.popitem(last=False)
                if letter.until > time.monotonic():
                    return key, letter
        return None

    def _say(self, letter: Letter) -> None:
        if self._producer is None:
            self._producer = self._open()
        name = letter.exchange.name
        if self.declares and name not in self._declared:
            letter.exchange(self._producer.channel).declare()
            self._declared.add(name)
        self._producer.publish(
            letter.body, exchange=letter.exchange, routing_key=letter.key, delivery_mode=1,
            content_type=letter.content_type, content_encoding=letter.encoding,
            **letter.properties,
        )

    def _open(self) -> Producer:
        self._connection = self.connect(self._block, self._unblock)
        self._connection.ensure_connection(max_retries=1, timeout=5)
        self._declared.clear()
        self._blocked = False
        return Producer(self._connection.channel())

    def _block(self, reason: str = "") -> None:
        self._blocked = True
        self._complain("blocked", "the message bus takes nothing more: %s", reason)

    def _unblock(self) -> None:
        self._blocked = False

    def _tend(self) -> None:
        """Hear what the broker has to say, and show that we live."""
        if self._connection is None:
            return
        if self._connection.supports_heartbeats:
            try:
                self._connection.drain_events(timeout=0.001)
            except TimeoutError:
                pass
            self._connection.heartbeat_check()

    def _again(
        self, key: Hashable, letter: Letter, opened: bool, settled: bool, error: Exception
    ) -> None:
        """Put it back. A connection that had stood for a while is made anew at once; when that
        fails, whoever waits for an answer is told."""
        letter.tries += opened
        with self._changed:
            if letter.tries < TRIES:
                self._letters.setdefault(key, letter)
                self._letters.move_to_end(key, last=False)
            elif letter.lost is None:
                log.warning("a message to %s was given up: %s", letter.key, error)
            else:
                letter.lost(str(error))
        if settled:
            log.info("the message bus was lost: %s", error)
            return
        with self._changed:
            asks = [(key, kept) for key, kept in self._letters.items() if kept.lost is not None]
            for key, _ in asks:
                del self._letters[key]
            waiting = len(self._letters)
        for _, ask in asks:
            assert ask.lost is not None
            ask.lost(str(error))
        self._complain("away", "the message bus is not reachable, %d bells wait: %s", waiting,
                       error)
        self._closing.wait(PAUSE)

    def _complain(self, about: str, text: str, *args: Any) -> None:
        """Log it, but not at every try."""
        now = time.monotonic()
        if now - self._complained.get(about, -60.0) >= 10:
            self._complained[about] = now
            log.warning(text, *args)

    def _drop(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        self._blocked = False
        if connection is not None:
            discard(connection)
