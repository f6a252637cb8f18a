"""cinder-scheduler: the database, for those who have none."""

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import images, keys, migrations, records, services
from cairn.cinder.db.models import Attachment, Volume, Work
from cairn.cinder.errors import VolumeNotFound
from cairn.cinder.rpc import BACKUP, SCHEDULER, VOLUME, BackendReport, Loan, host_of, runner_of
from cairn.common.context import Context
from cairn.common.errors import NotFound, Refused
from cairn.common.ledger import OPEN, DatabaseLedger, LedgerManager
from cairn.common.work import Worker

log = logging.getLogger(__name__)


@dataclass
class Manager(LedgerManager):
    """Serves rpc.Scheduler."""

    cinder: Cinder
    ledger: DatabaseLedger
    worker: Worker | None = None

    def runners_of(self, host: str) -> tuple[str, ...]:
        return runner_of(VOLUME, host), runner_of(BACKUP, host)

    def to_controllers(self, runner: str) -> bool:
        return runner == SCHEDULER

    def ring(self, ctx: Context) -> None:
        if self.worker is not None:
            self.worker.ring()

    def report_service(
        self, ctx: Context, binary: str, service_host: str, zone: str,
        report: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if ctx.host is not None and binary not in (services.VOLUME, services.BACKUP):
            raise Refused(reason=f"There is no {binary} on a storage host.")
        self.cinder.db.write(
            lambda session: services.seen(session, binary, service_host, zone, report))
        return {"interval": self.cinder.service.interval}

    def report_backend(
        self, ctx: Context, service_host: str, report: BackendReport
    ) -> dict[str, Any]:
        if report["name"].partition("@")[0] != service_host:
            raise Refused(reason="A host has no backend but its own.")
        said = {"pools": report["pools"], "capabilities": report["capabilities"],
                "trouble": report["trouble"]}
        self.cinder.db.write(lambda session: services.seen(
            session, services.VOLUME, report["name"], report["zone"], said))
        return {"interval": self.cinder.service.interval}

    def attachments_of(self, ctx: Context, service_host: str) -> list[dict[str, Any]]:
        with self.cinder.db.reading() as session:
            rows = session.execute(
                select(Attachment.id, Attachment.connector, Volume)
                .join(Volume, Volume.id == Attachment.volume_id)
                .where(Volume.host.like(f"{service_host}@%"))).all()
            return [{"id": row.id, "connector": row.connector,
                     "volume": records.of_volume(session, row.Volume)} for row in rows
                    ] + _moving(session, service_host)

    def passphrase(self, ctx: Context, volume_id: str) -> str:
        with self.cinder.db.reading() as session:
            self._check(session, ctx, volume_id)
            key_id = session.scalar(
                select(Volume.encryption_key_id).where(Volume.id == volume_id))
            if key_id is None:
                raise NotFound("Key of volume", volume_id)
            return keys.read(session, self.cinder, key_id)

    def lend_image(self, ctx: Context, work_id: str, purpose: str) -> Loan:
        return images.lend(self.cinder, work_id, ctx.host, purpose)

    def _check(self, session: Session, ctx: Context, volume_id: str) -> None:
        """Raises VolumeNotFound when a host asks that the volume is not on, and that has no work
        to do on it."""
        if ctx.host is None:
            return
        host = session.scalar(select(Volume.host).where(Volume.id == volume_id)) or ""
        if host.partition("@")[0] == ctx.host or session.scalar(select(Work.seq).where(
            Work.subject == volume_id, Work.runner.in_(self.runners_of(ctx.host)),
            Work.state.in_(OPEN)).limit(1)) is not None:
            return
        log.warning("host %s asked for volume %.80r, which is not its: refused", ctx.host,
                    volume_id)
        raise VolumeNotFound(volume_id)


def _moving(session: Session, service_host: str) -> list[dict[str, Any]]:
    """What the host exports to others that volumes move to; a work has it, no attachment."""
    works = session.execute(select(Work.id, Work.args).where(
        Work.kind.in_(migrations.MOVES), Work.state.in_(OPEN)))
    exports = [{"id": work.id, **work.args["export"]} for work in works if "export" in work.args]
    return [each for each in exports if host_of(each["volume"]["host"]) == service_host]
