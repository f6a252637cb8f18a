"""A controller process's sign of life: a round trip, written down."""

import logging
import threading

from cairn.cinder.component import Cinder
from cairn.cinder.core import services
from cairn.common.rpc import Server

log = logging.getLogger(__name__)


class Pulse:
    """Says that the scheduler works, each time a message came back through its own queue."""

    def __init__(self, cinder: Cinder, server: Server, host: str) -> None:
        self.cinder, self.server, self.host = cinder, server, host
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="cinder pulse").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        self.server.ready(30)
        while True:
            self._beat()
            if self._ended.wait(self.cinder.service.interval):
                return

    def _beat(self) -> None:
        try:
            if self.server.round_trip():
                self.cinder.db.write(lambda session: services.seen(
                    session, services.SCHEDULER, self.host, self.cinder.api.default_zone))
            else:
                log.warning("cinder-scheduler: a message to itself did not come back")
        except Exception as error:
            log.warning("cinder-scheduler: not reported: %s", error)
