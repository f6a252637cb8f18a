"""Locations that are added: looked for, and hashed where the settings say so."""

import hashlib
from typing import Any

from sqlalchemy import update

from cairn.common.db import changed
from cairn.common.errors import Conflict
from cairn.common.work import Flow, Job, Step
from cairn.glance.component import Glance
from cairn.glance.core import content, locations, marks, tasks
from cairn.glance.db.models import Image
from cairn.glance.errors import TooBig
from cairn.glance.worker.imports import Stopped


class Differs(Conflict):
    message = "The hash of the data at the location is not the one that was given."


class Locating:
    """args: task, url, store, algorithm and value (of what the caller says the hash is, or None)"""

    def __init__(self, glance: Glance) -> None:
        self.glance = glance

    def flow(self) -> Flow:
        return Flow("location", (
            Step("locate", self.locate), Step("hash", self.hash), Step("finish", self.finish),
        ), failed=self.failed)

    def locate(self, job: Job) -> dict[str, Any]:
        """Note the location. Without a hash to hold it against the image may be used at once."""
        glance = self.glance
        with glance.db.writing() as session:
            tasks.set_state(session, job.args["task"], "processing")
        size = glance.stores.find(job.args["store"]).size(job.args["url"])
        with glance.db.writing() as session:
            if not locations.add_once(session, job.subject, job.args["store"], job.args["url"]):
                raise Stopped
        values: dict[str, Any] = {"size": size}
        if not glance.settings.do_secure_hash:
            values |= {"status": "active", "os_hash_algo": job.args["algorithm"],
                       "os_hash_value": job.args["value"]}
        elif job.args["value"] is None:
            values |= {"status": "active", "os_hash_algo": content.ALGORITHM}
        self._change(job, **values)
        return {"size": size}

    def hash(self, job: Job) -> dict[str, Any]:
        glance = self.glance
        if not glance.settings.do_secure_hash:
            return {}
        algorithm = job.args["algorithm"] or content.ALGORITHM
        md5, digest = hashlib.md5(usedforsecurity=False), hashlib.new(algorithm)
        size = 0
        with glance.stores.find(job.args["store"]).read(job.args["url"]) as source:
            while chunk := source.read(content.CHUNK):
                size += len(chunk)
                if size > glance.settings.size_cap:
                    raise TooBig(cap=glance.settings.size_cap, reason="")
                md5.update(chunk)
                digest.update(chunk)
                if size % (64 * content.CHUNK) < len(chunk):
                    self._change(job)
        if job.args["value"] not in (None, digest.hexdigest()):
            raise Differs(reason="")
        return {"size": size, "checksum": md5.hexdigest(), "os_hash_algo": algorithm,
                "os_hash_value": digest.hexdigest()}

    def finish(self, job: Job) -> None:
        self._change(job, status="active", **job.results["hash"])
        self._end(job, "success", "")

    def failed(self, job: Job, error: str) -> None:
        """Queued again, unless it is in use already: then it just has no hash."""
        with self.glance.db.writing() as session:
            session.execute(
                update(Image).where(Image.id == job.subject, Image.status == "importing")
                .values(status="queued", size=None, os_hash_algo=None))
            session.execute(
                update(Image).where(Image.id == job.subject, Image.status == "active",
                                    Image.os_hash_value.is_(None)).values(os_hash_algo=None))
        self._end(job, "failure", error)

    def _end(self, job: Job, state: str, message: str) -> None:
        with self.glance.db.writing() as session:
            marks.put(session, job.subject, **{marks.LOCK: None})
            tasks.close(session, job.args["task"], state, self.glance.imports.task_hours,
                        message=message[:4000], result={"image_id": job.subject})

    def _change(self, job: Job, **values: Any) -> None:
        """Raises Stopped when the image was deleted meanwhile."""
        with self.glance.db.writing() as session:
            done = session.execute(
                update(Image).where(Image.id == job.subject, Image.status.in_(
                    ("importing", "active"))).values(**(values or {"saving_until": None})))
        if not changed(done):
            raise Stopped
