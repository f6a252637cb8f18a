"""What a killed process left: uploads that went silent, bytes of images that are gone."""

import logging
import threading

from sqlalchemy import select

from cairn.common.db import Database
from cairn.glance.core import images
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store

log = logging.getLogger(__name__)


class Sweeper:
    interval = 30.0

    def __init__(self, db: Database, store: Store) -> None:
        self.db, self.store = db, store
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
                log.exception("the image store could not be swept")

    def sweep(self) -> None:
        """Dead uploads go back to queued; bytes without a living record go."""
        with self.db.reading() as session:
            dead = session.scalars(images.dead_uploads()).all()
        for image_id in dead:
            self.store.delete(image_id)
            with self.db.writing() as session:
                images.end_saving(session, image_id, "queued")
        kept = set(self.store.ids())
        if not kept:
            return
        with self.db.reading() as session:
            living = set(session.scalars(
                select(Image.id).where(Image.id.in_(kept), Image.status != "deleted")))
        for image_id in kept - living:
            self.store.delete(image_id)
