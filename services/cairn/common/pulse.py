"""A controller process's sign of life: a round trip, written down."""

import logging
import threading
from collections.abc import Callable

from cairn.common.rpc import Server

log = logging.getLogger(__name__)


class Pulse:
    """Says that a process works, each time a message came back through its own queue."""

    def __init__(
        self, binary: str, server: Server, interval: float, report: Callable[[], None]
    ) -> None:
        """`report` writes down that it does, every `interval` seconds."""
        self.binary, self.server = binary, server
        self.interval, self.report = interval, report
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name=f"{self.binary} pulse").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        self.server.ready(30)
        while True:
            self._beat()
            if self._ended.wait(self.interval):
                return

    def _beat(self) -> None:
        try:
            if self.server.round_trip():
                self.report()
            else:
                log.warning("%s: a message to itself did not come back", self.binary)
        except Exception as error:
            log.warning("%s: not reported: %s", self.binary, error)
