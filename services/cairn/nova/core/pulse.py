"""A controller process's sign of life: a round trip, written down."""

import logging
import threading

from cairn.common.rpc import Server
from cairn.nova.component import Nova
from cairn.nova.core import hosts

log = logging.getLogger(__name__)


class Pulse:
    """Says that a process works, each time a message came back through its own queue."""

    def __init__(self, nova: Nova, binary: str, server: Server, host: str) -> None:
        self.nova, self.binary, self.server, self.host = nova, binary, server, host
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name=f"{self.binary} pulse").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        self.server.ready(30)
        while True:
            self._beat()
            if self._ended.wait(self.nova.service.interval):
                return

    def _beat(self) -> None:
        try:
            if self.server.round_trip():
                self.nova.db.write(lambda session: hosts.seen(session, self.binary, self.host))
            else:
                log.warning("%s: a message to itself did not come back", self.binary)
        except Exception as error:
            log.warning("%s: not reported: %s", self.binary, error)
