"""/v2/metadefs/namespaces"""

from typing import Any
from urllib.parse import quote

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import read_value
from cairn.glance.api import metadef_objects, metadef_properties, metadef_resource_types
from cairn.glance.api.schemas import NAMESPACE_BODY, NAMESPACES_QUERY, OF_TYPE_QUERY
from cairn.glance.api.views import build_links, check_writable, present, read_page, times
from cairn.glance.component import Glance
from cairn.glance.core import contents, metadefs, namespaces
from cairn.glance.core.namespaces import NamespaceRecord
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces"
# What creating a namespace with such contents asks for beside.
INSIDE = {"resource_type_associations": "add_metadef_resource_type_association",
          "objects": "add_metadef_object", "properties": "add_metadef_property",
          "tags": "add_metadef_tag"}


def view(namespace: Any) -> Document:
    return present({
        "namespace": namespace.namespace, "display_name": namespace.display_name,
        "description": namespace.description, "visibility": namespace.visibility,
        "protected": namespace.protected, "owner": namespace.owner, **times(namespace),
        "self": f"/v2/metadefs/namespaces/{namespace.namespace}",
        "schema": "/v2/schemas/metadefs/namespace"})


def _full(record: NamespaceRecord, resource_type: str | None = None) -> Document:
    document = view(record.namespace)
    inside = {
        "objects": [metadef_objects.view(record.namespace, o) for o in record.objects],
        "resource_type_associations": [
            metadef_resource_types.view(*pair) for pair in record.associations],
        "properties": {p.name: metadef_properties.view(p, named=False)
                       for p in record.properties},
        "tags": [{"name": t.name} for t in record.tags]}
    document |= {name: entries for name, entries in inside.items() if entries}
    if resource_type:
        metadefs.prefixed(document, record.associations, resource_type)
    return document


@api.get(PATH, policy="get_metadef_namespaces", query=NAMESPACES_QUERY)
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    """List the caller's namespaces and the public ones, with the resource types they go on."""
    glance.policy.enforce(ctx, "list_metadef_resource_types")
    visibility = read_value(query, "visibility")
    if visibility not in (None, "", "public", "private"):
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    page = read_page(glance, query, namespaces.SORTABLE, glance.settings.limit_param_default)
    rows, last = namespaces.list_namespaces(
        glance, ctx, visibility, read_value(query, "resource_types"), page)
    return {
        "namespaces": [view(namespace) | ({"resource_type_associations": [
            metadef_resource_types.view(*pair) for pair in on]} if on else {})
            for namespace, on in rows],
        "schema": "/v2/schemas/metadefs/namespaces", **build_links(f"/v2{PATH}", query, last)}


@api.post(PATH, policy="add_metadef_namespace", body=NAMESPACE_BODY, status=201,
          event="metadef_namespace.create")
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    """Create a namespace, with all of the contents that the body has."""
    check_writable(body)
    for name, rule in INSIDE.items():
        if body.get(name):
            glance.policy.enforce(ctx, rule)
    document = _full(namespaces.create_namespace(glance, ctx, body))
    where = f"/image/v2{PATH}/{quote(document['namespace'], safe=':')}"
    return Reply(document, 201, {"Location": where})


@api.get(f"{PATH}/<namespace>", policy="get_metadef_namespace", query=OF_TYPE_QUERY,
         late=True)
def show(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    """Show a namespace with everything in it, keys prefixed as resource_type asks for."""
    return _full(namespaces.show_namespace(glance, ctx, namespace),
                 read_value(query, "resource_type"))


@api.put(f"{PATH}/<namespace>", policy="modify_metadef_namespace", body=NAMESPACE_BODY, late=True,
         event="metadef_namespace.update")
def update(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    """Replace what is said of the namespace; its contents stay."""
    check_writable(body)
    return view(namespaces.update_namespace(glance, ctx, namespace, body))


@api.delete(f"{PATH}/<namespace>", policy="delete_metadef_namespace", status=204, late=True,
            event="metadef_namespace.delete")
def delete(glance: Glance, ctx: Context, namespace: str) -> None:
    """Delete a namespace with everything in it, unless it is protected."""
    namespaces.delete_namespace(glance, ctx, namespace)


@api.delete(f"{PATH}/<namespace>/objects", policy="delete_metadef_namespace", status=204,
            late=True,
            event="metadef_namespace.delete_objects")
def delete_objects(glance: Glance, ctx: Context, namespace: str) -> None:
    """Delete all objects of a namespace, unless it is protected."""
    contents.clear_contents(glance, ctx, contents.OBJECT, namespace)


@api.delete(f"{PATH}/<namespace>/properties", policy="delete_metadef_namespace", status=204,
            late=True,
            event="metadef_namespace.delete_properties")
def delete_properties(glance: Glance, ctx: Context, namespace: str) -> None:
    """Delete all properties of a namespace, unless it is protected."""
    contents.clear_contents(glance, ctx, contents.PROPERTY, namespace)


@api.delete(f"{PATH}/<namespace>/tags", policy="delete_metadef_tags", status=204, late=True,
            event="metadef_namespace.delete_tags")
def delete_tags(glance: Glance, ctx: Context, namespace: str) -> None:
    """Delete all tags of a namespace, unless it is protected."""
    contents.clear_contents(glance, ctx, contents.TAG, namespace, "delete_metadef_tags")
