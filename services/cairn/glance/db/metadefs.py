"""Metadata definitions: what keys of images, flavors and others are known to mean."""

from typing import Annotated

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cairn.common.db import Json, JsonList, Timestamps
from cairn.glance.db.models import Base

Word = Annotated[str, mapped_column(String(80))]


class Namespace(Timestamps, Base):
    """A set of definitions. `visibility`: public, private."""

    __tablename__ = "metadef_namespaces"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    namespace: Mapped[Word] = mapped_column(unique=True)
    display_name: Mapped[str | None] = mapped_column(String(80))
    description: Mapped[str | None] = mapped_column(Text)
    visibility: Mapped[str] = mapped_column(String(32), default="private")
    protected: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str] = mapped_column(String(255), index=True)


class Definition(Timestamps):
    """What the contents of a namespace have in common."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("metadef_namespaces.id", ondelete="CASCADE"))
    name: Mapped[Word]


class ObjectDefinition(Definition, Base):
    """A group of properties that belong together."""

    __tablename__ = "metadef_objects"
    __table_args__ = (UniqueConstraint("namespace_id", "name"),)

    description: Mapped[str | None] = mapped_column(Text)
    required: Mapped[JsonList] = mapped_column(JSON, default=list)
    properties: Mapped[Json] = mapped_column(JSON, default=dict)


class PropertyDefinition(Definition, Base):
    """A key, and the JSON schema of its values."""

    __tablename__ = "metadef_properties"
    __table_args__ = (UniqueConstraint("namespace_id", "name"),)

    json_schema: Mapped[Json]


class TagDefinition(Definition, Base):
    """A word."""

    __tablename__ = "metadef_tags"
    __table_args__ = (UniqueConstraint("namespace_id", "name"),)


class ResourceType(Timestamps, Base):
    """A kind of thing that keys are put on, such as OS::Glance::Image."""

    __tablename__ = "metadef_resource_types"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[Word] = mapped_column(unique=True)


class Association(Timestamps, Base):
    """That a namespace's keys go on a resource type, and what they begin with there."""

    __tablename__ = "metadef_namespace_resource_types"

    namespace_id: Mapped[int] = mapped_column(
        ForeignKey("metadef_namespaces.id", ondelete="CASCADE"), primary_key=True)
    resource_type_id: Mapped[int] = mapped_column(
        ForeignKey("metadef_resource_types.id"), primary_key=True)
    prefix: Mapped[str | None] = mapped_column(String(80))
    properties_target: Mapped[str | None] = mapped_column(String(80))
