"""What is in a namespace: objects, properties and tags, which are kept alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common import events
from cairn.common.context import Context
from cairn.common.listing import Page, order_keys, paginate
from cairn.glance.component import Glance
from cairn.glance.core import metadefs, notices
from cairn.glance.core.listing import read_values
from cairn.glance.db.metadefs import (
    Definition,
    Namespace,
    ObjectDefinition,
    PropertyDefinition,
    TagDefinition,
)
from cairn.glance.errors import DefinitionNotFound

D = TypeVar("D", bound=Definition)
SORTABLE = ("created_at", "updated_at", "id", "name")


@dataclass(frozen=True)
class Kind(Generic[D]):
    """One of the three, and the rules about it."""

    model: type[D]
    name: str
    plural: str
    remove: str = "delete"


OBJECT = Kind(ObjectDefinition, "object", "objects")
PROPERTY = Kind(PropertyDefinition, "property", "properties", remove="remove")
TAG = Kind(TagDefinition, "tag", "tags")


def list_contents(
    glance: Glance, ctx: Context, kind: Kind[D], name: str, page: Page | None = None
) -> tuple[Namespace, Sequence[D]]:
    """The namespace and a page of what it has of the kind; without one everything, the oldest
    first. Raises DefinitionNotFound, Forbidden."""
    with glance.db.reading() as session:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, f"get_metadef_{kind.plural}")
        if page is None:
            return namespace, metadefs.contents(session, kind.model, namespace)
        keys = order_keys(page, {name: getattr(kind.model, name) for name in SORTABLE}, unique="id")
        after = None
        if page.marker:
            marker = metadefs.find(session, kind.model, namespace, page.marker)
            after = read_values(marker, keys)
        matching = select(kind.model).where(kind.model.namespace_id == namespace.id)
        return namespace, session.scalars(
            paginate(matching, keys, after=after, limit=page.limit)).all()


def create_content(
    glance: Glance, ctx: Context, kind: Kind[D], namespace_name: str, fields: Mapping[str, Any]
) -> tuple[Namespace, D]:
    """Raises DefinitionNotFound, Forbidden, Conflict."""
    def write(session: Session) -> tuple[Namespace, D]:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, f"add_metadef_{kind.name}", lock=True)
        record = kind.model()
        for field, value in {"namespace_id": namespace.id, **fields}.items():
            setattr(record, field, value)
        metadefs.add(session, record, record.name, kind.name)
        notices.record_content(session, ctx, kind.name, "create", namespace, record)
        return namespace, record

    return glance.db.write(write)


def show_content(
    glance: Glance, ctx: Context, kind: Kind[D], namespace_name: str, name: str
) -> tuple[Namespace, D]:
    """Raises DefinitionNotFound, Forbidden."""
    with glance.db.reading() as session:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, f"get_metadef_{kind.name}")
        return namespace, metadefs.find(session, kind.model, namespace, name)


def show_property_of_type(
    glance: Glance, ctx: Context, namespace_name: str, name: str, resource_type: str
) -> PropertyDefinition:
    """The property whose key has that name, with its prefix, on the resource type. Raises
    DefinitionNotFound, Forbidden."""
    with glance.db.reading() as session:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, "get_metadef_property")
        metadefs.enforce(glance.policy, ctx, "get_metadef_resource_type", namespace)
        on = dict(metadefs.associations(session, [namespace])[namespace.id])
        if resource_type not in on:
            raise DefinitionNotFound("resource type", resource_type)
        bare = metadefs.unprefixed(name, on[resource_type].prefix)
        return metadefs.find(session, PropertyDefinition, namespace, bare)


def update_content(
    glance: Glance, ctx: Context, kind: Kind[D], namespace_name: str, name: str,
    fields: Mapping[str, Any],
) -> tuple[Namespace, D]:
    """Raises DefinitionNotFound, Forbidden, Conflict."""
    def write(session: Session) -> tuple[Namespace, D]:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, f"modify_metadef_{kind.name}", lock=True)
        record = metadefs.find(session, kind.model, namespace, name)
        for field, value in fields.items():
            setattr(record, field, value)
        metadefs.add(session, record, record.name, kind.name)
        notices.record_content(session, ctx, kind.name, "update", namespace, record, name)
        return namespace, record

    return glance.db.write(write)


def delete_content(
    glance: Glance, ctx: Context, kind: Kind[D], namespace_name: str, name: str
) -> None:
    """Raises DefinitionNotFound, Forbidden, ProtectedDefinition."""
    def write(session: Session) -> None:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, f"{kind.remove}_metadef_{kind.name}",
            lock=True)
        record = metadefs.find(session, kind.model, namespace, name)
        metadefs.unprotected(namespace, kind.name)
        session.delete(record)
        notices.record_content(session, ctx, kind.name, "delete", namespace, record)

    glance.db.write(write)


def clear_contents(
    glance: Glance, ctx: Context, kind: Kind[D], namespace_name: str, *rules: str
) -> None:
    """Remove all of the kind. Raises DefinitionNotFound, Forbidden, ProtectedDefinition."""
    def write(session: Session) -> None:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, "delete_metadef_namespace", *rules,
            lock=True)
        metadefs.unprotected(namespace, "namespace")
        metadefs.clear(session, kind.model, namespace)
        notices.record_namespace(session, ctx, f"delete_{kind.plural}", namespace)

    glance.db.write(write)


def set_tags(
    glance: Glance, ctx: Context, namespace_name: str, names: Sequence[str], append: bool
) -> None:
    """Replace all tags of the namespace, or with `append` add to them. Raises DefinitionNotFound,
    Forbidden, Conflict."""
    def write(session: Session) -> None:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, namespace_name, "add_metadef_tags", lock=True)
        # No tags at all are no wish to have none.
        if not names:
            events.unchanged()
        elif not append:
            metadefs.clear(session, TagDefinition, namespace)
            notices.record_namespace(session, ctx, "delete_tags", namespace)
        for name in names:
            tag = TagDefinition(namespace_id=namespace.id, name=name)
            metadefs.add(session, tag, name, "tag")
            notices.record_content(session, ctx, "tag", "create", namespace, tag)

    glance.db.write(write)
