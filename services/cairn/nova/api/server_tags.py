"""/servers/{id}/tags"""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.schemas import TAG, TAGS, closed
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core import server_tags, servers
from cairn.nova.errors import TagNotFound
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/tags"


@api.get(PATH, policy="os_compute_api:os-server-tags:index", since="2.26")
def index(nova: Nova, ctx: Context, server_id: str) -> Document:
    """List a server's tags."""
    return {"tags": servers.get(nova, ctx, server_id).tags}


@api.put(PATH, policy="os_compute_api:os-server-tags:update_all", since="2.26",
         body=closed(["tags"], tags=TAGS), event="compute.instance.update")
def replace(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Let a server have these tags and no others."""
    return {"tags": server_tags.replace(nova, ctx, server_id, body["tags"])}


@api.delete(PATH, policy="os_compute_api:os-server-tags:delete_all", since="2.26", status=204,
            event="compute.instance.update")
def delete_all(nova: Nova, ctx: Context, server_id: str) -> None:
    """Take all tags from a server."""
    server_tags.replace(nova, ctx, server_id, [])


@api.get(PATH + "/<tag>", policy="os_compute_api:os-server-tags:show", since="2.26", status=204)
def show(nova: Nova, ctx: Context, server_id: str, tag: str) -> None:
    """Tell whether a server has a tag: 204 if so, else 404."""
    if tag not in servers.get(nova, ctx, server_id).tags:
        raise TagNotFound(tag)


@api.put(PATH + "/<tag>", policy="os_compute_api:os-server-tags:update", since="2.26",
         status=201, also=(204,), event="compute.instance.update")
def update(nova: Nova, ctx: Context, server_id: str, tag: str) -> Reply:
    """Give a server one more tag: 201, or 204 when it has it already."""
    if not 0 < len(tag) <= TAG["maxLength"] or "," in tag or "/" in tag:
        raise Invalid(reason=f"Tag '{tag}' is invalid: 1 to 60 characters, no comma or slash.")
    if not server_tags.add(nova, ctx, server_id, tag):
        return Reply(None, 204)
    return Reply(None, 201, {"Location": f"{roots()[0]}/servers/{server_id}/tags/{tag}"})


@api.delete(PATH + "/<tag>", policy="os_compute_api:os-server-tags:delete", since="2.26",
            status=204, event="compute.instance.update")
def delete(nova: Nova, ctx: Context, server_id: str, tag: str) -> None:
    """Take one tag from a server."""
    server_tags.remove(nova, ctx, server_id, tag)
