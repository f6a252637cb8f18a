"""Copies that a host keeps of images in slow stores: which ones, and getting them."""

import datetime as dt
import logging
import threading
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from cairn.common.context import Context
from cairn.common.db import changed, utcnow
from cairn.common.errors import Invalid, Unavailable
from cairn.glance.component import Glance
from cairn.glance.core import access, content, locations
from cairn.glance.db.data import CachedImage
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store
from cairn.glance.drivers.file import FileStore
from cairn.glance.errors import NoRoom

log = logging.getLogger(__name__)
QUEUED, CACHING, CACHED = "queued", "caching", "cached"
LEASE = 60  # Seconds a copying may be silent.


def folder(glance: Glance) -> FileStore:
    """The folder of this host's copies, as a store."""
    return FileStore("cache", glance.cache.folder, root=glance.settings.folder,
                     accel=glance.settings.accel)


def lookup(glance: Glance, image: Image) -> tuple[Store, str] | None:
    """The copy this host has of the image, if any."""
    with glance.db.reading() as session:
        row = session.execute(_mine(glance, select(CachedImage.id).where(
            CachedImage.image_id == image.id, CachedImage.state == CACHED))).first()
    if row is None:
        return None
    store = folder(glance)
    url = store.url(image.id)
    try:
        whole = store.size(url) == image.size
    except OSError:
        whole = False
    if not whole:
        drop(glance, image.id)
        return None
    with glance.db.writing() as session:
        session.execute(update(CachedImage).where(CachedImage.id == row[0]).values(
            hits=CachedImage.hits + 1, accessed_at=utcnow()))
    return store, url


def queue(glance: Glance, image_id: str) -> None:
    """Note that this host is to have a copy, and ring whoever makes it. Nothing where it is noted
    or there."""
    try:
        with glance.db.writing() as session:
            session.add(CachedImage(image_id=image_id, host=glance.host, state=QUEUED))
    except IntegrityError:
        return  # It is queued, or here.
    glance.ring(Context())


def list_cached(glance: Glance) -> list[CachedImage]:
    """What this host has of images, and is to get."""
    with glance.db.reading() as session:
        return list(session.scalars(_mine(glance, select(CachedImage).order_by(CachedImage.id))))


def queue_image(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound, Invalid."""
    with glance.db.reading() as session:
        image = access.find(session, ctx, image_id)
    if image.status != "active":
        raise Invalid(reason="Only images with status active can be targeted for queueing")
    queue(glance, image_id)


def drop_image(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound where there is neither a copy nor an image."""
    if not drop(glance, image_id):
        with glance.db.reading() as session:
            access.find(session, ctx, image_id)


def list_hosts(glance: Glance, ctx: Context, image_id: str) -> list[str]:
    """The hosts that have a copy. Raises ImageNotFound."""
    with glance.db.reading() as session:
        hosts = list(session.scalars(select(CachedImage.host).where(
            CachedImage.image_id == image_id, CachedImage.state == CACHED)))
        if not hosts:
            access.find(session, ctx, image_id)
        return hosts


def drop(glance: Glance, image_id: str | None = None, states: tuple[str, ...] = ()) -> int:
    """Forget copies of an image, or of all, and remove them; how many there were."""
    with glance.db.writing() as session:
        conditions = [CachedImage.host == glance.host]
        if image_id is not None:
            conditions.append(CachedImage.image_id == image_id)
        if states:
            conditions.append(CachedImage.state.in_(states))
        rows = session.execute(
            select(CachedImage.id, CachedImage.image_id).where(*conditions)).all()
        session.execute(delete(CachedImage).where(CachedImage.id.in_([row[0] for row in rows])))
    for _, gone in rows:
        folder(glance).delete(folder(glance).url(gone))
    return len(rows)


def clean(glance: Glance) -> None:
    """Forget copies of images that are gone, and remove half ones that nobody writes to."""
    with glance.db.reading() as session:
        gone = session.scalars(_mine(glance, select(CachedImage.image_id).where(
            CachedImage.image_id.not_in(select(Image.id).where(Image.status != "deleted"))))).all()
        cached = set(session.scalars(_mine(glance, select(CachedImage.image_id))))
    for image_id in gone:
        drop(glance, image_id)
    for image_id, url, age in folder(glance).kept():
        if age > 10 * LEASE and (image_id not in cached or url.endswith(".part")):
            folder(glance).delete(url)


def prune(glance: Glance) -> tuple[int, int]:
    """Remove what was not used for longest until the rest fits; how many files and bytes."""
    with glance.db.reading() as session:
        rows = session.execute(_mine(glance, select(CachedImage.image_id, CachedImage.size).where(
            CachedImage.state == CACHED).order_by(CachedImage.accessed_at, CachedImage.id))).all()
    total = sum(row[1] for row in rows)
    files = freed = 0
    for image_id, size in rows:
        if total - freed <= glance.cache.max_size:
            break
        files, freed = files + drop(glance, image_id), freed + size
    return files, freed


def _mine(glance: Glance, query: Any) -> Any:
    return query.where(CachedImage.host == glance.host)


class Cacher:
    """Gets the images that are queued, one after another, in the worker of the host."""

    interval = 30.0  # Seconds between looks that no bell rang for.

    def __init__(self, glance: Glance) -> None:
        self.glance = glance
        self._bell = threading.Event()
        self._ended = False

    def start(self) -> None:
        if self.glance.cache.folder:
            threading.Thread(target=self._run, daemon=True, name="cache images").start()

    def stop(self) -> None:
        self._ended = True
        self._bell.set()

    def ring(self) -> None:
        self._bell.set()

    def _run(self) -> None:
        while not self._ended:
            self._bell.wait(self.interval)
            self._bell.clear()
            try:
                while not self._ended and self.fetch():
                    pass
            except Exception:
                log.exception("the image cache could not be filled")

    def fetch(self) -> bool:
        """Get one image that is queued; whether there was one."""
        glance, now = self.glance, utcnow()
        open_ = or_(CachedImage.state == QUEUED,
                    (CachedImage.state == CACHING) & (CachedImage.until < now))
        with glance.db.reading() as session:
            row = session.execute(_mine(glance, select(
                CachedImage.id, CachedImage.image_id).where(open_).order_by(CachedImage.id))
                .limit(1)).first()
        if row is None:
            return False
        with glance.db.writing() as session:
            if not changed(session.execute(
                update(CachedImage).where(CachedImage.id == row[0], open_)
                .values(state=CACHING, until=_soon())
            )):
                return False
        try:
            self._copy(row[0], row[1])
        except (OSError, NoRoom, Unavailable) as error:
            log.warning("image %s could not be cached: %s", row[1], error)
            drop(glance, row[1])
        return True

    def _copy(self, number: int, image_id: str) -> None:
        glance = self.glance
        with glance.db.reading() as session:
            image = session.get(Image, image_id)
            rows = locations.of(session, [image_id])[image_id]
        if image is None or image.status not in ("active", "deactivated"):
            drop(glance, image_id)
            return
        _, _, source = locations.open_first(
            glance.stores, locations.by_weight(glance.stores, rows))
        writing = folder(glance).write(image_id)
        try:
            with source:
                # What others keep they may change.
                kept: Any = source if not image.os_hash_value else content.Held(
                    source, str(image.os_hash_algo), image.os_hash_value)
                size = content.copy(kept, writing.write, self._alive(number))
            if image.size is not None and size != image.size:
                raise OSError(f"{size} bytes came, not {image.size}")
            writing.flush()
        except BaseException:
            writing.abort()
            raise
        with glance.db.writing() as session:
            exists = session.scalar(select(func.count()).select_from(CachedImage).where(
                CachedImage.id == number))
            if not exists:
                writing.abort()
                return
            writing.commit()
            session.execute(update(CachedImage).where(CachedImage.id == number).values(
                state=CACHED, size=size, accessed_at=utcnow(), until=None))

    def _alive(self, number: int) -> Any:
        last = utcnow()

        def alive(size: int) -> None:
            nonlocal last
            if utcnow() - last > dt.timedelta(seconds=LEASE / 6):
                last = utcnow()
                with self.glance.db.writing() as session:
                    session.execute(update(CachedImage).where(CachedImage.id == number)
                                    .values(until=_soon()))

        return alive


def _soon() -> dt.datetime:
    return utcnow() + dt.timedelta(seconds=LEASE)
