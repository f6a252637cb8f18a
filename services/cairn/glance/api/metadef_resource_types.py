"""/v2/metadefs/resource_types, and those that a namespace goes on."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.glance.api.metadef_schemas import ASSOCIATION_BODY
from cairn.glance.api.metadef_views import check_writable, present, times
from cairn.glance.component import Glance
from cairn.glance.core import metadefs
from cairn.glance.db.metadefs import Association, ResourceType
from cairn.glance.errors import DefinitionNotFound
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/resource_types"


def view(name: str, association: Association) -> Document:
    return present({
        "name": name, "prefix": association.prefix,
        "properties_target": association.properties_target, **times(association)})


@api.get("/metadefs/resource_types", policy="list_metadef_resource_types")
def index(glance: Glance, ctx: Context) -> Document:
    with glance.db.reading() as session:
        found = {kind.name: times(kind) for kind in session.scalars(select(ResourceType))}
    names = sorted({*found, *metadefs.KNOWN})
    return {"resource_types": [{"name": name, **found.get(name, {})} for name in names]}


@api.get(PATH, policy="get_metadef_resource_type", late=True)
def show(glance: Glance, ctx: Context, namespace: str) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "get_metadef_resource_type")
        return {"resource_type_associations": [
            view(*pair) for pair in metadefs.associations(session, [found])[found.id]]}


@api.post(PATH, policy="add_metadef_resource_type_association", body=ASSOCIATION_BODY, status=201,
          late=True)
def create(glance: Glance, ctx: Context, namespace: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "add_metadef_resource_type_association")
        return view(body["name"], metadefs.associate(session, found, body))

    return glance.db.write(write)


@api.delete(f"{PATH}/<name>", policy="remove_metadef_resource_type_association", status=204,
            late=True)
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "remove_metadef_resource_type_association")
        on = dict(metadefs.associations(session, [found])[found.id])
        if name not in on:
            raise DefinitionNotFound("resource type", f"{name} of namespace {namespace}")
        metadefs.unprotected(found, "resource type")
        session.delete(on[name])

    glance.db.write(write)
