"""/v3/projects/<id>/tags"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.keystone.api import schemas
from cairn.keystone.api.views import link
from cairn.keystone.component import Keystone
from cairn.keystone.core import tags
from cairn.keystone.policy import RULES

api = Api(RULES)
PATH = "/projects/<project_id>/tags"


def _view(project_id: str, names: list[str]) -> Document:
    return {"tags": names, "links": {"self": link(f"projects/{project_id}/tags")}}


@api.get(PATH, policy="identity:list_project_tags", late=True)
def index(keystone: Keystone, ctx: Context, project_id: str) -> Document:
    """List a project's tags."""
    return _view(project_id, tags.list_tags(keystone, ctx, project_id))


@api.put(PATH, policy="identity:update_project_tags", late=True, body=schemas.PROJECT_TAGS,
         event="identity.project.updated")
def replace(keystone: Keystone, ctx: Context, project_id: str, body: Document) -> Document:
    """Replace all tags of a project."""
    return _view(project_id, tags.replace(keystone, ctx, project_id, body["tags"]))


@api.delete(PATH, policy="identity:delete_project_tags", status=204, late=True,
            event="identity.project.updated")
def clear(keystone: Keystone, ctx: Context, project_id: str) -> None:
    """Delete all tags of a project."""
    tags.clear(keystone, ctx, project_id)


@api.get(f"{PATH}/<tag>", policy="identity:get_project_tag", status=204, late=True)
def check(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Check that a project has a tag; 404 if not."""
    tags.check(keystone, ctx, project_id, tag)


@api.put(f"{PATH}/<tag>", policy="identity:create_project_tag", status=201, late=True,
         event="identity.project.updated")
def add(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Add a tag to a project; to repeat it changes nothing."""
    tags.add(keystone, ctx, project_id, tag)


@api.delete(f"{PATH}/<tag>", policy="identity:delete_project_tag", status=204, late=True,
            event="identity.project.updated")
def remove(keystone: Keystone, ctx: Context, project_id: str, tag: str) -> None:
    """Delete a tag of a project; 404 if it has none of that name."""
    tags.remove(keystone, ctx, project_id, tag)
