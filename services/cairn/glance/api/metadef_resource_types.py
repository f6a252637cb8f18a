"""/v2/metadefs/resource_types, and those that a namespace goes on."""

from typing import Any

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.glance.api.schemas import ASSOCIATION_BODY
from cairn.glance.api.views import check_writable, present, times
from cairn.glance.component import Glance
from cairn.glance.core import namespaces
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/resource_types"


def view(name: str, association: Any) -> Document:
    return present({
        "name": name, "prefix": association.prefix,
        "properties_target": association.properties_target, **times(association)})


@api.get("/metadefs/resource_types", policy="list_metadef_resource_types")
def index(glance: Glance, ctx: Context) -> Document:
    """List the resource types that namespaces can go on, used yet or not."""
    return {"resource_types": [
        {"name": name, **(times(row) if row is not None else {})}
        for name, row in namespaces.list_resource_types(glance)]}


@api.get(PATH, policy="get_metadef_resource_type", late=True)
def show(glance: Glance, ctx: Context, namespace: str) -> Document:
    """List the resource types that a namespace goes on."""
    return {"resource_type_associations": [
        view(*pair) for pair in namespaces.list_associations(glance, ctx, namespace)]}


@api.post(PATH, policy="add_metadef_resource_type_association", body=ASSOCIATION_BODY, status=201,
          late=True,
          event="metadef_resource_type.create")
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    """Say that a namespace goes on a resource type, which need not have been known before."""
    check_writable(body)
    return view(body["name"], namespaces.add_association(glance, ctx, namespace, body))


@api.delete(f"{PATH}/<name>", policy="remove_metadef_resource_type_association", status=204,
            late=True,
            event="metadef_resource_type.delete")
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    """Take a namespace off a resource type, unless the namespace is protected."""
    namespaces.remove_association(glance, ctx, namespace, name)
