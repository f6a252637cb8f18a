"""Imports: bytes fetched, worked over, looked at, and put into stores, as durable steps."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select, update

from cairn.common.db import changed
from cairn.common.errors import Conflict, Problem, Unavailable
from cairn.common.work import Flow, Job, Step
from cairn.glance.component import Glance
from cairn.glance.core import content, import_state, locations, notices, remote, tasks, usage
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store, Writing
from cairn.glance.errors import NoRoom, TooBig
from cairn.glance.worker import plugins

log = logging.getLogger(__name__)


class Stopped(Problem):
    code = 409
    message = "The image was deleted, or is not being imported any more."


class NotTaken(Conflict):
    message = "The image could not be stored: {reason}"


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """What goes wrong at others' servers is no trouble of ours. Raises NotTaken."""
    try:
        yield
    except OSError as error:
        raise NotTaken(reason=str(error)) from error


class Imports:
    def __init__(self, glance: Glance) -> None:
        self.glance = glance

    def flow(self) -> Flow:
        return Flow("import", (
            Step("fetch", self.fetch, self.unfetch),
            Step("work over", self.work_over),
            Step("measure", self.measure),
            Step("store", self.store, self.unstore),
            Step("finish", self.finish),
        ), failed=self.failed)

    # Steps ------------------------------------------------------------------------------------

    def fetch(self, job: Job) -> dict[str, Any]:
        """Have the bytes in staging (copy-image: know where they are)."""
        glance, method = self.glance, job.args["method"]
        with glance.db.writing() as session:
            tasks.set_state(session, job.args["task"], "processing")
        name = method["name"]
        if name == "copy-image":
            return {}
        staged = self._staged(job)
        if name == "glance-direct":
            if not Path(staged).is_file():
                raise NotTaken(reason="nothing is staged for it")
        elif name == "web-download":
            with elsewhere():
                self._download(job, glance.stores.gate.open(method["uri"]))
        elif name == "glance-download":
            source, facts = remote.open_image(glance, job.args["remote"])
            with elsewhere():
                self._download(job, source)
            self._take_over(job, facts)
        return {"path": staged}

    def unfetch(self, job: Job) -> None:
        if job.args["before"]:
            with self.glance.db.writing() as session:
                session.execute(update(Image).where(
                    Image.id == job.subject, Image.status == "importing",
                ).values(**job.args["before"]))
        self._clear_staging(job)

    def work_over(self, job: Job) -> dict[str, Any]:
        if job.args["method"]["name"] == "copy-image":
            return {}
        path, chosen = job.results["fetch"]["path"], self.glance.imports.plugins.split()
        alive = self._alive(job, "Worked over")
        image = self._image(job)
        expected = content.expect(self.glance, image.disk_format, image.container_format)
        if "image_decompression" in chosen and image.container_format != "compressed":
            path = plugins.decompress(
                path, f"{self._staged(job)}.unpacked", self.glance.settings.size_cap, alive) or path
        # qemu-img sees disks only, never what others are packed in.
        if "image_conversion" in chosen and image.container_format == "bare":
            output = self.glance.imports.output_format
            target = f"{self._staged(job)}.{output}"
            sure = content.Expected(expected.disk_format, "bare", nonfatal=expected.nonfatal)
            if plugins.convert(path, target, sure, output, self.glance.settings.size_cap):
                path = target
                self._change(job, disk_format=output, container_format="bare")
        if "inject_image_metadata" in chosen:
            added = plugins.injected(self.glance.imports, job.ctx.roles)
            self._mark(job, added)
        return {"path": path}

    def measure(self, job: Job) -> dict[str, Any]:
        """Look at the content and hash it, before any of it is stored."""
        if job.args["method"]["name"] == "copy-image":
            return {}
        image = self._image(job)
        with open(job.results["work over"]["path"], "rb") as source:
            return content.take(
                source, lambda chunk: None, cap=self.glance.settings.size_cap,
                expected=content.expect(self.glance, image.disk_format, image.container_format),
                alive=self._alive(job, "Looked at"),
            )

    def store(self, job: Job) -> dict[str, Any]:
        failed: dict[str, str] = {}
        for name in job.args["stores"]:
            if name in self._has(job):
                continue
            try:
                self._put(job, self.glance.stores.to_write(name))
            except (OSError, NoRoom, TooBig, Unavailable, usage.OverQuota) as error:
                if job.args["must_succeed"]:
                    raise NotTaken(reason=f"{name}: {error}") from error
                log.warning("image %s was not stored in %s: %s", job.subject, name, error)
                failed[name] = str(error)
            else:
                if not job.args["must_succeed"]:
                    self._activate(job)
            left = [s for s in job.args["stores"] if s not in failed and s not in self._has(job)]
            self._mark(job, {
                import_state.IMPORTING: ",".join(left), import_state.FAILED: ",".join(failed)})
        if len(failed) == len(job.args["stores"]):
            raise NotTaken(reason="; ".join(f"{n}: {e}" for n, e in failed.items()))
        return {"failed": failed}

    def unstore(self, job: Job) -> None:
        for name in job.args["stores"]:
            if name not in job.args["had"]:
                with self.glance.db.writing() as session:
                    places = locations.forget(session, job.subject, name)
                locations.remove(self.glance.stores, places)

    def finish(self, job: Job) -> None:
        self._activate(job)
        failed = job.results["store"]["failed"]
        with self.glance.db.writing() as session:
            import_state.put(session, job.subject, **{
                import_state.LOCK: None, import_state.IMPORTING: ""})
            tasks.close(
                session, job.ctx, job.args["task"], "success", self.glance.imports.task_hours,
                result={"image_id": job.subject},
                message=f"Not stored in: {', '.join(failed)}" if failed else "")
        self._clear_staging(job)

    def failed(self, job: Job, error: str) -> None:
        copying = job.args["method"]["name"] == "copy-image"
        with self.glance.db.writing() as session:
            if not copying:
                session.execute(
                    update(Image).where(Image.id == job.subject, Image.status == "importing")
                    .values(status="queued", size=None))
            alive = session.scalar(select(Image.status).where(Image.id == job.subject))
            if alive not in (None, "deleted"):
                import_state.put(session, job.subject, **{
                    import_state.LOCK: None, import_state.IMPORTING: "",
                    import_state.FAILED: ",".join(job.args["stores"])})
            tasks.close(session, job.ctx, job.args["task"], "failure",
                        self.glance.imports.task_hours, message=error[:4000])
        self._clear_staging(job)

    # What the steps are made of ---------------------------------------------------------------

    def _staged(self, job: Job) -> str:
        return self.glance.stores.staging.url(job.subject).removeprefix("file://")

    def _clear_staging(self, job: Job) -> None:
        folder = Path(self._staged(job)).parent
        for path in folder.glob(f"{job.subject}*") if folder.is_dir() else ():
            path.unlink(missing_ok=True)

    def _image(self, job: Job) -> Image:
        """Raises Stopped when it is not to be imported any more."""
        statuses = ("active", "deactivated") if job.args["method"]["name"] == "copy-image" else (
            "importing", "active")
        with self.glance.db.reading() as session:
            image = session.get(Image, job.subject)
        if image is None or image.status not in statuses:
            raise Stopped
        return image

    def _alive(self, job: Job, doing: str) -> Callable[[int], None]:
        """What notices a deleted image, and says how far the work is."""
        last = time.monotonic()

        def alive(size: int) -> None:
            nonlocal last
            if time.monotonic() - last < 3:
                return
            last = time.monotonic()
            self._image(job)
            with self.glance.db.writing() as session:
                tasks.set_state(session, job.args["task"], "processing",
                                message=f"{doing} {size >> 20} MiB")

        return alive

    def _download(self, job: Job, source: Any) -> None:
        with contextlib.closing(source):
            self._fill(self.glance.stores.staging.write(job.subject), source,
                       self._alive(job, "Downloaded"))

    def _fill(self, writing: Writing, source: BinaryIO, alive: Callable[[int], None]) -> str:
        cap = self.glance.settings.size_cap

        def capped(size: int) -> None:
            if size > cap:
                raise TooBig(cap=cap, reason="")
            alive(size)

        try:
            content.copy(source, writing.write, capped)
            writing.flush()
            return writing.commit()
        except BaseException:
            writing.abort()
            raise

    def _has(self, job: Job) -> list[str]:
        with self.glance.db.reading() as session:
            return list(session.scalars(
                select(ImageLocation.store).where(ImageLocation.image_id == job.subject)))

    def _put(self, job: Job, store: Store) -> None:
        image = self._image(job)
        path = job.results.get("work over", {}).get("path")
        with self.glance.db.reading() as session:
            rows = locations.of(session, [job.subject])[job.subject]
        if path is None:
            path = next((r.url.removeprefix("file://") for r in rows
                         if r.url.startswith("file://")), None)
        writing = store.adopt(job.subject, path) if path is not None else None
        if writing is not None:
            writing.flush()
            url = writing.commit()
        elif path is not None:
            with open(path, "rb") as file:
                url = self._fill(store.write(job.subject), file,
                                 self._alive(job, f"Copied to {store.name}"))
        else:
            with locations.open_first(self.glance.stores, rows)[2] as source:
                url = self._copy(job, store, image, source)
        size = job.results["measure"].get("size", image.size)
        try:
            with self.glance.db.writing() as session:
                # In one transaction with what makes it count.
                session.execute(update(Image).where(Image.id == job.subject).values(size=size))
                kept = locations.add_once(session, job.subject, store.name, url)
                usage.hold(session, job.ctx.project,
                           {usage.SIZE: job.args.get("room", -1)}, usage.SIZE, 0)
        except usage.OverQuota:
            store.delete(url)
            raise
        if not kept:
            store.delete(url)
            raise Stopped

    def _copy(self, job: Job, store: Store, image: Image, source: BinaryIO) -> str:
        """Of bytes that are others' to change: they must be what they were, and harmless."""
        writing = store.write(job.subject)
        try:
            facts = content.take(
                source, writing.write, cap=self.glance.settings.size_cap,
                expected=content.expect(self.glance, image.disk_format, image.container_format),
                alive=self._alive(job, f"Copied to {store.name}"),
                algorithm=image.os_hash_algo or content.ALGORITHM)
            if image.os_hash_value not in (None, facts["os_hash_value"]):
                raise NotTaken(reason="its content is not what it was")
            writing.flush()
            return writing.commit()
        except BaseException:
            writing.abort()
            raise

    def _activate(self, job: Job) -> None:
        if job.args["method"]["name"] != "copy-image":
            self._change(job, "activate", status="active", **job.results["measure"])

    def _change(self, job: Job, verb: str = "", **values: Any) -> None:
        with self.glance.db.writing() as session:
            done = session.execute(
                update(Image).where(Image.id == job.subject, Image.status.in_(
                    ("importing", "active"))).values(**values))
            if verb and changed(done):
                notices.record_image_id(session, job.ctx, verb, job.subject, **values)
        if not changed(done):
            self._image(job)

    def _mark(self, job: Job, values: dict[str, str]) -> None:
        self._image(job)
        if values:
            with self.glance.db.writing() as session:
                import_state.put(session, job.subject, **values)

    def _take_over(self, job: Job, facts: dict[str, Any]) -> None:
        self._change(job, disk_format=facts["disk_format"],
                     container_format=facts["container_format"])
        self._mark(job, facts["properties"])
