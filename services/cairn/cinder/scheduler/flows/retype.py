"""retype: whether it has to move, and that it is of the type."""

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.core import migrations
from cairn.cinder.db.models import Snapshot, Volume
from cairn.cinder.errors import NoValidBackend
from cairn.cinder.scheduler import selection
from cairn.cinder.scheduler.flows import migrate
from cairn.common.work import Job


class Steps(migrate.Steps):
    def type_id(self, job: Job, row: Volume) -> str | None:
        return str(job.args["type_id"])

    def place(self, session: Session, job: Job, row: Volume, attached: bool) -> str | None:
        """None: where it is. Raises NoValidBackend where it may not move."""
        pools = selection.pools(session, self.cinder)
        changes = migrations.changes_encryption(session, row.type_id, job.args["type_id"])
        reason: str | None = "its encryption changes" if changes else None
        for pool in pools:
            if pool.host == row.host and not changes:
                # It is promised its room there already.
                there = replace(pool, promised=pool.promised - row.size)
                reason = self.refusal(there, self.request(session, job, row, pool.zone))
                if reason is None:
                    return None
        if not changes and row.host not in {pool.host for pool in pools}:
            reason = "its backend takes no volumes now"
        if job.args["policy"] == "never":
            raise NoValidBackend(reason=f"The volume would have to move, for {reason}; "
                                        "migration_policy on-demand lets it.")
        if session.scalar(select(Snapshot.id).where(Snapshot.volume_id == row.id).limit(1)):
            raise NoValidBackend(reason=f"The volume would have to move, for {reason}: it must "
                                        "have no snapshots for that.")
        if attached and (why := migrations.tied(session, row)) is not None:
            raise NoValidBackend(
                reason=f"The volume would have to move, for {reason}. {why}")
        request = self.request(session, job, row, row.availability_zone)
        if not changes:
            request = replace(request, excluded=[row.host or ""])
        return selection.choose(
            pools, request, self.settings, selection.missing(session, self.cinder)).host

    def more(self, job: Job) -> dict[str, Any]:
        return {"type_id": job.args["type_id"], "multiattach": job.args["multiattach"]}

    def switch_back(self, job: Job) -> None:
        super().switch_back(job)
        with self.cinder.db.writing() as session:
            row = self.target(session, job)
            if row is not None and not self._has_moved(session, job):
                row.type_id = job.args["old_type_id"]
                row.multiattach = job.args["old_multiattach"]
