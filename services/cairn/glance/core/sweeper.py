"""What a killed process left: uploads that went silent, bytes that no image has."""

import logging
import re
import threading
from collections.abc import Iterable

from sqlalchemy import select, update

from cairn.common.db import changed
from cairn.glance.component import Glance
from cairn.glance.core import cache, claims, locations
from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store

log = logging.getLogger(__name__)
# Seconds after which bytes that no image has are nobody's who is still at work.
FORGOTTEN = 600
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Sweeper:
    """A thread that sweeps every `interval` seconds. What goes wrong in one round is logged, and
    done in the next."""

    interval = 30.0

    def __init__(self, glance: Glance) -> None:
        self.glance = glance
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="sweep images").start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self.interval):
            try:
                self.sweep()
            except Exception:
                log.exception("the image stores could not be swept")

    def sweep(self) -> None:
        glance = self.glance
        with glance.db.reading() as session:
            dead = session.execute(claims.dead()).all()
        silent = set()
        for image_id, claim in dead:
            with glance.db.writing() as session:
                session.execute(
                    update(Image).where(Image.id == image_id, Image.saving_by == claim)
                    .values(status="queued", saving_by=None, saving_until=None, size=None))
            silent.add(image_id)
        for store in (*glance.stores, glance.stores.staging):
            try:
                self._remove(store, silent)
            except OSError as error:
                log.warning("the store %s could not be swept: %s", store.name, error)
        if glance.cache.folder:
            cache.clean(glance)

    def _remove(self, store: Store, dead: Iterable[str] = ()) -> None:
        """Remove what nobody has: bytes of images that are gone or `dead`, and old leftovers."""
        dead = set(dead)
        # Whatever else somebody keeps there is not ours to remove.
        entries = [entry for entry in store.kept() if UUID.fullmatch(entry[0])]
        ids = [image_id for image_id, _, _ in entries]
        with self.glance.db.reading() as session:
            alive: dict[str, str] = {}
            located: set[str] = set()
            for first in range(0, len(ids), 500):
                part = ids[first:first + 500]
                rows = session.execute(select(Image.id, Image.status).where(
                    Image.id.in_(part), Image.status != "deleted"))
                alive |= {row[0]: row[1] for row in rows}
                located |= set(session.scalars(
                    select(ImageLocation.url).where(ImageLocation.image_id.in_(part))))
        staging = store is self.glance.stores.staging
        for image_id, url, age in entries:
            if staging and alive.get(image_id) == "uploading" and self._expired(image_id, age):
                alive[image_id] = "queued"
            waits = staging and alive.get(image_id) in ("uploading", "importing")
            # Of a dead upload's image a new one may just have begun.
            dead_ = image_id in dead and age > claims.SILENCE * 0.75
            if url not in located and (
                    image_id not in alive or dead_ or (age > FORGOTTEN and not waits)):
                locations.delete_from(store, url)

    def _expired(self, image_id: str, age: float) -> bool:
        """Whether what is staged waited too long for its import; the image is queued again."""
        if age < self.glance.imports.staging_hours * 3600:
            return False
        with self.glance.db.writing() as session:
            return changed(session.execute(update(Image).where(
                Image.id == image_id, Image.status == "uploading", Image.saving_by.is_(None),
            ).values(status="queued", size=None)))
