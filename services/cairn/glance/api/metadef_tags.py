"""/v2/metadefs/namespaces/{namespace}/tags"""

from typing import Any

from cairn.common.api import Api, Document, Validator
from cairn.common.context import Context
from cairn.common.errors import Conflict
from cairn.common.wsgi import parse_json
from cairn.glance.api.schemas import CONTENTS_QUERY, TAG_BODY, TAGS_BODY
from cairn.glance.api.views import check_writable, read_page, times
from cairn.glance.component import Glance
from cairn.glance.core import contents
from cairn.glance.core.contents import TAG
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/metadefs/namespaces/<namespace>/tags"
check_tag, check_tags = Validator(TAG_BODY), Validator(TAGS_BODY)


def view(record: Any) -> Document:
    return {"name": record.name, **times(record)}


@api.get(PATH, policy="get_metadef_tags", query=CONTENTS_QUERY, late=True)
def index(glance: Glance, ctx: Context, namespace: str, query: Any) -> Document:
    """List the names of a namespace's tags, the newest first."""
    _, tags = contents.list_contents(
        glance, ctx, TAG, namespace, read_page(glance, query, contents.SORTABLE))
    return {"tags": [{"name": tag.name} for tag in tags]}


@api.post(PATH, policy="add_metadef_tags", status=201, raw=True, late=True,
          event="metadef_tag.create")
def create_many(glance: Glance, ctx: Context, namespace: str, request: Any) -> Document:
    """Replace all tags, or with X-Openstack-Append: true add to them."""
    body = parse_json(request.get_data())
    check_tags(body)
    append = request.headers.get("X-Openstack-Append", "").lower() in ("true", "1", "t", "yes")
    names = [tag["name"] for tag in body.get("tags", ())]
    if len(set(names)) < len(names):
        raise Conflict(reason="tags: a name is there twice.")
    contents.set_tags(glance, ctx, namespace, names, append)
    return {"tags": [{"name": name} for name in names]}


@api.post(f"{PATH}/<name>", policy="add_metadef_tag", status=201, late=True,
          event="metadef_tag.create")
def create(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    """Add a tag of that name to a namespace; the request has no body."""
    check_tag({"name": name})
    return view(contents.create_content(glance, ctx, TAG, namespace, {"name": name})[1])


@api.get(f"{PATH}/<name>", policy="get_metadef_tag", late=True)
def show(glance: Glance, ctx: Context, namespace: str, name: str) -> Document:
    """Show a tag, and when it was made."""
    return view(contents.show_content(glance, ctx, TAG, namespace, name)[1])


@api.put(f"{PATH}/<name>", policy="modify_metadef_tag", body=TAG_BODY, late=True,
         event="metadef_tag.update")
def update(glance: Glance, ctx: Context, namespace: str, name: str, body: Document) -> Document:
    """Rename a tag."""
    check_writable(body)
    return view(contents.update_content(
        glance, ctx, TAG, namespace, name, {"name": body["name"]})[1])


@api.delete(f"{PATH}/<name>", policy="delete_metadef_tag", status=204, late=True,
            event="metadef_tag.delete")
def delete(glance: Glance, ctx: Context, namespace: str, name: str) -> None:
    """Delete a tag, unless its namespace is protected."""
    contents.delete_content(glance, ctx, TAG, namespace, name)
