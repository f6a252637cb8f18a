"""Volumes of servers, as the conductor asks Cinder for them and gives them back."""

from functools import partial
from typing import Any

from sqlalchemy import Row, select

from cairn.common.api import Document
from cairn.common.work import Job
from cairn.nova.conductor.made import MakesOnce
from cairn.nova.core import block_devices
from cairn.nova.db.models import Hypervisor
from cairn.nova.errors import VolumeGone
from cairn.nova.rpc import CONDUCTOR

# Figures of an encryption that are no secret.
FIGURES = ("provider", "cipher", "key_size", "control_location")


class HasVolumes(MakesOnce):
    """What steps that have to do with volumes share. All of it may be repeated."""

    def device(self, device_id: str) -> Row[Any] | None:
        with self.nova.db.reading() as session:
            return next(iter(session.execute(
                select(*block_devices.TABLE.c).where(block_devices.D.id == device_id))), None)

    def existing(self, device_id: str) -> Row[Any]:
        """Raises VolumeGone."""
        device = self.device(device_id)
        if device is None:
            raise VolumeGone
        return device

    def connector(self, host: str) -> Document:
        """Who that host is to backends. QEMU opens volumes itself: there is no initiator on the
        host, but the name that QEMU gives itself."""
        with self.nova.db.reading() as session:
            report = session.scalar(select(Hypervisor.report).where(Hypervisor.host == host)) or {}
        return {"host": host, "ip": report.get("host_ip") or "", "multipath": False,
                "initiator": initiator(host), "os_type": "linux", "platform": "x86_64",
                "do_local_attach": False}

    def connect(self, job: Job, device: Row[Any], host: str) -> None:
        """Let the host reach the volume; where it finds it is kept."""
        volumes, ctx = self.nova.cloud.volumes, job.ctx
        attachment = self.patiently(
            lambda: volumes.update_attachment(
                ctx, device.attachment_id,
                self.connector(host) | {"mountpoint": device.device_name}),
            "connecting a volume")
        info = attachment["connection_info"]
        figures = None
        if info["data"].get("encrypted"):
            told = self.patiently(lambda: volumes.show_encryption(ctx, device.volume_id),
                                  "asking for an encryption")
            figures = {name: told.get(name) for name in FIGURES}
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, connection_info=info, encryption=figures)

    def exchange(self, job: Job, device_id: str, volume_id: str) -> None:
        """A new attachment of the server's, that no host has connected, before its others are let
        go: nobody else gets the volume meanwhile."""
        volumes = self.nova.cloud.volumes
        made = self.patiently(
            lambda: volumes.create_attachment(job.ctx, volume_id, job.subject),
            "reserving a volume")
        with self.nova.db.writing() as session:
            block_devices.change(session, device_id, attachment_id=made["id"],
                                 connection_info=None, encryption=None)
        others = self.patiently(
            lambda: volumes.list_attachments(job.ctx, job.subject, volume_id), "looking")
        for gone in [other["id"] for other in others if other["id"] != made["id"]]:
            self.patiently(partial(volumes.delete_attachment, job.ctx, gone),
                           "giving a volume back")

    def move_volumes(self, job: Job, host: str) -> None:
        """That host reaches the volumes of a server that is off, and no other."""
        with self.nova.db.reading() as session:
            devices = [d for d in block_devices.volumes_of(session, job.subject)
                       if d.state == block_devices.ATTACHED]
        for device in devices:
            self.exchange(job, device.id, str(device.volume_id))
            device = self.existing(device.id)
            self.connect(job, device, host)
            self.complete(job, device)

    def complete(self, job: Job, device: Row[Any]) -> None:
        """The volume is in use."""
        self.patiently(
            lambda: self.nova.cloud.volumes.complete_attachment(job.ctx, device.attachment_id),
            "completing an attachment")
        with self.nova.db.writing() as session:
            block_devices.change(session, device.id, state=block_devices.ATTACHED)

    def give_back(self, job: Job, device: Row[Any]) -> None:
        """Nothing of the server holds the volume any more. What nobody wrote down is found."""
        volumes, ctx = self.nova.cloud.volumes, job.ctx

        def do() -> None:
            ids = [device.attachment_id] if device.attachment_id else [
                a["id"] for a in volumes.list_attachments(ctx, job.subject, device.volume_id)]
            for attachment_id in ids:
                volumes.delete_attachment(ctx, attachment_id)

        if device.volume_id is not None:
            self.patiently(do, "giving a volume back")

    def detach_all(self, job: Job) -> None:
        """The server has no volume any more. What a request is just reserving is that request's, or
        the sweeper's."""
        with self.nova.db.reading() as session:
            devices = block_devices.volumes_of(session, job.subject)
        for device in devices:
            if device.state == block_devices.RESERVING:
                continue
            self.give_back(job, device)
            goes = device.delete_on_termination and device.state != block_devices.INCOMING
            if goes and device.volume_id is not None:
                self.remove(job, self.volumes, device.volume_id)
            with self.nova.db.writing() as session:
                block_devices.remove(session, [device.id])

    def others(self, job: Job) -> str | None:
        """Another room that began to do something, and has to undo it before this one."""
        return next((runner for runner, _ in job.begun if runner != CONDUCTOR), None)


def initiator(host: str) -> str:
    """The iSCSI name by which QEMU on that host calls itself."""
    return f"iqn.2024-01.org.cairn:{host.lower()}"
