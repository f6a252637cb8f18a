"""/v2/metadefs/namespaces"""

from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.pagination import page
from cairn.glance.api import metadef_objects, metadef_properties, metadef_resource_types
from cairn.glance.api.metadef_schemas import NAMESPACE_BODY
from cairn.glance.api.metadef_views import check_writable, present, times
from cairn.glance.component import Glance
from cairn.glance.core import listing, metadefs
from cairn.glance.db.metadefs import (
    Definition,
    Namespace,
    ObjectDefinition,
    PropertyDefinition,
    TagDefinition,
)
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces"
SORTABLE = ("created_at", "updated_at", "id", "namespace", "display_name", "visibility", "owner",
            "protected")
# What creating a namespace with such contents asks for beside.
INSIDE = {"resource_type_associations": "add_metadef_resource_type_association",
          "objects": "add_metadef_object", "properties": "add_metadef_property",
          "tags": "add_metadef_tag"}


def view(namespace: Namespace) -> Document:
    return present({
        "namespace": namespace.namespace, "display_name": namespace.display_name,
        "description": namespace.description, "visibility": namespace.visibility,
        "protected": namespace.protected, "owner": namespace.owner, **times(namespace),
        "self": f"/v2/metadefs/namespaces/{namespace.namespace}",
        "schema": "/v2/schemas/metadefs/namespace"})


def _full(session: Session, namespace: Namespace, resource_type: str | None = None) -> Document:
    document = view(namespace)
    objects = [metadef_objects.view(namespace, o)
               for o in metadefs.contents(session, ObjectDefinition, namespace)]
    on = metadefs.associations(session, [namespace])[namespace.id]
    inside = {
        "objects": objects,
        "resource_type_associations": [metadef_resource_types.view(*pair) for pair in on],
        "properties": {p.name: metadef_properties.view(p, named=False)
                       for p in metadefs.contents(session, PropertyDefinition, namespace)},
        "tags": [{"name": t.name} for t in metadefs.contents(session, TagDefinition, namespace)]}
    document |= {name: found for name, found in inside.items() if found}
    if resource_type:
        metadefs.prefixed(document, on, resource_type)
    return document


@api.get(PATH, policy="get_metadef_namespaces", query={"type": "object"})
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    glance.policy.enforce(ctx, "list_metadef_resource_types")
    visibility = query.get("visibility")
    if visibility not in (None, "", "public", "private"):
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    key, way = query.get("sort_key", "created_at"), query.get("sort_dir", "desc")
    if key not in SORTABLE or way not in ("asc", "desc"):
        raise Invalid(reason=f"sort_key and sort_dir cannot be {key} and {way}")
    settings = glance.settings
    limit = listing.limit(query.get("limit"), settings.limit_param_default, settings.api_limit_max)
    keys = [(getattr(Namespace, name), way) for name in dict.fromkeys((key, "created_at", "id"))]
    wanted = metadefs.namespaces(ctx, visibility, query.get("resource_types"))
    with glance.db.reading() as session:
        after = None
        if query.get("marker"):
            marker = metadefs.find_namespace(glance.policy, session, ctx, query["marker"])
            after = [getattr(marker, column.key) for column, _ in keys]
        found = session.scalars(page(wanted, keys, after=after, limit=limit)).all()
        rows = [n for n in found
                if metadefs.allowed(glance.policy, ctx, "get_metadef_namespace", n)]
        on = metadefs.associations(session, rows)
        shown = [view(n) | ({"resource_type_associations": [
            metadef_resource_types.view(*pair) for pair in on[n.id]]} if on[n.id] else {})
            for n in rows]
    document: Document = {"namespaces": shown, "first": _link(query, None),
                          "schema": "/v2/schemas/metadefs/namespaces"}
    if found and len(found) == limit:
        document["next"] = _link(query, found[-1].namespace)
    return document


def _link(query: Any, marker: str | None) -> str:
    kept = [(k, v) for k, v in query.items(multi=True) if k != "marker"]
    if marker is not None:
        kept.append(("marker", marker))
    return f"/v2{PATH}" + (f"?{urlencode(kept)}" if kept else "")


@api.post(PATH, policy="add_metadef_namespace", body=NAMESPACE_BODY, status=201)
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    check_writable(body)
    for name, rule in INSIDE.items():
        if body.get(name):
            glance.policy.enforce(ctx, rule)

    def write(session: Session) -> Document:
        return _full(session, metadefs.create(session, body, ctx.project))

    document = glance.db.write(write)
    where = f"/image/v2{PATH}/{quote(document['namespace'], safe=':')}"
    return Reply(document, 201, {"Location": where})


@api.get(f"{PATH}/<namespace>", policy="get_metadef_namespace", query={"type": "object"},
         late=True)
def show(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_namespace",
            "list_metadef_resource_types", "get_metadef_objects", "get_metadef_properties",
            "get_metadef_tags")
        return _full(session, found, query.get("resource_type"))


@api.put(f"{PATH}/<namespace>", policy="modify_metadef_namespace", body=NAMESPACE_BODY, late=True)
def update(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    """Replace what is said of the namespace; its contents stay."""
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "modify_metadef_namespace")
        found.namespace = body["namespace"]
        found.display_name = body.get("display_name")
        found.description = body.get("description")
        found.visibility = body.get("visibility", "private")
        found.protected = body.get("protected", False)
        found.owner = body.get("owner", ctx.project)
        metadefs.add(session, found, found.namespace, "namespace")
        return view(found)

    return glance.db.write(write)


@api.delete(f"{PATH}/<namespace>", policy="delete_metadef_namespace", status=204, late=True)
def delete(glance: Glance, ctx: Context, namespace: str) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "delete_metadef_namespace")
        metadefs.unprotected(found, "namespace")
        session.delete(found)

    glance.db.write(write)


def _clear(
    glance: Glance, ctx: Context, name: str, kind: type[Definition], *rules: str
) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, name, "delete_metadef_namespace", *rules)
        metadefs.unprotected(found, "namespace")
        metadefs.clear(session, kind, found)

    glance.db.write(write)


@api.delete(f"{PATH}/<namespace>/objects", policy="delete_metadef_namespace", status=204,
            late=True)
def delete_objects(glance: Glance, ctx: Context, namespace: str) -> None:
    _clear(glance, ctx, namespace, ObjectDefinition)


@api.delete(f"{PATH}/<namespace>/properties", policy="delete_metadef_namespace", status=204,
            late=True)
def delete_properties(glance: Glance, ctx: Context, namespace: str) -> None:
    _clear(glance, ctx, namespace, PropertyDefinition)


@api.delete(f"{PATH}/<namespace>/tags", policy="delete_metadef_tags", status=204, late=True)
def delete_tags(glance: Glance, ctx: Context, namespace: str) -> None:
    _clear(glance, ctx, namespace, TagDefinition, "delete_metadef_tags")
