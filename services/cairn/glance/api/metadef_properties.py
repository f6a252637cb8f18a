"""/v2/metadefs/namespaces/{namespace}/properties"""

from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.glance.api.metadef_schemas import PROPERTY_BODY
from cairn.glance.api.metadef_views import check_writable
from cairn.glance.component import Glance
from cairn.glance.core import metadefs
from cairn.glance.db.metadefs import PropertyDefinition
from cairn.glance.errors import DefinitionNotFound
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/properties"


def view(found: PropertyDefinition, named: bool = True) -> Document:
    return {**found.json_schema, **({"name": found.name} if named else {})}


def _schema(body: Document) -> Document:
    return {key: value for key, value in body.items() if key != "name"}


@api.get(PATH, policy="get_metadef_properties", late=True)
def index(glance: Glance, ctx: Context, namespace: str) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_properties")
        return {"properties": {p.name: view(p, named=False) for p in metadefs.contents(
            session, PropertyDefinition, found)}}


@api.post(PATH, policy="add_metadef_property", body=PROPERTY_BODY, status=201, late=True)
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "add_metadef_property")
        made = PropertyDefinition(
            namespace_id=found.id, name=body["name"], json_schema=_schema(body))
        metadefs.add(session, made, made.name, "property")
        return view(made)

    return glance.db.write(write)


@api.get(f"{PATH}/<name>", policy="get_metadef_property", query={"type": "object"}, late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str, query: Any) -> Document:
    """With ?resource_type the name is the one that the key has there, with its prefix."""
    resource_type = query.get("resource_type")
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_property")
        if resource_type:
            metadefs.enforce(glance.policy, ctx, "get_metadef_resource_type", found)
            on = dict(metadefs.associations(session, [found])[found.id])
            if resource_type not in on:
                raise DefinitionNotFound("resource type", resource_type)
            name = metadefs.unprefixed(name, on[resource_type].prefix)
        return view(metadefs.find(session, PropertyDefinition, found, name))


@api.put(f"{PATH}/<name>", policy="modify_metadef_property", body=PROPERTY_BODY, late=True)
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "modify_metadef_property")
        changed = metadefs.find(session, PropertyDefinition, found, name)
        changed.name, changed.json_schema = body["name"], _schema(body)
        metadefs.add(session, changed, changed.name, "property")
        return view(changed)

    return glance.db.write(write)


@api.delete(f"{PATH}/<name>", policy="remove_metadef_property", status=204, late=True)
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "remove_metadef_property")
        gone = metadefs.find(session, PropertyDefinition, found, name)
        metadefs.unprotected(found, "property")
        session.delete(gone)

    glance.db.write(write)
