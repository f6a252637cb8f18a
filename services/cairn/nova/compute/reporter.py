"""What nova-compute tells its conductor from time to time, each only after it was seen to be so."""

import logging
import threading
import time

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.common.rpc import Server
from cairn.nova.compute.host_cleanup import HostCleanup
from cairn.nova.drivers.base import Driver
from cairn.nova.rpc import Conductor

log = logging.getLogger(__name__)
POWER, HOST, IMAGES = 5.0, 60.0, 600.0


class Reporter:
    """First the host and what it has, then that it lives, then its servers' power states."""

    def __init__(
        self, conductor: Conductor, driver: Driver, server: Server, cleanup: HostCleanup,
        host: str,
    ) -> None:
        self.conductor, self.driver, self.server = conductor, driver, server
        self.cleanup, self.host = cleanup, host
        self.reported = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="report").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        recovered = False
        due = {"live": 0.0, "host": 0.0, "power": 0.0, "images": 0.0}
        while not self._ended.is_set():
            now = time.monotonic()
            try:
                if due["host"] <= now:
                    self.conductor.report_host(
                        Context(), service_host=self.host, report=self.driver.report())
                    due["host"] = now + HOST
                if due["live"] <= now:
                    due["live"] = now + self._live()
                self.reported.set()
                if not recovered:
                    recovered = self.cleanup.recover()
                if due["power"] <= now:
                    self.conductor.sync_power(
                        Context(), service_host=self.host, states=self.driver.power_states())
                    due["power"] = now + POWER
                if due["images"] <= now:
                    due["images"] = now + IMAGES
                    self.cleanup.age_images()
            except Problem as problem:
                log.warning("a report was not made: %s", problem)
                self._ended.wait(1)
            except Exception:
                log.exception("a report was not made")
                self._ended.wait(1)
            self._ended.wait(max(0.2, min(due.values()) - time.monotonic()))

    def _live(self) -> float:
        """Report that this process works, if a message just came through; seconds to the next."""
        if not self.server.round_trip():
            log.warning("a message through our own queue did not come back")
            return 1.0
        answer = self.conductor.report_service(
            Context(), binary="nova-compute", service_host=self.host)
        return float(answer["interval"])
