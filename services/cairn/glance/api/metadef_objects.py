"""/v2/metadefs/namespaces/{namespace}/objects"""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.glance.api.schemas import CONTENTS_QUERY, OBJECT_BODY
from cairn.glance.api.views import check_writable, present, read_page, times
from cairn.glance.component import Glance
from cairn.glance.core import contents
from cairn.glance.core.contents import OBJECT
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/objects"


def view(namespace: Any, record: Any) -> Document:
    return present({
        "name": record.name, "description": record.description, "required": record.required,
        "properties": record.properties, **times(record),
        "self": f"/v2/metadefs/namespaces/{namespace.namespace}/objects/{record.name}",
        "schema": "/v2/schemas/metadefs/object"})


def _fields(body: Document) -> Document:
    return {"name": body["name"], "description": body.get("description"),
            "required": body.get("required", []), "properties": body.get("properties", {})}


@api.get(PATH, policy="get_metadef_objects", query=CONTENTS_QUERY, late=True)
def index(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    """List the objects of a namespace, the newest first."""
    page = read_page(glance, query, contents.SORTABLE)
    if page.limit == 0:
        raise Invalid(reason="limit param must be positive")
    row, objects = contents.list_contents(glance, ctx, OBJECT, namespace, page)
    return {"objects": [view(row, o) for o in objects], "schema": "v2/schemas/metadefs/objects"}


@api.post(PATH, policy="add_metadef_object", body=OBJECT_BODY, status=201, late=True,
          event="metadef_object.create")
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    """Add an object, which is a group of properties, to a namespace."""
    check_writable(body)
    return view(*contents.create_content(glance, ctx, OBJECT, namespace, _fields(body)))


@api.get(f"{PATH}/<name>", policy="get_metadef_object", late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    """Show an object of a namespace with its properties."""
    return view(*contents.show_content(glance, ctx, OBJECT, namespace, name))


@api.put(f"{PATH}/<name>", policy="modify_metadef_object", body=OBJECT_BODY, late=True,
         event="metadef_object.update")
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    """Replace an object; what the body leaves out is emptied."""
    check_writable(body)
    return view(*contents.update_content(glance, ctx, OBJECT, namespace, name, _fields(body)))


@api.delete(f"{PATH}/<name>", policy="delete_metadef_object", status=204, late=True,
            event="metadef_object.delete")
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    """Delete an object, unless its namespace is protected."""
    contents.delete_content(glance, ctx, OBJECT, namespace, name)
