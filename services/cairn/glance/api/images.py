"""/v2/images"""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.db import new_id, utcnow
from cairn.common.errors import Conflict, Invalid, Unsupported
from cairn.common.pagination import page
from cairn.common.wsgi import parse_json
from cairn.glance.api import views
from cairn.glance.api.schemas import CREATE, check_value
from cairn.glance.component import Glance
from cairn.glance.core import images, listing, locations, patching, relocating, uploads, usage
from cairn.glance.db.models import Image, SpentId
from cairn.glance.errors import ImageNotFound, OverLimit, ReadOnly, Reserved
from cairn.glance.policy import RULES

api = Api(RULES)
PATCH_TYPES = (patching.OLD, patching.NEW)


def limited(what: str, attempted: int, maximum: int) -> None:
    """Raises OverLimit when an image would have more than the settings allow."""
    if 0 <= maximum < attempted:
        raise OverLimit(what=what, attempted=attempted, maximum=maximum)


@api.post("/images", policy="add_image", body=CREATE, status=201, late=True)
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    for name in body:
        if name == "locations":
            raise Reserved(name=name)
        if name == "stores" or (name in patching.READ_ONLY and name != "id"):
            raise ReadOnly(name=name)
    fields = {name: body[name] for name in patching.ATTRIBUTES if name in body and name != "tags"}
    now = utcnow()
    fields = {"owner": ctx.project, "visibility": "shared", "status": "queued"} | fields
    image = Image(**fields, id=body.get("id", new_id()).lower(), created_at=now, updated_at=now)
    glance.policy.enforce(ctx, "add_image", images.target(glance.policy, ctx, image, {}))
    _may_show(glance, ctx, image, image.visibility)
    given = {name: value for name, value in body.items()
             if name not in patching.ATTRIBUTES and name != "id"}
    for name in given:
        patching.check_name(name)
    glance.known.check_all(given)
    properties = {name: value for name, value in given.items() if value is not None}
    for name, value in properties.items():
        patching.check_text(name, value)
        if not glance.protections.allows(glance.policy, ctx, "create", name):
            raise Reserved(name=name)
    tags = set(body.get("tags", ()))
    limited("properties", len(properties), glance.settings.image_property_quota)
    limited("tags", len(tags), glance.settings.image_tag_quota)
    allowed = usage.limits(glance, ctx)
    with glance.db.writing() as session:
        usage.hold(session, ctx.project, allowed, usage.COUNT, 1)
        if "id" in body and session.get(SpentId, image.id) is not None:
            raise Conflict(reason=f"Image ID {image.id} already exists!")
        session.add(image)
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(reason=f"Image ID {image.id} already exists!") from None
        images.set_tags(session, image.id, tags)
        images.set_properties(session, image.id, {}, properties)
        document = views.documents(glance, session, ctx, [image])[0]
    return Reply(document, 201, {
        "Location": f"/image/v2/images/{image.id}",
        "OpenStack-image-import-methods": ",".join(glance.imports.methods.split()),
        "OpenStack-image-store-ids": ",".join(glance.stores.names)})


def _may_show(glance: Glance, ctx: Context, image: Image, visibility: str) -> None:
    rule = {"public": "publicize_image", "community": "communitize_image"}.get(visibility)
    if rule:
        glance.policy.enforce(ctx, rule, images.target(glance.policy, ctx, image))


@api.get("/images/<image_id>", policy="get_image", late=True)
def show(glance: Glance, ctx: Context, image_id: str) -> Document:
    with glance.db.reading() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, "get_image")
        return views.documents(glance, session, ctx, [image])[0]


@api.delete("/images/<image_id>", policy="delete_image", status=204, late=True)
def delete(glance: Glance, ctx: Context, image_id: str) -> None:
    with glance.db.writing() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, "delete_image")
        images.remove(session, image)
        places = locations.forget(session, image_id)
    # After the commit: the sweeper removes what a death in between leaves.
    uploads.forget(glance, image_id, places)


@api.patch("/images/<image_id>", policy="modify_image", raw=True, late=True)
def update(glance: Glance, ctx: Context, image_id: str, request: Any) -> Document:
    """JSON patch: RFC 6902's add, replace and remove, of one attribute or property each."""
    if request.mimetype not in PATCH_TYPES:
        raise Unsupported(
            reason=f"Image PATCH expects Content-Type one of: {', '.join(PATCH_TYPES)}")
    changes = patching.parse(
        parse_json(request.get_data()), request.mimetype == patching.OLD,
        partial(check_value, glance.known))
    sizes = relocating.look(glance, ctx, image_id, changes)

    def write(session: Session) -> Document:
        image = images.find_for(
            glance.policy, session, ctx, image_id, "modify_image", lock=bool(changes))
        if changes:
            _apply(glance, session, ctx, image, changes, sizes)
        return views.documents(glance, session, ctx, [image])[0]

    document = glance.db.write(write)
    if sizes and glance.worker is not None:
        glance.worker.ring(ctx)
    return document


def _apply(
    glance: Glance, session: Session, ctx: Context, image: Image, changes: list[patching.Change],
    sizes: relocating.Sizes,
) -> None:
    before = images.extras(session, [image.id])[0][image.id]
    properties = dict(before)

    def allows(operation: str, name: str) -> bool:
        return glance.protections.allows(glance.policy, ctx, operation, name)

    for change in changes:
        if change.name == "locations":
            relocating.apply(glance, session, ctx, image, change, sizes)
            continue
        if change.name not in patching.ATTRIBUTES:
            patching.set_property(properties, change, allows)
            continue
        if change.name == "visibility" and change.operation != "remove":
            _may_show(glance, ctx, image, change.value)
        patching.set_attribute(image, change, ctx.is_admin)
        if change.name == "tags":
            limited("tags", len(set(change.value)), glance.settings.image_tag_quota)
            images.set_tags(session, image.id, change.value)
    if properties.keys() - before.keys():
        limited("properties", len(properties), glance.settings.image_property_quota)
    images.set_properties(session, image.id, before, properties)
    image.updated_at = utcnow()
    session.flush()


@api.get("/images", policy="get_images", query={"type": "object"}, late=True)
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    if not glance.policy.allows(ctx, "read_image_as_service"):
        glance.policy.enforce(ctx, "get_images")
    settings = glance.settings
    limit = listing.limit(query.get("limit"), settings.limit_param_default, settings.api_limit_max)
    keys = listing.sorting(query)
    wanted = listing.filtered(
        ctx, query, lambda name: glance.protections.allows(glance.policy, ctx, "read", name))
    with glance.db.reading() as session:
        after = None
        if "marker" in query:
            try:
                marker = images.find(session, ctx, query["marker"])
            except ImageNotFound:
                raise Invalid(reason=f"marker: no image with ID {query['marker']}") from None
            after = [getattr(marker, column.key) for column, _ in keys]
        rows = session.execute(page(wanted, keys, after=after, limit=limit)).all()
        shown = images.seen(glance.policy, session, ctx, rows)
        found = views.documents(glance, session, ctx, shown)
    document: Document = {
        "images": found, "schema": "/v2/schemas/images", "first": _link(query, None)}
    if rows and len(rows) == limit:
        document["next"] = _link(query, rows[-1].id)
    return document


def _link(query: Any, marker: str | None) -> str:
    kept = [(k, v) for k, v in query.items(multi=True) if k != "marker"]
    if marker is not None:
        kept.append(("marker", marker))
    return "/v2/images" + (f"?{urlencode(kept)}" if kept else "")
