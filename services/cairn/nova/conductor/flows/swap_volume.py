"""swap_volume: the new volume is connected before its host copies, the old one given back after."""

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.patience import AWAY
from cairn.common.work import Interrupted, Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices
from cairn.nova.errors import NotOnAHost

log = logging.getLogger(__name__)

T = TypeVar("T")


class Steps(HasVolumes):
    """The old device's row becomes the new volume's; until then that has a row of its own."""

    def steps(self) -> Mapping[str, Do]:
        return {
            "new_volume_connected": step(self.do_connect, self.undo_connect),
            "volume_swapped": step(self.swap),
        }

    def do_connect(self, job: Job) -> None:
        row = self.row(job)
        if row.host is None:
            raise NotOnAHost(id=row.id)
        self.connect(job, self.existing(job.args["new_device_id"]), row.host)

    def swap(self, job: Job) -> None:
        """What the guest uses is recorded first; then Cinder is told."""
        with self.nova.db.writing() as session:
            block_devices.replace(session, job.args["device_id"], job.args["new_device_id"])
        self._tell(job)

    def _tell(self, job: Job) -> None:
        """The guest has the new volume, and nothing takes it back: where Cinder is away it is told
        later, and what it does not want to know is left to operators."""
        volumes, device = self.nova.cloud.volumes, self.existing(job.args["device_id"])
        self._surely(lambda: volumes.complete_attachment(job.ctx, device.attachment_id),
                     "completing an attachment")
        if job.args["migrates"]:
            # Cinder keeps the old id for what now lies where the new one was, and the old
            # attachment goes with what it was of.
            old, now = job.args["volume_id"], job.args["new_volume_id"]
            kept = self._surely(lambda: volumes.complete_migration(job.ctx, old, now, failed=False),
                                "ending a migration") or now
            with self.nova.db.writing() as session:
                block_devices.change(session, device.id, volume_id=kept)
        self._surely(lambda: volumes.delete_attachment(job.ctx, job.args["old_attachment_id"]),
                     "giving a volume back")
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, state=block_devices.ATTACHED)

    def _surely(self, func: Callable[[], T], what: str) -> T | None:
        """Raises Interrupted while Cinder is away."""
        try:
            return self.patiently(func, what)
        except Problem as problem:
            if problem.code in (500, *AWAY):
                raise Interrupted(f"{what}: {problem}") from problem
            log.error("%s: %s", what, problem)
            return None

    def undo_connect(self, job: Job) -> None:
        """Not before the host ended the copy: see `failed`."""
        if self.others(job) is None:
            self._release(job)

    def failed(self, job: Job, error: str) -> str | None:
        """The guest has the old volume; or the new one, where its host says that it had gone on
        before the rest was called off."""
        if (other := self.others(job)) is not None:
            return other
        self._release(job)
        return None

    def _release(self, job: Job) -> None:
        new, device = self.device(job.args["new_device_id"]), self.device(job.args["device_id"])
        if new is None and device is not None and device.state == block_devices.SWAPPING and (
                device.volume_id != job.args["volume_id"]):
            self._tell(job)
            return
        if new is not None:
            self.give_back(job, new)
            if job.args["migrates"]:
                self.patiently(lambda: self.nova.cloud.volumes.complete_migration(
                    job.ctx, job.args["volume_id"], job.args["new_volume_id"], failed=True),
                    "ending a migration")
        with self.nova.db.writing() as session:
            block_devices.remove(session, [job.args["new_device_id"]])
            block_devices.change(session, job.args["device_id"], frm=[block_devices.SWAPPING],
                                 state=block_devices.ATTACHED)
