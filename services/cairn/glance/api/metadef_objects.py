"""/v2/metadefs/namespaces/{namespace}/objects"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.pagination import page
from cairn.glance.api.metadef_schemas import OBJECT_BODY
from cairn.glance.api.metadef_views import check_writable, present, times
from cairn.glance.component import Glance
from cairn.glance.core import listing, metadefs
from cairn.glance.db.metadefs import Namespace, ObjectDefinition
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/objects"
SORTABLE = ("created_at", "updated_at", "id", "name")


def view(namespace: Namespace, found: ObjectDefinition) -> Document:
    return present({
        "name": found.name, "description": found.description, "required": found.required,
        "properties": found.properties, **times(found),
        "self": f"/v2/metadefs/namespaces/{namespace.namespace}/objects/{found.name}",
        "schema": "/v2/schemas/metadefs/object"})


def sorted_by(kind: type[Any], query: Any) -> list[tuple[Any, str]]:
    """How a list of a namespace's contents is ordered; ends in the unique id."""
    key, way = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
    if key not in SORTABLE or way not in ("asc", "desc"):
        raise Invalid(reason=f"sort_key and sort_dir cannot be {key} and {way}")
    return [(getattr(kind, name), way) for name in dict.fromkeys((key, "created_at", "id"))]


def listed(
    glance: Glance, session: Session, namespace: Namespace, kind: type[Any], query: Any
) -> list[Any]:
    """A page of a namespace's contents. Without a limit it is everything."""
    limit = None
    if query.get("limit") is not None:
        limit = listing.limit(query["limit"], 0, glance.settings.api_limit_max)
        if kind is ObjectDefinition and limit == 0:
            raise Invalid(reason="limit param must be positive")
    keys = sorted_by(kind, query)
    after = None
    if query.get("marker"):
        marker = metadefs.find(session, kind, namespace, query["marker"])
        after = [getattr(marker, column.key) for column, _ in keys]
    wanted = select(kind).where(kind.namespace_id == namespace.id)
    return list(session.scalars(page(wanted, keys, after=after, limit=limit)))


@api.get(PATH, policy="get_metadef_objects", query={"type": "object"}, late=True)
def index(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_objects")
        objects = listed(glance, session, found, ObjectDefinition, query)
        return {"objects": [view(found, o) for o in objects],
                "schema": "v2/schemas/metadefs/objects"}


@api.post(PATH, policy="add_metadef_object", body=OBJECT_BODY, status=201, late=True)
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "add_metadef_object")
        made = ObjectDefinition(
            namespace_id=found.id, name=body["name"], description=body.get("description"),
            required=body.get("required", []), properties=body.get("properties", {}))
        metadefs.add(session, made, made.name, "object")
        return view(found, made)

    return glance.db.write(write)


@api.get(f"{PATH}/<name>", policy="get_metadef_object", late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_object")
        return view(found, metadefs.find(session, ObjectDefinition, found, name))


@api.put(f"{PATH}/<name>", policy="modify_metadef_object", body=OBJECT_BODY, late=True)
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "modify_metadef_object")
        changed = metadefs.find(session, ObjectDefinition, found, name)
        changed.name = body["name"]
        changed.description = body.get("description")
        changed.required = body.get("required", [])
        changed.properties = body.get("properties", {})
        metadefs.add(session, changed, changed.name, "object")
        return view(found, changed)

    return glance.db.write(write)


@api.delete(f"{PATH}/<name>", policy="delete_metadef_object", status=204, late=True)
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "delete_metadef_object")
        gone = metadefs.find(session, ObjectDefinition, found, name)
        metadefs.unprotected(found, "object")
        session.delete(gone)

    glance.db.write(write)
