"""Metadata definitions as files: JSON documents of an operator's, a namespace in each.

The format is that of the files of upstream's glance-manage: the body that creates a namespace.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cairn.common.errors import Invalid
from cairn.glance.core import metadefs
from cairn.glance.db.metadefs import (
    Association,
    Namespace,
    ObjectDefinition,
    PropertyDefinition,
    ResourceType,
    TagDefinition,
)

# Whose the namespaces of files are that name no owner.
OWNER = "admin"


def read(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The documents of a file, or of a folder's *.json. Raises Invalid, naming the file."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    documents = []
    for file in files:
        try:
            document = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as wrong:
            raise Invalid(reason=f"{file}: {wrong}") from wrong
        if not isinstance(document, dict) or not document.get("namespace"):
            raise Invalid(reason=f"{file}: there is no namespace in it")
        documents.append((file, document))
    return documents


def load(
    session: Session, document: Mapping[str, Any], *, merge: bool = False,
    prefer_new: bool = False, overwrite: bool = False,
) -> bool:
    """Bring a namespace in; whether anything changed. One that is there stays as it is, unless it
    is to be overwritten, or merged: then what it lacks is added, and with `prefer_new` what it
    has is replaced."""
    namespace = session.scalar(
        select(Namespace).where(Namespace.namespace == document["namespace"]))
    if namespace is not None and overwrite:
        session.delete(namespace)
        session.flush()
        namespace = None
    if namespace is None:
        metadefs.create(session, document, OWNER)
        return True
    return merge and _merge(session, namespace, document, prefer_new)


def _merge(
    session: Session, namespace: Namespace, document: Mapping[str, Any], prefer_new: bool
) -> bool:
    there = export(session, namespace)
    lacking: dict[str, Any] = {}
    for group in ("objects", "tags", "resource_type_associations"):
        had = {entry["name"]: entry for entry in there.get(group, ())}
        lacking[group] = [entry for entry in document.get(group) or ()
                          if entry["name"] not in had
                          or (prefer_new and not _says(had[entry["name"]], entry))]
    had = there.get("properties", {})
    lacking["properties"] = {name: schema for name, schema in (
        document.get("properties") or {}).items()
        if name not in had or (prefer_new and had[name] != schema)}
    told = {name: document[name] for name in ("display_name", "description", "visibility",
                                              "protected") if document.get(name) is not None}
    changed = {n: v for n, v in told.items() if there.get(n) != v} if prefer_new else {}
    for name, value in changed.items():
        setattr(namespace, name, value)
    _drop(session, namespace, lacking)
    metadefs.fill(session, namespace, lacking)
    return bool(changed) or any(lacking.values())


def _says(had: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return all(had.get(name, type(value)()) == value for name, value in values.items())


def _drop(session: Session, namespace: Namespace, replaced: Mapping[str, Any]) -> None:
    for kind, group in ((ObjectDefinition, "objects"), (TagDefinition, "tags")):
        names = [entry["name"] for entry in replaced[group]]
        session.execute(delete(kind).where(
            kind.namespace_id == namespace.id, kind.name.in_(names)))
    session.execute(delete(PropertyDefinition).where(
        PropertyDefinition.namespace_id == namespace.id,
        PropertyDefinition.name.in_(replaced["properties"])))
    kinds = {entry["name"] for entry in replaced["resource_type_associations"]}
    for name, association in metadefs.associations(session, [namespace])[namespace.id]:
        if name in kinds:
            session.delete(association)
    session.flush()


def unload(session: Session, names: list[str]) -> int:
    """Forget these namespaces, or all; how many there were. Resource types that no namespace
    goes on any more are forgotten too."""
    query = select(Namespace)
    if names:
        query = query.where(Namespace.namespace.in_(names))
    gone = session.scalars(query).all()
    for namespace in gone:
        session.delete(namespace)
    session.flush()
    used = select(Association.resource_type_id)
    session.execute(delete(ResourceType).where(ResourceType.id.not_in(used)))
    return len(gone)


def export(session: Session, namespace: Namespace) -> dict[str, Any]:
    """The document that would make the namespace again."""
    document: dict[str, Any] = {
        "namespace": namespace.namespace, "display_name": namespace.display_name,
        "description": namespace.description, "visibility": namespace.visibility,
        "protected": namespace.protected, "owner": namespace.owner,
        "resource_type_associations": [
            _filled({"name": name, "prefix": a.prefix, "properties_target": a.properties_target})
            for name, a in metadefs.associations(session, [namespace])[namespace.id]],
        "properties": {p.name: p.json_schema
                       for p in metadefs.contents(session, PropertyDefinition, namespace)},
        "objects": [_filled({"name": o.name, "description": o.description, "required": o.required,
                            "properties": o.properties})
                    for o in metadefs.contents(session, ObjectDefinition, namespace)],
        "tags": [{"name": t.name} for t in metadefs.contents(session, TagDefinition, namespace)]}
    return _filled(document)


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in (None, [], {})}
