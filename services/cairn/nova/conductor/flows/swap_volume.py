"""swap_volume: the new volume is connected before its host copies, the old one given back after."""

from collections.abc import Mapping

from cairn.common.flows import Do
from cairn.common.work import Job
from cairn.nova.conductor.doer import step
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices
from cairn.nova.errors import NotOnAHost


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
        """What the guest uses is recorded first; then Cinder is told, who may be away."""
        new = self.device(job.args["new_device_id"])
        if new is not None:
            with self.nova.db.writing() as session:
                block_devices.remove(session, [new.id])
                session.flush()
                block_devices.change(
                    session, job.args["device_id"], volume_id=new.volume_id,
                    volume_size=new.volume_size, attachment_id=new.attachment_id,
                    connection_info=new.connection_info, encryption=new.encryption)
        volumes = self.nova.cloud.volumes
        device = self.existing(job.args["device_id"])
        self.complete(job, device)
        self.patiently(
            lambda: volumes.delete_attachment(job.ctx, job.args["old_attachment_id"]),
            "giving a volume back")
        if not job.args["migrates"]:
            return
        old, now = job.args["volume_id"], job.args["new_volume_id"]
        # Cinder keeps the old id for what now lies where the new one was.
        kept = self.patiently(
            lambda: volumes.complete_migration(job.ctx, old, now, failed=False),
            "ending a migration")
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, volume_id=kept)

    def undo_connect(self, job: Job) -> None:
        """Not before the host ended the copy: see `failed`."""
        if self.others(job) is None:
            self._release(job)

    def failed(self, job: Job, error: str) -> str | None:
        """The guest has the old volume."""
        if (other := self.others(job)) is not None:
            return other
        self._release(job)
        return None

    def _release(self, job: Job) -> None:
        new = self.device(job.args["new_device_id"])
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
