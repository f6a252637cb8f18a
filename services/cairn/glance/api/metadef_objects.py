"""/v2/metadefs/namespaces/{namespace}/objects"""

from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.glance.api.metadef_schemas import OBJECT_BODY
from cairn.glance.api.metadef_views import check_writable, listed, present, times
from cairn.glance.component import Glance
from cairn.glance.core import metadefs
from cairn.glance.db.metadefs import Namespace, ObjectDefinition
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/objects"


def view(namespace: Namespace, found: ObjectDefinition) -> Document:
    return present({
        "name": found.name, "description": found.description, "required": found.required,
        "properties": found.properties, **times(found),
        "self": f"/v2/metadefs/namespaces/{namespace.namespace}/objects/{found.name}",
        "schema": "/v2/schemas/metadefs/object"})


@api.get(PATH, policy="get_metadef_objects", query={"type": "object"}, late=True)
def index(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_objects")
        objects = listed(glance, session, found, ObjectDefinition, query, least=1)
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
