"""What cinder-volume tells its scheduler from time to time, each only after it was seen to be
so."""

import logging
import threading
from dataclasses import asdict

from cairn.cinder.drivers.base import Volume
from cairn.cinder.rpc import BackendReport, Scheduler
from cairn.cinder.volume.backends import Backends, thing
from cairn.cinder.volume.backups.targets import Target
from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.common.rpc import Server

log = logging.getLogger(__name__)


class Reporter:
    """That this process lives, what its backends have, and, first and twice a minute, that nobody
    has an export who has no attachment."""

    EXPORTS = 3  # Reports between two looks at exports.

    def __init__(
        self, scheduler: Scheduler, backends: Backends, server: Server, host: str,
        target: Target | None = None,
    ) -> None:
        self.target = target
        self.scheduler, self.backends, self.server, self.host = scheduler, backends, server, host
        self.reported = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._loop, daemon=True, name="volume report").start()

    def stop(self) -> None:
        self._ended.set()

    def _loop(self) -> None:
        turn, pause = 0, 1.0
        while not self._ended.is_set():
            try:
                pause = self.report()
                self.reported.set()
                if turn % self.EXPORTS == 0:
                    self.sweep_exports()
                turn += 1
            except Problem as problem:
                log.warning("a report was not made: %s", problem)
                pause = 1.0
            except Exception:
                log.exception("a report was not made")
                pause = 1.0
            self._ended.wait(pause)

    def report(self) -> float:
        """Each backend, if a message just came through; seconds to the next report."""
        if not self.server.round_trip():
            log.warning("a message through our own queue did not come back")
            return 1.0
        pause = 10.0
        for name in self.backends.names():
            answer = self.scheduler.report_backend(
                Context(), service_host=self.host, report=self.look(name))
            pause = float(answer["interval"])
        if self.target is not None:
            self.scheduler.report_service(
                Context(), binary="cinder-backup", service_host=self.host,
                zone=self.backends.zone, report=self.look_at_target(self.target))
        return pause

    def look_at_target(self, target: Target) -> dict[str, str]:
        """Where backups are kept, and whether that can be used now."""
        named, trouble = "", ""
        try:
            named = target.identity()
        except Exception as error:
            trouble = str(error) or type(error).__name__
            log.warning("where backups are kept can not be used: %s", trouble)
        return {"target": named, "driver": target.driver, "trouble": trouble}

    def look(self, name: str) -> BackendReport:
        """What a backend is and has now."""
        driver = self.backends.driver(name)
        pools, trouble = [], ""
        try:
            driver.check()
            pools = [asdict(pool) for pool in driver.pools()]
        except Exception as error:
            trouble = str(error) or type(error).__name__
            log.warning("backend %s can not be used: %s", name, trouble)
        return {
            "name": name, "zone": self.backends.zone, "pools": pools, "trouble": trouble,
            "capabilities": {
                "volume_backend_name": driver.name, "storage_protocol": driver.storage_protocol,
                "vendor_name": driver.vendor_name, "driver_version": driver.driver_version,
                **self.backends.functions},
        }

    def sweep_exports(self) -> int:
        """Take away what nobody has an attachment for; how many. Asked before looking: what is
        exported meanwhile is not among what is looked at."""
        taken = 0
        there = {name: self.backends.driver(name).exports() for name in self.backends.names()}
        if not any(there.values()):
            return 0
        have = self.scheduler.attachments_of(Context(), service_host=self.host)
        volumes = {each["volume"]["name"]: each["volume"] for each in have}
        ours = {each["id"] for each in have}
        for name, exports in there.items():
            for volume_id, attachment_id in exports:
                if attachment_id in ours:
                    continue
                record = volumes.get(volume_id)
                # Of one that is gone the driver needs no more than what it is called.
                volume = thing(record) if record else Volume(volume_id, 1)
                self.backends.driver(name).unexport(volume, attachment_id)
                log.info("nobody has attachment %s of volume %s: not exported any more",
                         attachment_id, volume_id)
                taken += 1
        return taken
