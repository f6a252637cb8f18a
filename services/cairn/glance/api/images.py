"""/v2/images"""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document, Reply, Validator
from cairn.common.context import Context
from cairn.common.errors import Conflict, Forbidden, Invalid, Unsupported
from cairn.common.pagination import page
from cairn.glance.api import views
from cairn.glance.api.schemas import CREATE, PATCH, READ_ONLY, SETTABLE
from cairn.glance.component import Glance
from cairn.glance.core import images
from cairn.glance.db.models import Image, ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound, ReadOnly
from cairn.glance.policy import RULES

api = Api(RULES)
LIMIT, MOST = 25, 1000
SORTABLE = ("name", "status", "container_format", "disk_format", "size", "id", "created_at",
            "updated_at")
OLD_PATCH = "application/openstack-images-v2.0-json-patch"
PATCH_TYPES = ("application/openstack-images-v2.1-json-patch", OLD_PATCH)
check_patch = Validator(PATCH)
check_value = {name: Validator({"type": "object", "properties": {name: schema}})
               for name, schema in SETTABLE.items()}


def view(session: Session, image: Image) -> Document:
    properties, tags = images.extras(session, [image.id])
    return views.image(image, properties[image.id], tags[image.id])


@api.post("/images", policy="add_image", body=CREATE, status=201)
def create(glance: Glance, ctx: Context, body: Document) -> Reply:
    for name in body:
        if name in READ_ONLY and name != "id":
            raise ReadOnly(name=name, reason="")
    owner = body.get("owner", ctx.project)
    if owner != ctx.project and not ctx.is_admin:
        raise Forbidden(rule="add_image for another project")
    _may_show(glance, ctx, body.get("visibility"))
    fields = {name: body[name] for name in SETTABLE if name in body and name != "tags"}
    with glance.db.writing() as session:
        image = Image(**fields | {"owner": owner})
        if "id" in body:
            image.id = body["id"].lower()
        session.add(image)
        try:
            session.flush()
        except IntegrityError:
            raise Conflict(reason=f"Image ID {body['id']} already exists!") from None
        images.set_tags(session, image.id, body.get("tags", []))
        for name in body.keys() - SETTABLE.keys() - {"id"}:
            images.set_property(session, image.id, name, body[name])
        document = view(session, image)
    return Reply(document, 201, {"Location": f"/image/v2/images/{image.id}"})


def _may_show(glance: Glance, ctx: Context, visibility: str | None) -> None:
    rule = {"public": "publicize_image", "community": "communitize_image"}.get(visibility or "")
    if rule:
        glance.policy.enforce(ctx, rule)


@api.get("/images/<image_id>", policy="get_image")
def show(glance: Glance, ctx: Context, image_id: str) -> Document:
    with glance.db.reading() as session:
        return view(session, images.find(session, ctx, image_id))


@api.delete("/images/<image_id>", policy="delete_image", status=204)
def delete(glance: Glance, ctx: Context, image_id: str) -> None:
    with glance.db.writing() as session:
        images.remove(session, images.find_mine(session, ctx, image_id, "delete"))
    # After the commit: the sweeper removes what a death in between leaves.
    glance.store.delete(image_id)


@api.patch("/images/<image_id>", policy="modify_image", raw=True)
def update(glance: Glance, ctx: Context, image_id: str, request: Any) -> Document:
    """JSON patch (RFC 6902's add, replace and remove, one path part)."""
    if request.mimetype not in PATCH_TYPES:
        raise Unsupported(reason=f"Expected content type {PATCH_TYPES[0]}.")
    try:
        changes = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as wrong:
        raise Invalid(reason=f"Malformed request body: not JSON: {wrong}") from wrong
    if request.mimetype == OLD_PATCH:
        changes = [_renewed(change) for change in changes] if isinstance(changes, list) else changes
    check_patch(changes)
    with glance.db.writing() as session:
        image = images.find_mine(session, ctx, image_id, "modify")
        for change in changes:
            _apply(glance, session, ctx, image, change)
        session.flush()
        session.refresh(image)
        return view(session, image)


def _renewed(change: Any) -> Any:
    """{"replace": "/name", "value": v} as {"op": "replace", "path": "/name", "value": v}."""
    operations = [o for o in ("add", "replace", "remove") if o in change]
    if len(operations) != 1:
        raise Invalid(reason="Operation objects must contain exactly one member named add, "
                             "remove, or replace.")
    rest = {name: value for name, value in change.items() if name != operations[0]}
    return {"op": operations[0], "path": change[operations[0]], **rest}


def _apply(
    glance: Glance, session: Session, ctx: Context, image: Image, change: Document
) -> None:
    operation, path = change["op"], change["path"]
    if operation not in ("add", "replace", "remove"):
        raise Invalid(reason=f"Operation '{operation}' is not one of add, replace, remove.")
    if not path.startswith("/") or "/" in path[1:] or len(path) < 2:
        raise Invalid(reason=f"Invalid JSON pointer for this resource: '{path}'")
    name = path[1:].replace("~1", "/").replace("~0", "~")
    if name in READ_ONLY:
        raise ReadOnly(name=name, reason="")
    if operation != "remove" and "value" not in change:
        raise Invalid(reason=f'Operation "{operation}" requires a member named "value".')
    if name not in SETTABLE:
        _property(session, image, operation, name, change.get("value"))
        return
    if operation == "remove":
        raise Forbidden(rule=f"removing '{name}'")
    value = change["value"]
    check_value[name]({name: value})
    if name == "tags":
        images.set_tags(session, image.id, value)
        return
    if name == "visibility" and value != image.visibility:
        _may_show(glance, ctx, value)
    if name == "owner" and not ctx.is_admin:
        raise Forbidden(rule="changing the owner")
    if name in ("disk_format", "container_format") and image.status != "queued":
        raise ReadOnly(name=name, reason="")
    setattr(image, name, value)


def _property(session: Session, image: Image, operation: str, name: str, value: Any) -> None:
    known = session.get(ImageProperty, (image.id, name)) is not None
    if operation in ("replace", "remove") and not known:
        raise Conflict(reason=f"Property {name} does not exist.")
    if operation == "remove":
        images.set_property(session, image.id, name, None)
        return
    if not isinstance(value, str) or len(name) > 255:
        raise Invalid(reason=f"Invalid input for field/attribute {name}. It must be a string.")
    images.set_property(session, image.id, name, value)
    session.expire_all()


@api.get("/images", policy="get_images", query={"type": "object"})
def index(glance: Glance, ctx: Context, query: Any) -> Document:
    limit = _limit(query.get("limit"))
    keys = _sort(query)
    with glance.db.reading() as session:
        wanted = _filtered(ctx, query)
        after = None
        if "marker" in query:
            marker = images.find(session, ctx, query["marker"])
            after = [getattr(marker, column.key) for column, _ in keys]
        rows = session.scalars(page(wanted, keys, after=after, limit=limit)).all()
        properties, tags = images.extras(session, [row.id for row in rows])
    document: Document = {
        "images": [views.image(row, properties[row.id], tags[row.id]) for row in rows],
        "schema": "/v2/schemas/images", "first": _link(query, None)}
    if limit and len(rows) == limit:
        document["next"] = _link(query, rows[-1].id)
    return document


def _link(query: Any, marker: str | None) -> str:
    kept = [(k, v) for k, v in query.items(multi=True) if k != "marker"]
    if marker is not None:
        kept.append(("marker", marker))
    return "/v2/images" + (f"?{urlencode(kept)}" if kept else "")


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not text.isdigit():
        raise Invalid(reason="limit param must be a non-negative integer")
    return min(int(text), MOST)


def _sort(query: Any) -> list[tuple[Any, str]]:
    if "sort" in query:
        parts = [p.partition(":") for p in query["sort"].split(",")]
        wanted = [(name.strip(), direction.strip() or "desc") for name, _, direction in parts]
    else:
        names = query.getlist("sort_key") or ["created_at"]
        directions = query.getlist("sort_dir") or ["desc"]
        directions += [directions[-1]] * (len(names) - len(directions))
        wanted = list(zip(names, directions, strict=False))
    for name, direction in wanted:
        if name not in SORTABLE:
            raise Invalid(reason=f"Unsupported sort key: {name}")
        if direction not in ("asc", "desc"):
            raise Invalid(reason=f"Invalid sort direction: {direction}")
    for name in ("created_at", "id"):
        if name not in [n for n, _ in wanted]:
            wanted.append((name, "desc"))
    return [(getattr(Image, name), direction) for name, direction in wanted]


def _filtered(ctx: Context, query: Any) -> Any:
    visibility, member_status = query.get("visibility"), query.get("member_status", "accepted")
    if visibility not in (None, "all", "public", "private", "shared", "community"):
        raise Invalid(reason=f"Invalid visibility value: {visibility}")
    if member_status not in ("pending", "accepted", "rejected", "all"):
        raise Invalid(reason=f"Invalid status: {member_status}")
    wanted = select(Image).where(
        Image.status != "deleted", images.listable(ctx, visibility, member_status))
    hidden = _boolean("os_hidden", query.get("os_hidden", "false"))
    wanted = wanted.where(Image.os_hidden.is_(hidden))
    if "protected" in query:
        wanted = wanted.where(Image.protected.is_(_boolean("protected", query["protected"])))
    for tag in query.getlist("tag"):
        wanted = wanted.where(
            Image.id.in_(select(ImageTag.image_id).where(ImageTag.value == tag)))
    skipped = {"limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status",
               "os_hidden", "protected", "tag"}
    for name, value in query.items():
        if name not in skipped:
            wanted = wanted.where(_condition(name, value))
    return wanted


def _condition(name: str, value: str) -> Any:
    if name in ("size_min", "size_max", "min_ram", "min_disk"):
        if not value.isdigit():
            raise Invalid(reason=f"{name} must be a non-negative integer")
        if name == "size_min":
            return Image.size >= int(value)
        if name == "size_max":
            return Image.size <= int(value)
        return getattr(Image, name) == int(value)
    if name in ("created_at", "updated_at"):
        return _compared(getattr(Image, name), value)
    if name in ("id", "name", "status", "disk_format", "container_format", "owner", "checksum",
                "os_hash_value", "os_hash_algo"):
        column = getattr(Image, name)
        return column.in_(value[3:].split(",")) if value.startswith("in:") else column == value
    return Image.id.in_(select(ImageProperty.image_id).where(
        ImageProperty.name == name, ImageProperty.value == value))


def _compared(column: Any, text: str) -> Any:
    """ "gte:2026-01-01T00:00:00Z" and its like (API reference, "Time comparison filters")."""
    operator, colon, when = text.partition(":")
    if operator not in ("gt", "gte", "eq", "neq", "lt", "lte"):
        operator, when = "eq", text
    try:
        moment = dt.datetime.fromisoformat(when)
    except ValueError:
        raise Invalid(reason=f"Invalid time value: {when}") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    return {"gt": column > moment, "gte": column >= moment, "eq": column == moment,
            "neq": column != moment, "lt": column < moment, "lte": column <= moment}[operator]


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Invalid(reason=f"Invalid value '{text}' for '{name}' filter. Valid values are "
                             "case-insensitive 'true' or 'false'.")
    return text.lower() == "true"


@api.put("/images/<image_id>/tags/<tag>", policy="modify_image", status=204)
def add_tag(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    if len(tag) > 255:
        raise Invalid(reason=f"Tag '{tag[:40]}...' is longer than 255 characters.")
    with glance.db.writing() as session:
        image = images.find_mine(session, ctx, image_id, "modify")
        _, tags = images.extras(session, [image.id])
        images.set_tags(session, image.id, [*tags[image.id], tag])


@api.delete("/images/<image_id>/tags/<tag>", policy="modify_image", status=204)
def remove_tag(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    with glance.db.writing() as session:
        image = images.find_mine(session, ctx, image_id, "modify")
        _, tags = images.extras(session, [image.id])
        if tag not in tags[image.id]:
            raise ImageNotFound(id=f"{image_id} with tag {tag}")
        images.set_tags(session, image.id, [t for t in tags[image.id] if t != tag])
