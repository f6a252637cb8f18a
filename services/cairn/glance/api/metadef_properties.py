"""/v2/metadefs/namespaces/{namespace}/properties"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.listing import read_value
from cairn.glance.api.schemas import OF_TYPE_QUERY, PROPERTY_BODY
from cairn.glance.api.views import check_writable
from cairn.glance.component import Glance
from cairn.glance.core import contents
from cairn.glance.core.contents import PROPERTY
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/properties"


def view(record: Any, named: bool = True) -> Document:
    return {**record.json_schema, **({"name": record.name} if named else {})}


def _fields(body: Document) -> Document:
    return {"name": body["name"],
            "json_schema": {key: value for key, value in body.items() if key != "name"}}


@api.get(PATH, policy="get_metadef_properties", late=True)
def index(glance: Glance, ctx: Context, namespace: str) -> Document:
    """List all properties of a namespace by name, as JSON schemas."""
    _, properties = contents.list_contents(glance, ctx, PROPERTY, namespace)
    return {"properties": {p.name: view(p, named=False) for p in properties}}


@api.post(PATH, policy="add_metadef_property", body=PROPERTY_BODY, status=201, late=True,
          event="metadef_property.create")
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    """Add a property, which is a JSON schema with a name, to a namespace."""
    check_writable(body)
    return view(contents.create_content(glance, ctx, PROPERTY, namespace, _fields(body))[1])


@api.get(f"{PATH}/<name>", policy="get_metadef_property", query=OF_TYPE_QUERY, late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str, query: Any) -> Document:
    """With ?resource_type the name is the one that the key has there, with its prefix."""
    resource_type = read_value(query, "resource_type")
    if resource_type:
        return view(contents.show_property_of_type(glance, ctx, namespace, name, resource_type))
    return view(contents.show_content(glance, ctx, PROPERTY, namespace, name)[1])


@api.put(f"{PATH}/<name>", policy="modify_metadef_property", body=PROPERTY_BODY, late=True,
         event="metadef_property.update")
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    """Replace a property's schema, and its name if the body has another."""
    check_writable(body)
    return view(contents.update_content(glance, ctx, PROPERTY, namespace, name, _fields(body))[1])


@api.delete(f"{PATH}/<name>", policy="remove_metadef_property", status=204, late=True,
            event="metadef_property.delete")
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    """Delete a property, unless its namespace is protected."""
    contents.delete_content(glance, ctx, PROPERTY, namespace, name)
