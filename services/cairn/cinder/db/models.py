"""Cinder's tables.

A row that is gone is gone: no list shows what was deleted, and events and messages tell of it.
"""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common.db import Moment, Name, Timestamps, Uuid, new_id, new_metadata
from cairn.common.events import EventReaderRow, EventRow
from cairn.common.ledger import StepRow, WorkRow
from cairn.common.periodic import PeriodicRow


class Base(DeclarativeBase):
    metadata = new_metadata()


class Work(WorkRow, Base):
    """What is being done to volumes, snapshots, backups and groups, and what was. The subject is
    the volume's id, also of what is done to its snapshots and backups."""


class WorkStep(StepRow, Base):
    """The steps of a work."""


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""


class Periodic(PeriodicRow, Base):
    """What one of cinder's processes does from time to time."""


class Numbered(Timestamps):
    """A row that lists order by the moment it was made, and by its number among equals."""

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)


class Owned(Numbered):
    project_id: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[str] = mapped_column(String(64))
    # NULL where none was given.
    name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    # As the API has it; claimed by compare-and-set for what is done to the thing.
    status: Mapped[str] = mapped_column(String(32))
    # What it was before it was claimed: where a work that is unwound puts it back to.
    previous_status: Mapped[str | None] = mapped_column(String(32))


class Volume(Owned, Base):
    """A disk of a project's."""

    __tablename__ = "volumes"
    __table_args__ = (
        Index("ix_volumes_listing", "project_id", "created_at", "number"),
        Index("ix_volumes_all", "created_at", "number"),
        Index("ix_volumes_host", "host"),
        Index("ix_volumes_group", "group_id"),
    )

    size: Mapped[int]  # GiB
    availability_zone: Mapped[str] = mapped_column(String(255))
    type_id: Mapped[str | None] = mapped_column(String(36), index=True)
    # Where it is: host@backend#pool; NULL until a backend was chosen.
    host: Mapped[str | None] = mapped_column(String(255))
    # What it is called in its backend, where that is not its own id: it has been migrated.
    name_id: Mapped[str | None] = mapped_column(String(36))
    # What its driver said of it.
    provider: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    # What it was made of.
    snapshot_id: Mapped[str | None] = mapped_column(String(36))
    source_volid: Mapped[str | None] = mapped_column(String(36))
    image_id: Mapped[str | None] = mapped_column(String(36))

    bootable: Mapped[bool] = mapped_column(default=False)
    multiattach: Mapped[bool] = mapped_column(default=False)
    # NULL until somebody has said it.
    readonly: Mapped[bool | None]
    # The API's metadata; that name is SQLAlchemy's on a model.
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Of the image that it was made of, or what was said of it: texts by name.
    image_meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # "attached" while an attachment is; else "detached".
    attach_status: Mapped[str] = mapped_column(String(16), default="detached")
    # NULL, or what migration it is in: starting, migrating, completing, success, error, target:ID.
    migration_status: Mapped[str | None] = mapped_column(String(64))
    encryption_key_id: Mapped[str | None] = mapped_column(String(36))
    group_id: Mapped[str | None] = mapped_column(String(36))
    scheduled_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    launched_at: Mapped[dt.datetime | None] = mapped_column(Moment)


class Snapshot(Owned, Base):
    """A volume as it was at one moment."""

    __tablename__ = "snapshots"
    __table_args__ = (
        Index("ix_snapshots_listing", "project_id", "created_at", "number"),
        Index("ix_snapshots_all", "created_at", "number"),
    )

    volume_id: Mapped[str] = mapped_column(String(36), index=True)
    size: Mapped[int]  # GiB: the volume's, then.
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    provider: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    encryption_key_id: Mapped[str | None] = mapped_column(String(36))
    type_id: Mapped[str | None] = mapped_column(String(36))
    group_snapshot_id: Mapped[str | None] = mapped_column(String(36), index=True)
    progress: Mapped[str] = mapped_column(String(8), default="0%")
    # Whether it counts: one that a backup of a volume in use makes for itself does not.
    hidden: Mapped[bool] = mapped_column(default=False)


class Attachment(Timestamps, Base):
    """Who uses a volume, and how it is reached there."""

    __tablename__ = "volume_attachments"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64), index=True)
    volume_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("volumes.id", ondelete="CASCADE"), index=True
    )
    # NULL: it is not a server's.
    instance_id: Mapped[str | None] = mapped_column(String(36), index=True)
    # reserved, attaching, attached, detaching, error_attaching, error_detaching
    status: Mapped[str] = mapped_column(String(32), default="reserved")
    mode: Mapped[str] = mapped_column(String(8), default="rw")
    # Of a host, by the older way: no server.
    attached_host: Mapped[str | None] = mapped_column(String(255))
    mountpoint: Mapped[str | None] = mapped_column(String(255))
    attached_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    detached_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    connector: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    connection_info: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class VolumeType(Timestamps, Base):
    """What kinds of volumes there are: where they may be, and what is promised of them."""

    __tablename__ = "volume_types"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    name: Mapped[Name] = mapped_column(String(255), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))
    is_public: Mapped[bool] = mapped_column(default=True)
    extra_specs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    qos_specs_id: Mapped[str | None] = mapped_column(String(36), index=True)
    # NULL, or {"encryption_id", "provider", "cipher", "key_size", "control_location"}.
    encryption: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class VolumeTypeAccess(Base):
    """Who may see a type that is not public."""

    __tablename__ = "volume_type_projects"

    type_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("volume_types.id", ondelete="CASCADE"), primary_key=True
    )
    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)


class DefaultType(Timestamps, Base):
    """The type of a project's volumes that name none."""

    __tablename__ = "default_volume_types"

    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    type_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("volume_types.id", ondelete="CASCADE"), index=True
    )


class QosSpecs(Timestamps, Base):
    """What guests may ask of disks of some types; consumer front-end, back-end or both."""

    __tablename__ = "qos_specs"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    name: Mapped[Name] = mapped_column(String(255), unique=True)
    consumer: Mapped[str] = mapped_column(String(16), default="back-end")
    specs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class EncryptionKey(Timestamps, Base):
    """A volume's passphrase, wrapped by a key that is in no database."""

    __tablename__ = "encryption_keys"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    wrapped: Mapped[str] = mapped_column(Text)


class Transfer(Timestamps, Base):
    """An offer to give a volume to another project."""

    __tablename__ = "volume_transfers"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64), index=True)
    volume_id: Mapped[str] = mapped_column(String(36), index=True)
    name: Mapped[str | None] = mapped_column(String(255))
    # A keyed hash of what the taker has to show.
    salt: Mapped[str] = mapped_column(String(64))
    auth_hash: Mapped[str] = mapped_column(String(128))
    no_snapshots: Mapped[bool] = mapped_column(default=False)
    accepted: Mapped[bool] = mapped_column(default=False)
    destination_project_id: Mapped[str | None] = mapped_column(String(64))


class Backup(Owned, Base):
    """What a volume held, kept elsewhere."""

    __tablename__ = "backups"
    __table_args__ = (
        Index("ix_backups_listing", "project_id", "created_at", "number"),
        Index("ix_backups_all", "created_at", "number"),
    )

    volume_id: Mapped[str] = mapped_column(String(36), index=True)
    snapshot_id: Mapped[str | None] = mapped_column(String(36))
    # What an incremental one stands on.
    parent_id: Mapped[str | None] = mapped_column(String(36), index=True)
    size: Mapped[int]  # GiB of the volume.
    # Bytes that it takes itself.
    stored: Mapped[int | None] = mapped_column(BigInteger)
    object_count: Mapped[int] = mapped_column(default=0)
    container: Mapped[str | None] = mapped_column(String(255))
    # Which cinder-backup has it, and which driver.
    host: Mapped[str | None] = mapped_column(String(255))
    driver: Mapped[str | None] = mapped_column(String(255))
    availability_zone: Mapped[str | None] = mapped_column(String(255))
    fail_reason: Mapped[str | None] = mapped_column(Text)
    # The moment whose content it has.
    data_timestamp: Mapped[dt.datetime | None] = mapped_column(Moment)
    meta: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # What its driver said of it.
    provider: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # What it takes to make its volume anew: type, image metadata, bootable.
    volume_facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    restored_volume_id: Mapped[str | None] = mapped_column(String(36))
    encryption_key_id: Mapped[str | None] = mapped_column(String(36))


class GroupType(Timestamps, Base):
    """What kinds of groups of volumes there are."""

    __tablename__ = "group_types"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    name: Mapped[Name] = mapped_column(String(255), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))
    is_public: Mapped[bool] = mapped_column(default=True)
    group_specs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Group(Owned, Base):
    """Volumes that are treated together."""

    __tablename__ = "groups"
    __table_args__ = (Index("ix_groups_listing", "project_id", "created_at", "number"),)

    group_type_id: Mapped[str] = mapped_column(String(36), index=True)
    # The types that its volumes may have.
    volume_type_ids: Mapped[list[Any]] = mapped_column(JSON, default=list)
    availability_zone: Mapped[str] = mapped_column(String(255))
    host: Mapped[str | None] = mapped_column(String(255))
    group_snapshot_id: Mapped[str | None] = mapped_column(String(36))
    source_group_id: Mapped[str | None] = mapped_column(String(36))
    replication_status: Mapped[str] = mapped_column(String(32), default="disabled")


class GroupSnapshot(Owned, Base):
    """Snapshots of a group's volumes, of one moment where its type says so."""

    __tablename__ = "group_snapshots"
    __table_args__ = (Index("ix_group_snapshots_listing", "project_id", "created_at", "number"),)

    group_id: Mapped[str] = mapped_column(String(36), index=True)
    group_type_id: Mapped[str] = mapped_column(String(36))


class Message(Timestamps, Base):
    """Why something that was begun did not come to its end, and what may be done."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_listing", "project_id", "created_at", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[Uuid] = mapped_column(String(36), unique=True, default=new_id)
    project_id: Mapped[str] = mapped_column(String(64))
    request_id: Mapped[str] = mapped_column(String(64))
    resource_type: Mapped[str] = mapped_column(String(32))
    resource_id: Mapped[str | None] = mapped_column(String(36), index=True)
    # VOLUME_VOLUME_001_002: resource, action, detail.
    event_id: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(16), default="ERROR")
    text: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[dt.datetime] = mapped_column(Moment, index=True)


class Service(Timestamps, Base):
    """A process of ours by the last time a message of its own came back to it; of cinder-volume
    one for each backend, as host@backend."""

    __tablename__ = "services"
    __table_args__ = (UniqueConstraint("host", "binary"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    host: Mapped[str] = mapped_column(String(255))
    binary: Mapped[str] = mapped_column(String(64))
    zone: Mapped[str] = mapped_column(String(255))
    seen_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    disabled: Mapped[bool] = mapped_column(default=False)
    disabled_reason: Mapped[str | None] = mapped_column(String(255))
    frozen: Mapped[bool] = mapped_column(default=False)
    # What a backend last said: {"pools": [drivers.base.Pool...], "capabilities": {...}}, and
    # {"trouble": a sentence} while it can not be used.
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Quota(Base):
    """A limit that is not the default; `project_id` "class:default" changes the default itself."""

    __tablename__ = "quotas"

    project_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    # volumes, gigabytes, gigabytes_<type> and the like: longer than a type's name.
    resource: Mapped[str] = mapped_column(String(300), primary_key=True)
    hard_limit: Mapped[int]


class QuotaLock(Base):
    """Who counts a project's things holds its row, so that no two requests pass one limit."""

    __tablename__ = "quota_locks"

    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    locked_at: Mapped[dt.datetime] = mapped_column(Moment)
