"""Placement's tables. Rows refer to each other by number; clients see uuids and names."""

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common.db import Timestamps, new_metadata
from cairn.common.events import EventReaderRow, EventRow
from cairn.common.periodic import PeriodicRow


class Base(DeclarativeBase):
    metadata = new_metadata()


class Provider(Timestamps, Base):
    """Something that has resources: a compute host, a part of one, a pool."""

    __tablename__ = "resource_providers"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    # Grows with every change of what it has or what was promised of it.
    generation: Mapped[int] = mapped_column(default=0)
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("resource_providers.id"), index=True)
    # The provider at the top of its tree; itself, if it has no parent.
    root_id: Mapped[int | None] = mapped_column(ForeignKey("resource_providers.id"), index=True)


class ProviderChange(Base):
    """That a provider changed, went or came: written by every transaction that does so, so that
    processes know what of their snapshot is old. Provider 0: a resource class was renamed."""

    __tablename__ = "resource_provider_changes"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"),
                                    primary_key=True, autoincrement=True)
    provider_id: Mapped[int]


class ResourceClass(Base):
    __tablename__ = "resource_classes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)


class Trait(Base):
    __tablename__ = "traits"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)


class Inventory(Base):
    """How much of a class a provider has, and how much of that is promised (`used`: the sum of its
    allocations, kept so that a claim is one guarded UPDATE)."""

    __tablename__ = "inventories"
    __table_args__ = (Index("ix_inventories_class_id", "class_id", "provider_id"),)

    provider_id: Mapped[int] = mapped_column(
        ForeignKey("resource_providers.id"), primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("resource_classes.id"), primary_key=True)
    total: Mapped[int]
    reserved: Mapped[int]
    min_unit: Mapped[int]
    max_unit: Mapped[int]
    step_size: Mapped[int]
    # Double, as Python has it: in single precision 10 * 0.9 is less than 9.
    allocation_ratio: Mapped[float] = mapped_column(Double)
    # May pass what `total` can be, as ratios are more than one.
    used: Mapped[int] = mapped_column(BigInteger, default=0)


class ProviderTrait(Base):
    __tablename__ = "resource_provider_traits"

    provider_id: Mapped[int] = mapped_column(
        ForeignKey("resource_providers.id"), primary_key=True)
    trait_id: Mapped[int] = mapped_column(ForeignKey("traits.id"), primary_key=True, index=True)


class ProviderAggregate(Base):
    __tablename__ = "resource_provider_aggregates"

    provider_id: Mapped[int] = mapped_column(
        ForeignKey("resource_providers.id"), primary_key=True)
    aggregate: Mapped[str] = mapped_column(String(36), primary_key=True, index=True)


class Consumer(Timestamps, Base):
    """Who was promised something: a server, a migration, a share."""

    __tablename__ = "consumers"

    uuid: Mapped[str] = mapped_column(String(36), primary_key=True)
    project_id: Mapped[str] = mapped_column(String(255), index=True)
    user_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(255), default="unknown")
    generation: Mapped[int] = mapped_column(default=0)


class Allocation(Base):
    """So much of a class of a provider, promised to a consumer."""

    __tablename__ = "allocations"

    consumer: Mapped[str] = mapped_column(ForeignKey("consumers.uuid"), primary_key=True)
    provider_id: Mapped[int] = mapped_column(
        ForeignKey("resource_providers.id"), primary_key=True, index=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("resource_classes.id"), primary_key=True)
    used: Mapped[int]


class Event(EventRow, Base):
    """What changed (common/events.py)."""


class EventReader(EventReaderRow, Base):
    """How far each reader of events has come."""


class Periodic(PeriodicRow, Base):
    """What one process of all does from time to time (common/periodic.py)."""
