"""Ports and volumes of a server that comes to a host, or leaves it, and keeps them."""

from typing import Any

from sqlalchemy import Row

from cairn.common.work import Job
from cairn.nova.conductor.doer import Doer
from cairn.nova.conductor.volumes import HasVolumes
from cairn.nova.core import block_devices, network


class MovesPorts(Doer):
    def bind_ports(self, job: Job) -> None:
        """To the host that the server's row says."""
        row = self.row_or_none(job)
        self.patiently(lambda: network.bind_ports(self.nova, job.ctx, row, row.host, row.zone),
                       "binding ports")

    def unbind_ports(self, job: Job) -> None:
        row = self.row_or_none(job)
        if row is not None and not row.deleted:
            self.patiently(lambda: network.unbind_ports(self.nova, job.ctx, row),
                           "unbinding ports")


class MovesVolumes(HasVolumes):
    def connect_volumes(self, job: Job) -> None:
        """To the host that the server's row says."""
        host = self.row_or_none(job).host
        for device in self._attached(job):
            self.connect(job, device, host)
            self.complete(job, device)

    def disconnect_volumes(self, job: Job) -> None:
        """They stay the server's: reserved, and no host reaches them."""
        for device in self._attached(job):
            if device.connection_info is not None:
                self.disconnect(job, device)

    def move_volumes(self, job: Job, host: str) -> None:
        """That host reaches them, and no other."""
        for device in self._attached(job):
            self.disconnect(job, device)
            self.connect(job, self.existing(device.id), host)
            self.complete(job, self.existing(device.id))

    def _attached(self, job: Job) -> list[Row[Any]]:
        with self.nova.db.reading() as session:
            return [device for device in block_devices.volumes_of(session, job.subject)
                    if device.state == block_devices.ATTACHED and device.attachment_id]
