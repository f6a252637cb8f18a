"""POST /servers/{id}/action createImage: a server's root disk, as an image."""

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.nova.api.schemas import METADATA, NAME, closed
from cairn.nova.api.views import roots
from cairn.nova.component import Nova
from cairn.nova.core import snapshots
from cairn.nova.core.flows import create_image
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/action"
BODY = closed(["createImage"], createImage=closed(["name"], name=NAME, metadata=METADATA))
POLICY = "os_compute_api:servers:create_image"


@api.post(PATH, action="createImage", policy=POLICY, status=202, until="2.44", body=BODY,
          event=create_image.ACTION.event)
def create(nova: Nova, ctx: Context, server_id: str, body: Document) -> Reply:
    """Make an image of a server's root disk; its id is in the answer's Location."""
    image_id = snapshots.take(nova, ctx, server_id, body["createImage"])
    return Reply(None, 202, {"Location": f"{roots()[0]}/images/{image_id}"})


@api.post(PATH, action="createImage", policy=POLICY, status=202, since="2.45", body=BODY,
          event=create_image.ACTION.event)
def create_named(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """The same, with the image's id in the answer (microversion 2.45)."""
    return {"image_id": snapshots.take(nova, ctx, server_id, body["createImage"])}
