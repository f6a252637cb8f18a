"""manage: its size counts; then it is the backend's turn."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import quotas, records
from cairn.cinder.db.models import VolumeType
from cairn.cinder.errors import Withdrawn
from cairn.cinder.scheduler.doer import Doer, step
from cairn.common.db import utcnow
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "volume_looked_up": step(self.look_up),
            "quota_claimed": step(self.claim),
            "volume_recorded": step(self.record),
        }

    def look_up(self, job: Job) -> dict[str, Any]:
        with self.cinder.db.writing() as session:
            seen = {"volume": records.volume(session, job.subject)}
            self.keep(session, job, "volume_looked_up", seen)
            return seen

    def claim(self, job: Job) -> None:
        unified = quotas.of_keystone(self.cinder, job.ctx, job.ctx.project)
        self.cinder.db.write(lambda session: self._claim(session, job, unified))

    def _claim(self, session: Session, job: Job, unified: dict[str, int]) -> None:
        """The row counts with no size yet, or with all of it where this is said again."""
        size = job.results["size_found"]["size"]
        row = self.target(session, job)
        if row is None:
            raise Withdrawn
        type_name = session.scalar(select(VolumeType.name).where(VolumeType.id == row.type_id))
        quotas.check_size(session, self.cinder, row.project_id, size, unified)
        quotas.claim(session, self.cinder, row.project_id, {"gigabytes": size - row.size},
                     type_name=type_name, unified=unified)
        row.size = size

    def record(self, job: Job) -> None:
        provider = job.results["volume_taken"]["provider"]
        self.cinder.db.write(lambda session: self.finish(
            session, job, "available", provider=provider, launched_at=utcnow()))

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """It has nothing, and a deletion of it finds nothing in the backend."""
        row = self.target(session, job)
        if row is not None:
            row.size = 0
        super().record_failure(session, job, error)

    def error_status(self, job: Job) -> str | None:
        return "error_managing"
