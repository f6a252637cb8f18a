"""/v2/images"""

from functools import partial
from typing import Any

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Unsupported
from cairn.common.wsgi import parse_json
from cairn.glance.api.schemas import CREATE, IMAGES_QUERY, check_value
from cairn.glance.api.views import build_links, read_page, show_record
from cairn.glance.component import Glance
from cairn.glance.core import lifecycle, listing, patching
from cairn.glance.policy import RULES

api = Api(RULES)
PATCH_TYPES = (patching.OLD, patching.NEW)


@api.post("/images", policy="add_image", body=CREATE, status=201, late=True,
          event="image.create")
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    """Register an image, queued until its bytes are uploaded or imported."""
    document = show_record(glance, ctx, lifecycle.create_image(glance, ctx, body))
    return Reply(document, 201, {
        "Location": f"/image/v2/images/{document['id']}",
        "OpenStack-image-import-methods": ",".join(glance.imports.methods.split()),
        "OpenStack-image-store-ids": ",".join(glance.stores.names)})


@api.get("/images/<image_id>", policy="get_image", late=True)
def show(glance: Glance, ctx: Context, image_id: str) -> Document:
    """Show an image; one that the caller may not see is not found."""
    return show_record(glance, ctx, lifecycle.show_image(glance, ctx, image_id))


@api.delete("/images/<image_id>", policy="delete_image", status=204, late=True,
            event="image.delete")
def delete(glance: Glance, ctx: Context, image_id: str) -> None:
    """Delete an image with its bytes, unless it is protected."""
    lifecycle.delete_image(glance, ctx, image_id)


@api.patch("/images/<image_id>", policy="modify_image", raw=True, late=True,
           event="image.update")
def update(glance: Glance, ctx: Context, image_id: str, request: Any) -> Document:
    """JSON patch: RFC 6902's add, replace and remove, of one attribute or property each."""
    if request.mimetype not in PATCH_TYPES:
        raise Unsupported(
            reason=f"Image PATCH expects Content-Type one of: {', '.join(PATCH_TYPES)}")
    changes = patching.parse(
        parse_json(request.get_data()), request.mimetype == patching.OLD,
        partial(check_value, glance.property_schemas))
    return show_record(glance, ctx, lifecycle.update_image(glance, ctx, image_id, changes))


@api.get("/images", policy="get_images", query=IMAGES_QUERY, late=True)
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    """List images, the newest first; community images of others only where visibility asks."""
    service = "read_image_as_service"
    glance.policy.enforce(ctx, service if glance.policy.allows(ctx, service) else "get_images")
    page = read_page(glance, query, listing.SORTABLE, glance.settings.limit_param_default)
    records, last = listing.list_images(glance, ctx, query, page)
    return {"images": [show_record(glance, ctx, record) for record in records],
            "schema": "/v2/schemas/images", **build_links("/v2/images", query, last)}
