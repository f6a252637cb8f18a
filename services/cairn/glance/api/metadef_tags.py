"""/v2/metadefs/namespaces/{namespace}/tags"""

from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Validator
from cairn.common.context import Context
from cairn.common.errors import Conflict
from cairn.common.wsgi import parse_json
from cairn.glance.api.metadef_schemas import TAG_BODY, TAGS_BODY
from cairn.glance.api.metadef_views import check_writable, listed, times
from cairn.glance.component import Glance
from cairn.glance.core import metadefs
from cairn.glance.db.metadefs import TagDefinition
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/tags"
check_tag, check_tags = Validator(TAG_BODY), Validator(TAGS_BODY)


def view(found: TagDefinition) -> Document:
    return {"name": found.name, **times(found)}


@api.get(PATH, policy="get_metadef_tags", query={"type": "object"}, late=True)
def index(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(glance.policy, session, ctx, namespace, "get_metadef_tags")
        return {"tags": [{"name": tag.name} for tag in listed(
            glance, session, found, TagDefinition, query)]}


@api.post(PATH, policy="add_metadef_tags", status=201, raw=True, late=True)
def create_many(glance: Glance, ctx: Context, namespace: str, request: Any) -> Document:
    """Replace all tags, or with X-Openstack-Append: true add to them."""
    body = parse_json(request.get_data())
    check_tags(body)
    append = request.headers.get("X-Openstack-Append", "").lower() in ("true", "1", "t", "yes")
    names = [tag["name"] for tag in body.get("tags", ())]
    if len(set(names)) < len(names):
        raise Conflict(reason="tags: a name is there twice.")

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(glance.policy, session, ctx, namespace, "add_metadef_tags")
        # No tags at all are no wish to have none.
        if names and not append:
            metadefs.clear(session, TagDefinition, found)
        for name in names:
            metadefs.add(
                session, TagDefinition(namespace_id=found.id, name=name), name, "tag")
        return {"tags": [{"name": name} for name in names]}

    return glance.db.write(write)


@api.post(f"{PATH}/<name>", policy="add_metadef_tag", status=201, late=True)
def create(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    check_tag({"name": name})

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(glance.policy, session, ctx, namespace, "add_metadef_tag")
        made = TagDefinition(namespace_id=found.id, name=name)
        metadefs.add(session, made, name, "tag")
        return view(made)

    return glance.db.write(write)


@api.get(f"{PATH}/<name>", policy="get_metadef_tag", late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    with glance.db.reading() as session:
        found = metadefs.find_namespace(glance.policy, session, ctx, namespace, "get_metadef_tag")
        return view(metadefs.find(session, TagDefinition, found, name))


@api.put(f"{PATH}/<name>", policy="modify_metadef_tag", body=TAG_BODY, late=True)
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    check_writable(body)

    def write(session: Session) -> Document:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "modify_metadef_tag")
        changed = metadefs.find(session, TagDefinition, found, name)
        changed.name = body["name"]
        metadefs.add(session, changed, changed.name, "tag")
        return view(changed)

    return glance.db.write(write)


@api.delete(f"{PATH}/<name>", policy="delete_metadef_tag", status=204, late=True)
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    def write(session: Session) -> None:
        found = metadefs.find_namespace(
            glance.policy, session, ctx, namespace, "delete_metadef_tag")
        gone = metadefs.find(session, TagDefinition, found, name)
        metadefs.unprotected(found, "tag")
        session.delete(gone)

    glance.db.write(write)
