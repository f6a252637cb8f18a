"""Locations that are added: looked for, looked into, and hashed where the settings say so."""

import time
from typing import Any

from sqlalchemy import select, update

from cairn.common.db import changed
from cairn.common.errors import Conflict
from cairn.common.work import Flow, Job, Step
from cairn.glance.component import Glance
from cairn.glance.core import content, import_state, locations, notices, tasks
from cairn.glance.db.models import Image
from cairn.glance.errors import WrongContent
from cairn.glance.worker.imports import Stopped, elsewhere


class Differs(Conflict):
    message = "The hash of the data at the location is not the one that was given."


class Locating:
    """args: task, url, store, meta; algorithm, value and checksum that the data must have, or None.

    What a caller says of the data is never noted: only what was computed of it here.
    """

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
        with elsewhere():
            size = glance.stores.find(job.args["store"]).size(job.args["url"])
        if job.args["value"] is not None:
            return {"size": size}
        values: dict[str, Any] = {"size": size, "status": "active"}
        if glance.settings.do_secure_hash:
            values["os_hash_algo"] = content.ALGORITHM
        with glance.db.writing() as session:
            if not locations.add_once(session, job.subject, job.args["store"], job.args["url"]):
                raise Stopped
        self._change(job, **values)
        with glance.db.writing() as session:
            notices.record_image_id(session, job.ctx, "activate", job.subject, **values)
        return {"size": size}

    def hash(self, job: Job) -> dict[str, Any]:
        glance, value = self.glance, job.args["value"]
        if value is None and not glance.settings.do_secure_hash:
            return {}
        with glance.db.reading() as session:
            image = session.get(Image, job.subject)
        if image is None:
            raise Stopped
        try:
            with elsewhere(), glance.stores.find(job.args["store"]).read(
                    job.args["url"]) as source:
                facts = content.take(
                    source, lambda chunk: None, cap=glance.settings.size_cap,
                    expected=content.expect(glance, image.disk_format, image.container_format),
                    alive=self._alive(job),
                    algorithm=job.args["algorithm"] or content.ALGORITHM)
        except WrongContent:
            self._withdraw(job)
            raise
        if value not in (None, facts["os_hash_value"]) or (
                job.args.get("checksum") not in (None, facts["checksum"])):
            raise Differs(reason="")
        return facts

    def finish(self, job: Job) -> None:
        with self.glance.db.writing() as session:
            image = session.scalar(
                select(Image).where(Image.id == job.subject).with_for_update())
            if image is None or image.status not in ("importing", "active"):
                raise Stopped
            locations.add_once(session, job.subject, job.args["store"], job.args["url"],
                               job.args.get("meta"))
            if image.os_hash_value is None:
                session.execute(update(Image).where(Image.id == job.subject).values(
                    status="active", **job.results["hash"]))
            if image.status == "importing":
                notices.record_image(session, job.ctx, "activate", image, status="active")
        self._end(job, "success", "")

    def failed(self, job: Job, error: str) -> None:
        """Queued again, unless it is in use already: then it just has no hash. A queued image shows
        where its bytes were to be, as upstream's does; whatever brings it bytes forgets that."""
        with self.glance.db.writing() as session:
            queued = session.execute(
                update(Image).where(Image.id == job.subject, Image.status == "importing")
                .values(status="queued", size=None, os_hash_algo=None))
            if changed(queued):
                locations.add_once(session, job.subject, job.args["store"], job.args["url"])
            session.execute(
                update(Image).where(Image.id == job.subject, Image.status == "active",
                                    Image.os_hash_value.is_(None)).values(os_hash_algo=None))
        self._end(job, "failure", error)

    def _withdraw(self, job: Job) -> None:
        """An image in use whose content was now found to be a trap has none any more."""
        with self.glance.db.writing() as session:
            if job.args["value"] is None:
                locations.forget(session, job.subject, job.args["store"])
                session.execute(update(Image).where(
                    Image.id == job.subject, Image.status == "active",
                ).values(status="queued", size=None, os_hash_algo=None))

    def _end(self, job: Job, state: str, message: str) -> None:
        with self.glance.db.writing() as session:
            import_state.put(session, job.subject, **{import_state.LOCK: None})
            tasks.close(session, job.ctx, job.args["task"], state, self.glance.imports.task_hours,
                        message=message[:4000], result={"image_id": job.subject})

    def _alive(self, job: Job) -> Any:
        last = time.monotonic()

        def alive(size: int) -> None:
            nonlocal last
            if time.monotonic() - last > 3:
                last = time.monotonic()
                self._change(job)

        return alive

    def _change(self, job: Job, **values: Any) -> None:
        """Raises Stopped when the image was deleted meanwhile."""
        with self.glance.db.writing() as session:
            done = session.execute(
                update(Image).where(Image.id == job.subject, Image.status.in_(
                    ("importing", "active"))).values(**(values or {"saving_until": None})))
        if not changed(done):
            raise Stopped
