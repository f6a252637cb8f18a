"""extend: there is room for it; its guests are told."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.core import messages, records
from cairn.cinder.db.models import Attachment, Volume
from cairn.cinder.errors import NoValidBackend
from cairn.cinder.scheduler import filters, selection
from cairn.cinder.scheduler.doer import Doer, log, step
from cairn.cinder.scheduler.pools import Request
from cairn.common.errors import Problem
from cairn.common.flows import Do
from cairn.common.work import Job


class Steps(Doer):
    def steps(self) -> Mapping[str, Do]:
        return {
            "room_found": step(self.find_room),
            "size_recorded": step(self.record),
            "guests_told": step(self.tell),
        }

    def find_room(self, job: Job) -> dict[str, Any]:
        """Its row has its new size since the request: what its pool has promised counts that."""
        old, new = job.args["old_size"], job.args["size"]
        with self.cinder.db.reading() as session:
            record = records.volume(session, job.subject)
            for pool in selection.pools(session, self.cinder):
                if pool.host != record["host"]:
                    continue
                before = replace(pool, promised=pool.promised - (new - old))
                reason = filters.capacity(before, Request(new - old, pool.zone, {}, {}, False))
                if reason is not None:
                    raise NoValidBackend(reason=f"The volume's pool has no room for it to grow: "
                                                f"{reason}.")
        return {"volume": {**record, "size": old}}

    def record(self, job: Job) -> None:
        provider = job.results["volume_extended"]["provider"]
        self.cinder.db.write(lambda session: self.finish(
            session, job, provider=provider))

    def tell(self, job: Job) -> None:
        """The volume has grown whether or not they can be told; who is not sees it when it starts
        anew."""
        with self.cinder.db.reading() as session:
            servers = [server for server in session.scalars(
                select(Attachment.instance_id)
                .where(Attachment.volume_id == job.subject, Attachment.status == "attached")
                .order_by(Attachment.number)) if server is not None]
        if not servers:
            return
        try:
            self.cinder.cloud.compute.tell_extended(job.ctx, servers, job.subject)
        except Problem as problem:
            log.warning("servers of volume %s are not told that it grew: %s", job.subject, problem)
            with self.cinder.db.writing() as session:
                row = self.target(session, job)
                if row is not None:
                    messages.add(
                        session, job.ctx, "extend", "volume", row.id, row.project_id,
                        "The volume has grown, but its servers could not be told: restart them by "
                        "a hard reboot to see it.", cause=type(problem).__name__)

    def record_failure(self, session: Session, job: Job, error: str) -> None:
        """Its size is what it was, unless it had grown already."""
        session.execute(update(Volume).where(
            Volume.id == job.subject, Volume.status == "extending",
            Volume.size == job.args["size"]).values(size=job.args["old_size"]))
        super().record_failure(session, job, error)
