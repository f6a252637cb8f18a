"""Where the bytes of images are, and the works and tasks that bring them there."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Json, Moment, Timestamps, Uuid, new_id
from cairn.common.ledger import StepRow, WorkRow
from cairn.common.periodic import PeriodicRow
from cairn.glance.db.models import Base


class Work(WorkRow, Base):
    """What is being done with the bytes of images, and what was."""


class WorkStep(StepRow, Base):
    """The steps of a work."""


class Periodic(PeriodicRow, Base):
    """What one of glance's processes does from time to time."""


class ImageLocation(Timestamps, Base):
    """A place that has all the bytes of an image. The oldest is the first."""

    __tablename__ = "image_locations"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    image_id: Mapped[Uuid] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), index=True)
    store: Mapped[str] = mapped_column(String(64), index=True)
    url: Mapped[str] = mapped_column(Text)
    # `metadata` to clients; SQLAlchemy keeps that name.
    meta: Mapped[Json] = mapped_column(JSON, default=dict)


class Task(Timestamps, Base):
    """A work on an image, as its owner sees it. `status`: pending, processing, success, failure."""

    __tablename__ = "tasks"
    __table_args__ = (Index("ix_tasks_created_at_id", "created_at", "id"),)

    id: Mapped[Uuid] = mapped_column(primary_key=True, default=new_id)
    type: Mapped[str] = mapped_column(String(30))
    status: Mapped[str] = mapped_column(String(30), default="pending", index=True)
    owner: Mapped[str] = mapped_column(String(255), index=True)
    image_id: Mapped[str | None] = mapped_column(String(36), index=True)
    request_id: Mapped[str | None] = mapped_column(String(64))
    user_id: Mapped[str | None] = mapped_column(String(64))
    input: Mapped[Json]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    message: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[dt.datetime | None] = mapped_column(Moment, index=True)


class CachedImage(Timestamps, Base):
    """An image that a host keeps a copy of, or shall. `state`: queued, caching, cached."""

    __tablename__ = "cached_images"
    __table_args__ = (UniqueConstraint("image_id", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    image_id: Mapped[Uuid]
    host: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16), default="queued")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    hits: Mapped[int] = mapped_column(default=0)
    accessed_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    until: Mapped[dt.datetime | None] = mapped_column(Moment)
