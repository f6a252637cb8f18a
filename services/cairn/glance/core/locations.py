"""Where an image's bytes are."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol, TypeVar

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from cairn.glance.db.data import ImageLocation
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store
from cairn.glance.drivers.stores import Stores

log = logging.getLogger(__name__)


class Location(Protocol):
    """A row of a location, or what a list has read of it."""

    @property
    def id(self) -> int: ...
    @property
    def store(self) -> str: ...


L = TypeVar("L", bound=Location)


def of(session: Session, ids: Sequence[str]) -> dict[str, list[ImageLocation]]:
    """Locations of images by image id, oldest first."""
    rows: dict[str, list[ImageLocation]] = defaultdict(list)
    if ids:
        for row in session.scalars(
            select(ImageLocation).where(ImageLocation.image_id.in_(ids)).order_by(ImageLocation.id)
        ):
            rows[row.image_id].append(row)
    return rows


def add(
    session: Session, image_id: str, store: str, url: str, meta: dict[str, Any] | None = None
) -> None:
    """Write a location; its store is told in its metadata too, as clients expect it there."""
    session.add(ImageLocation(
        image_id=image_id, store=store, url=url, meta={**(meta or {}), "store": store}))
    session.flush()


def add_once(
    session: Session, image_id: str, store: str, url: str, meta: dict[str, Any] | None = None
) -> bool:
    """Add it unless it is there already; False when the image is gone."""
    # Locked: whoever deletes the image either sees this location or has it see the deletion.
    status = session.scalar(select(Image.status).where(Image.id == image_id).with_for_update())
    if status in (None, "deleted"):
        return False
    there = session.scalar(select(func.count()).select_from(ImageLocation).where(
        ImageLocation.image_id == image_id, ImageLocation.url == url))
    if not there:
        add(session, image_id, store, url, meta)
    return True


def taken(session: Session, url: str) -> bool:
    """Whether some image has its bytes there."""
    return session.scalar(
        select(ImageLocation.id).where(ImageLocation.url == url).limit(1)) is not None


def shown(stores: Stores, row: Any, whole: bool) -> str:
    """Where an image's bytes are, for a client. What is no address of the web is told to those who
    may know the `whole` of it: to others a store's own address says where hosts keep their files.
    """
    public = row.store in stores and stores.find(row.store).kind == "http"
    return str(row.url) if whole or public else f"store://{row.store}/{row.image_id}"


def forget(session: Session, image_id: str, store: str | None = None) -> list[tuple[str, str]]:
    """Take the locations away (of one store, or all); what is to be removed there afterwards."""
    conditions = [ImageLocation.image_id == image_id]
    if store is not None:
        conditions.append(ImageLocation.store == store)
    places = [(row[0], row[1]) for row in session.execute(
        select(ImageLocation.store, ImageLocation.url).where(*conditions))]
    session.execute(delete(ImageLocation).where(*conditions))
    return places


def remove(stores: Stores, places: Sequence[tuple[str, str]]) -> None:
    """Remove bytes after the commit. What cannot be removed now is left to the sweeper."""
    for name, url in places:
        if name in stores:
            delete_from(stores.find(name), url)


def delete_from(store: Store, url: str) -> None:
    """Remove bytes from a store. That they cannot be removed is logged, not raised."""
    try:
        store.delete(url)
    except OSError as error:  # It is away, or disks are clones of the image.
        log.warning("%s could not be removed yet: %s", url, error)


def by_weight(
    stores: Stores, rows: Sequence[L], prefer: Sequence[str] = ()
) -> list[L]:
    """What to read from first: the stores asked for, then the heaviest, then the oldest."""
    return sorted(rows, key=lambda row: (
        row.store not in prefer, -stores.weight(row.store), row.id))


def names(stores: Stores, rows: Sequence[Location]) -> str:
    """The `stores` of an image, as clients see it."""
    if len(rows) == 1:
        return rows[0].store
    seen = dict.fromkeys(row.store for row in sorted(
        rows, key=lambda row: (-stores.weight(row.store), row.store)))
    return ",".join(seen)


def open_first(
    stores: Stores, rows: Sequence[ImageLocation], start: int = 0
) -> tuple[Store, ImageLocation, BinaryIO]:
    """The first location that can be read. Raises the last OSError, FileNotFoundError if none."""
    last: OSError = FileNotFoundError("no location can be read")
    for row in rows:
        if row.store not in stores:
            continue
        store = stores.find(row.store)
        try:
            return store, row, store.read(row.url, start)
        except OSError as error:
            log.warning("image %s cannot be read from %s: %s", row.image_id, row.store, error)
            last = error
    raise last
