"""Bytes from a client, into a store or into staging."""

import contextlib
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.glance.component import Glance
from cairn.glance.core import access, cache, claims, content, locations, notices, usage
from cairn.glance.db.models import Image
from cairn.glance.drivers.base import Store
from cairn.glance.errors import Gone


@dataclass(frozen=True)
class Room:
    """What a project may still store: what was set aside for an upload that told its length, and
    how many bytes one that did not may have."""

    project: str
    allowed: dict[str, int]
    name: str
    told: int | None = None
    left: int | None = None

    def cap(self, cap: int) -> int:
        return cap if self.left is None or self.told is not None else min(cap, self.left)

    def hold(self, session: Session, size: int) -> None:
        """Raises OverQuota. What was set aside is counted already."""
        if self.told is None:
            usage.hold(session, self.project, self.allowed, self.name, size)


UNLIMITED = Room("", {}, usage.SIZE)


@dataclass(frozen=True)
class Taking:
    """An image that one upload has for itself, and the room that it has."""

    image: Image
    claim: str
    room: Room


def check_fillable(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound, Forbidden for who may not send the bytes of the image."""
    with glance.db.reading() as session:
        access.find_to_fill(glance.policy, session, ctx, image_id)


def check_modifiable(glance: Glance, ctx: Context, image_id: str) -> None:
    """Raises ImageNotFound, Forbidden for who may not change the image."""
    with glance.db.reading() as session:
        access.find_for(glance.policy, session, ctx, image_id, "modify_image")


def begin_upload(glance: Glance, ctx: Context, image_id: str, length: int | None) -> Taking:
    """Take the image for an upload of so many bytes (None: not told). Raises ImageNotFound,
    Forbidden, WrongState, Invalid, OverQuota."""
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        image = access.find_to_fill(glance.policy, session, ctx, image_id)
        claim = claims.begin(session, image)
        # Nobody changes them any more.
        session.refresh(image, ["disk_format", "container_format"])
        if not image.disk_format or not image.container_format:
            raise Invalid(reason="Properties disk_format, container_format must be set prior to "
                                 "saving data.")
        return _reserve(session, ctx, image, claim, allowed, usage.SIZE, length)


def begin_staging(glance: Glance, ctx: Context, image_id: str, length: int | None) -> Taking:
    """The same for bytes that wait to be imported."""
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        image = access.find_for(glance.policy, session, ctx, image_id, "modify_image")
        claim = claims.begin(session, image, "uploading")
        return _reserve(session, ctx, image, claim, allowed, usage.STAGED, length)


def _reserve(
    session: Session, ctx: Context, image: Image, claim: str, allowed: dict[str, int], name: str,
    length: int | None,
) -> Taking:
    usage.hold(session, ctx.project, allowed, usage.UPLOADING, 0)
    left = usage.hold(session, ctx.project, allowed, name, length or 0)
    image.size = length
    return Taking(image, claim, Room(ctx.project, allowed, name, length, left))


def upload(
    glance: Glance, image: Image, claim: str, store: Store, source: BinaryIO,
    room: Room = UNLIMITED, ctx: Context | None = None,
) -> None:
    """Bring the image to active, or back to queued with no bytes left."""
    def publish(session: Session, url: str, facts: dict[str, Any]) -> None:
        locations.add(session, image.id, store.name, url)
        claims.end(session, image.id, claim, "active", **facts)
        for verb in ("upload", "activate"):
            notices.record_image(
                session, ctx or Context(), verb, image, **(_told(facts) | {"status": "active"}))

    _take(glance, image, claim, store, source,
          content.expect(glance, image.disk_format, image.container_format), publish, room)


def stage(
    glance: Glance, image: Image, claim: str, source: BinaryIO, room: Room = UNLIMITED,
    ctx: Context | None = None,
) -> None:
    """Keep the bytes for an import. They are looked at then: a plugin may have to unpack them."""
    def publish(session: Session, url: str, facts: dict[str, Any]) -> None:
        claims.end(session, image.id, claim, "uploading", size=facts["size"])
        notices.record_image(
            session, ctx or Context(), "update", image, status="uploading", size=facts["size"])

    _take(glance, image, claim, glance.stores.staging, source, content.Expected("", ""), publish,
          room)


def _take(
    glance: Glance, image: Image, claim: str, store: Store, source: BinaryIO,
    expected: content.Expected, publish: Any, room: Room,
) -> None:
    writing = None
    try:
        try:
            writing = store.write(image.id)
        except OSError as error:
            raise content.not_stored(error) from error
        facts = content.take(
            source, writing.write, expected=expected, cap=room.cap(glance.settings.size_cap),
            alive=claims.heartbeat(glance.db, image.id, claim),
        )
        try:
            writing.flush()
        except OSError as error:
            raise content.not_stored(error) from error
        with glance.db.writing() as session:
            # Locked while the bytes get their place: nobody takes the image over in between.
            held = session.scalar(select(Image.id).where(
                Image.id == image.id, Image.saving_by == claim, Image.status != "deleted",
            ).with_for_update())
            if held is None:
                raise Gone(id=image.id)
            room.hold(session, facts["size"])
            publish(session, writing.commit(), facts)
    except BaseException:
        if writing is not None:
            with contextlib.suppress(OSError):
                writing.abort()
        with glance.db.writing() as session:
            claims.end(session, image.id, claim, "queued", size=None)
        raise


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in ("size", "virtual_size", "checksum")}


def forget(glance: Glance, image_id: str, places: list[tuple[str, str]]) -> None:
    """Remove the bytes of an image that is deleted: stored, staged and cached."""
    locations.remove(glance.stores, places)
    staging = glance.stores.staging
    locations.delete_from(staging, staging.url(image_id))
    if glance.cache.folder:
        cache.drop(glance, image_id)
