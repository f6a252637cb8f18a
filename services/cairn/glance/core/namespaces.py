"""Namespaces of metadata definitions, and the resource types that they go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.listing import Page, order_keys, paginate
from cairn.glance.component import Glance
from cairn.glance.core import metadefs, notices
from cairn.glance.core.listing import read_values
from cairn.glance.db.metadefs import (
    Association,
    Namespace,
    ObjectDefinition,
    PropertyDefinition,
    ResourceType,
    TagDefinition,
)
from cairn.glance.errors import DefinitionNotFound

SORTABLE = {name: getattr(Namespace, name) for name in (
    "created_at", "updated_at", "id", "namespace", "display_name", "visibility", "owner",
    "protected")}
# Names of resource types, and what is known of them in a namespace.
Associations = list[tuple[str, Association]]
# What a caller must be allowed who is shown all of a namespace.
SHOWN = ("get_metadef_namespace", "list_metadef_resource_types", "get_metadef_objects",
         "get_metadef_properties", "get_metadef_tags")


@dataclass(frozen=True)
class NamespaceRecord:
    """A namespace with all that is in it."""

    namespace: Namespace
    associations: Associations
    objects: Sequence[ObjectDefinition]
    properties: Sequence[PropertyDefinition]
    tags: Sequence[TagDefinition]


def _read_record(session: Session, namespace: Namespace) -> NamespaceRecord:
    return NamespaceRecord(
        namespace,
        objects=metadefs.contents(session, ObjectDefinition, namespace),
        associations=metadefs.associations(session, [namespace])[namespace.id],
        properties=metadefs.contents(session, PropertyDefinition, namespace),
        tags=metadefs.contents(session, TagDefinition, namespace))


def list_namespaces(
    glance: Glance, ctx: Context, visibility: str | None, resource_types: str | None,
    page: Page,
) -> tuple[list[tuple[Namespace, Associations]], str | None]:
    """A page of namespaces, and the name that the next one begins after, None if there is none.
    Raises DefinitionNotFound for a marker that is none."""
    keys = order_keys(page, SORTABLE, unique="id")
    matching = metadefs.namespaces(ctx, visibility, resource_types)
    with glance.db.reading() as session:
        after = None
        if page.marker:
            marker = metadefs.find_namespace(glance.policy, session, ctx, page.marker)
            after = read_values(marker, keys)
        rows = session.scalars(paginate(matching, keys, after=after, limit=page.limit)).all()
        visible = [n for n in rows
                   if metadefs.allowed(glance.policy, ctx, "get_metadef_namespace", n)]
        on = metadefs.associations(session, visible)
    last = rows[-1].namespace if rows and len(rows) == page.limit else None
    return [(n, on[n.id]) for n in visible], last


def create_namespace(
    glance: Glance, ctx: Context, request: Mapping[str, Any]
) -> NamespaceRecord:
    """A namespace with all that the request says is in it. Raises Conflict."""
    def write(session: Session) -> NamespaceRecord:
        namespace = metadefs.create(session, request, ctx.project)
        notices.record_namespace(session, ctx, "create", namespace)
        return _read_record(session, namespace)

    return glance.db.write(write)


def show_namespace(glance: Glance, ctx: Context, name: str) -> NamespaceRecord:
    """Raises DefinitionNotFound, Forbidden."""
    with glance.db.reading() as session:
        namespace = metadefs.find_namespace(glance.policy, session, ctx, name, *SHOWN)
        return _read_record(session, namespace)


def update_namespace(
    glance: Glance, ctx: Context, name: str, request: Mapping[str, Any]
) -> Namespace:
    """Replace what is said of the namespace; its contents stay. Raises DefinitionNotFound,
    Forbidden, Conflict."""
    def write(session: Session) -> Namespace:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, "modify_metadef_namespace", lock=True)
        namespace.namespace = request["namespace"]
        namespace.display_name = request.get("display_name")
        namespace.description = request.get("description")
        namespace.visibility = request.get("visibility", "private")
        namespace.protected = request.get("protected", False)
        namespace.owner = request.get("owner", ctx.project)
        metadefs.add(session, namespace, namespace.namespace, "namespace")
        notices.record_namespace(session, ctx, "update", namespace, name)
        return namespace

    return glance.db.write(write)


def delete_namespace(glance: Glance, ctx: Context, name: str) -> None:
    """Raises DefinitionNotFound, Forbidden, ProtectedDefinition."""
    def write(session: Session) -> None:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, "delete_metadef_namespace", lock=True)
        metadefs.unprotected(namespace, "namespace")
        session.delete(namespace)
        notices.record_namespace(session, ctx, "delete", namespace)

    glance.db.write(write)


def list_resource_types(glance: Glance) -> list[tuple[str, ResourceType | None]]:
    """By name: those that some namespace goes on, and those that every cloud has."""
    with glance.db.reading() as session:
        rows = {row.name: row for row in session.scalars(select(ResourceType))}
    return [(name, rows.get(name)) for name in sorted({*rows, *metadefs.KNOWN})]


def list_associations(glance: Glance, ctx: Context, name: str) -> Associations:
    """Raises DefinitionNotFound, Forbidden."""
    with glance.db.reading() as session:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, "get_metadef_resource_type")
        return metadefs.associations(session, [namespace])[namespace.id]


def add_association(
    glance: Glance, ctx: Context, name: str, request: Mapping[str, Any]
) -> Association:
    """Say that the namespace goes on a resource type. Raises DefinitionNotFound, Forbidden,
    Conflict."""
    def write(session: Session) -> Association:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, "add_metadef_resource_type_association", lock=True)
        association = metadefs.associate(session, namespace, request)
        notices.record_association(
            session, ctx, "create", namespace, request["name"], association)
        return association

    return glance.db.write(write)


def remove_association(glance: Glance, ctx: Context, name: str, resource_type: str) -> None:
    """Raises DefinitionNotFound, Forbidden, ProtectedDefinition."""
    def write(session: Session) -> None:
        namespace = metadefs.find_namespace(
            glance.policy, session, ctx, name, "remove_metadef_resource_type_association",
            lock=True)
        on = dict(metadefs.associations(session, [namespace])[namespace.id])
        if resource_type not in on:
            raise DefinitionNotFound("resource type", f"{resource_type} of namespace {name}")
        metadefs.unprotected(namespace, "resource type")
        session.delete(on[resource_type])
        notices.record_association(
            session, ctx, "delete", namespace, resource_type, on[resource_type])

    glance.db.write(write)
