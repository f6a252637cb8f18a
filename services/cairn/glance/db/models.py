"""Glance's tables."""

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common.db import Moment, Name, Timestamps, Uuid, new_id, new_metadata, utcnow
from cairn.common.events import EventReaderRow, EventRow


class Base(DeclarativeBase):
    metadata = new_metadata()


class Image(Timestamps, Base):
    """An image record. `status`: queued, saving, active, deactivated, deleted, killed."""

    __tablename__ = "images"
    __table_args__ = (Index("ix_images_created_at_id", "created_at", "id"),)

    id: Mapped[Uuid] = mapped_column(primary_key=True, default=new_id)
    owner: Mapped[str | None] = mapped_column(String(255), index=True)
    name: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(30), default="queued", index=True)
    visibility: Mapped[str] = mapped_column(String(16), default="shared", index=True)
    disk_format: Mapped[str | None] = mapped_column(String(20))
    container_format: Mapped[str | None] = mapped_column(String(20))
    size: Mapped[int | None] = mapped_column(BigInteger)
    virtual_size: Mapped[int | None] = mapped_column(BigInteger)
    checksum: Mapped[str | None] = mapped_column(String(32))
    os_hash_algo: Mapped[str | None] = mapped_column(String(64))
    os_hash_value: Mapped[str | None] = mapped_column(String(128))
    min_disk: Mapped[int] = mapped_column(default=0)
    min_ram: Mapped[int] = mapped_column(default=0)
    protected: Mapped[bool] = mapped_column(default=False)
    os_hidden: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    # While its bytes come in: until when they may be silent, after which the upload is dead.
    saving_until: Mapped[dt.datetime | None] = mapped_column(Moment)
    # Which upload that is: one that was taken for dead must not end another's.
    saving_by: Mapped[str | None] = mapped_column(String(36))


class ImageProperty(Base):
    __tablename__ = "image_properties"

    image_id: Mapped[Uuid] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[Name] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ImageTag(Base):
    __tablename__ = "image_tags"

    image_id: Mapped[Uuid] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    value: Mapped[Name] = mapped_column(primary_key=True)


class ImageMember(Timestamps, Base):
    """A project that a shared image is shared with. `status`: pending, accepted, rejected."""

    __tablename__ = "image_members"

    image_id: Mapped[Uuid] = mapped_column(
        ForeignKey("images.id", ondelete="CASCADE"), primary_key=True)
    member: Mapped[Name] = mapped_column(primary_key=True, index=True)
    status: Mapped[str] = mapped_column(String(20), default="pending")


class UsageLock(Base):
    """Held while what a project uses is counted and added to."""

    __tablename__ = "usage_locks"

    project_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    locked_at: Mapped[dt.datetime] = mapped_column(Moment, default=utcnow)


class SpentId(Base):
    """The id of an image whose record was purged: it is never another image's, of which its old
    users would not know."""

    __tablename__ = "spent_ids"

    id: Mapped[Uuid] = mapped_column(primary_key=True)


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""


from cairn.glance.db import data as data  # noqa: E402 - its tables are of the same schema
from cairn.glance.db import metadefs as metadefs  # noqa: E402 - likewise
