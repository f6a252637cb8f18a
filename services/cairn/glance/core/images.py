"""What it means to see, make, change and remove an image."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.orm import Session, object_session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Forbidden
from cairn.common.policy import ENFORCED, Policy
from cairn.glance.db.models import Image, ImageMember, ImageProperty, ImageTag
from cairn.glance.errors import ImageNotFound, Protected

# What a rule is always told of an image.
TOLD = frozenset(("project_id", "owner", "visibility", "status", "member_id"))
# What services do to any image with their own token.
READS = ("get_image", "download_image")


def sees_all(ctx: Context) -> bool:
    return ctx.is_admin or ctx.is_service


def listable(ctx: Context, visibility: str | None, member_status: str) -> Any:
    """What narrows a query to images that a list shows (API reference, "List images")."""
    member = select(ImageMember.image_id).where(ImageMember.member == ctx.project)
    if member_status != "all":
        member = member.where(ImageMember.status == member_status)
    with_me = and_(Image.visibility == "shared", Image.id.in_(member))
    mine = Image.owner == ctx.project
    everything = sees_all(ctx)
    if visibility == "all":
        return True if everything else or_(
            mine, Image.visibility.in_(("public", "community")), with_me)
    if visibility in ("public", "community"):
        return Image.visibility == visibility
    if visibility == "private":
        return Image.visibility == "private" if everything else and_(
            mine, Image.visibility == "private")
    if visibility == "shared":
        return Image.visibility == "shared" if everything else or_(
            and_(mine, Image.visibility == "shared"), with_me)
    if everything:
        return or_(mine, Image.visibility != "community")
    return or_(mine, Image.visibility == "public", with_me)


_ALL = select(Image).where(Image.id == bindparam("id"), Image.status != "deleted")
_VISIBLE = _ALL.where(or_(
    Image.owner == bindparam("project"), Image.visibility.in_(("public", "community")),
    and_(Image.visibility == "shared", Image.id.in_(
        select(ImageMember.image_id).where(
            ImageMember.image_id == bindparam("id"), ImageMember.member == bindparam("project"),
            ImageMember.status != "rejected"))),
))
_ALL_LOCKED, _VISIBLE_LOCKED = _ALL.with_for_update(), _VISIBLE.with_for_update()


def find(session: Session, ctx: Context, image_id: str, lock: bool = False) -> Image:
    """The image, if the caller may see it at all. `lock` keeps others from changing it."""
    if sees_all(ctx):
        query = _ALL_LOCKED if lock else _ALL
    else:
        query = _VISIBLE_LOCKED if lock else _VISIBLE
    image = session.scalar(query, {"id": image_id, "project": ctx.project})
    if image is None:
        raise ImageNotFound(id=image_id)
    return image


def target(
    policy: Policy, ctx: Context, image: Any, properties: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a rule may ask of an image: a record, or with `properties` a row of one."""
    # One that is seen but neither owned nor open is seen as a member's.
    shared = image.visibility == "shared" and image.owner != ctx.project
    told = {"project_id": image.owner, "owner": image.owner, "visibility": image.visibility,
            "status": image.status, "member_id": ctx.project if shared else None}
    for name in asked_beside(policy.keys):
        if properties is None:
            session = object_session(image)
            properties = extras(session, [image.id])[0][image.id] if session else {}
        if name in properties or hasattr(image, name):
            told[name] = properties.get(name, getattr(image, name, None))
    return told


@cache
def asked_beside(keys: frozenset[str]) -> frozenset[str]:
    """What rules that an operator wrote ask of images beside what upstream's do: other attributes,
    and properties."""
    return keys - TOLD


def allowed(
    policy: Policy, ctx: Context, rule: str, image: Any,
    properties: Mapping[str, str] | None = None,
) -> bool:
    """Whether `rule` lets the caller do it to an image that was found for it."""
    if rule in READS and policy.allows(ctx, "read_image_as_service"):
        return True
    return policy.allows(ctx, rule, target(policy, ctx, image, properties))


def seen(policy: Policy, session: Session, ctx: Context, rows: Sequence[Any]) -> list[Any]:
    """Those rows of a list that the caller may see."""
    if asked_beside(policy.keys):
        properties = extras(session, [row.id for row in rows])[0]
        return [row for row in rows
                if allowed(policy, ctx, "get_image", row, properties[row.id])]
    # The rule says the same of all images that are the same to it.
    kinds = {(row.owner, row.visibility, row.status): row for row in rows}
    may = {kind for kind, row in kinds.items() if allowed(policy, ctx, "get_image", row, {})}
    return [row for row in rows if (row.owner, row.visibility, row.status) in may]


def enforce(policy: Policy, ctx: Context, rule: str, image: Any) -> None:
    """Hold the caller against `rule`. Who may not even see the image is told there is none."""
    ENFORCED.names.append(rule)
    if allowed(policy, ctx, rule, image):
        return
    if rule == "get_image" or not allowed(policy, ctx, "get_image", image):
        raise ImageNotFound(id=image.id)
    raise Forbidden(rule=rule)


def find_for(
    policy: Policy, session: Session, ctx: Context, image_id: str, rule: str, lock: bool = False
) -> Image:
    """An image to which the caller may do what `rule` is about."""
    image = find(session, ctx, image_id, lock)
    enforce(policy, ctx, rule, image)
    return image


def find_to_fill(policy: Policy, session: Session, ctx: Context, image_id: str) -> Image:
    """An image that the caller may send the bytes of: nova-compute those of a server's image."""
    image = find(session, ctx, image_id)
    if policy.allows(ctx, "fill_snapshot_as_service") and session.scalar(
        select(ImageProperty.value).where(ImageProperty.image_id == image.id,
                                          ImageProperty.name == "instance_uuid")):
        ENFORCED.names.append("fill_snapshot_as_service")
        return image
    enforce(policy, ctx, "upload_image", image)
    return image


# Of the tables, not of the classes: a list of images reads thousands of these rows.
_property, _tag = ImageProperty.__table__.c, ImageTag.__table__.c
_PROPERTIES = select(_property.image_id, _property.name, _property.value).where(
    _property.image_id.in_(bindparam("ids", expanding=True)))
_TAGS = select(_tag.image_id, _tag.value).where(
    _tag.image_id.in_(bindparam("ids", expanding=True)))


def extras(
    session: Session, ids: Sequence[str]
) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """Custom properties and tags of images, by image id."""
    properties: dict[str, dict[str, str]] = {id_: {} for id_ in ids}
    tags: dict[str, list[str]] = {id_: [] for id_ in ids}
    if not ids:
        return properties, tags
    for image_id, name, value in session.execute(_PROPERTIES, {"ids": ids}).all():
        properties[image_id][name] = value
    for image_id, tag in session.execute(_TAGS, {"ids": ids}).all():
        tags[image_id].append(tag)
    for found in tags.values():
        found.sort()
    return properties, tags


def set_tags(session: Session, image_id: str, tags: Iterable[str]) -> None:
    session.execute(delete(ImageTag).where(ImageTag.image_id == image_id))
    rows = [{"image_id": image_id, "value": tag} for tag in sorted(set(tags))]
    if rows:
        session.execute(insert(ImageTag), rows)


def set_properties(
    session: Session, image_id: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Write the difference."""
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    gone = [name for name in before if name not in after or name in changed]
    if gone:
        session.execute(delete(ImageProperty).where(
            ImageProperty.image_id == image_id, ImageProperty.name.in_(gone)))
    if changed:
        session.execute(insert(ImageProperty), [
            {"image_id": image_id, "name": name, "value": value}
            for name, value in changed.items()])


def remove(session: Session, image: Image) -> None:
    if image.protected:
        raise Protected(id=image.id, reason="")
    session.execute(update(Image).where(Image.id == image.id).values(
        status="deleted", deleted_at=utcnow()))
    for model in (ImageTag, ImageProperty, ImageMember):
        session.execute(delete(model).where(model.image_id == image.id))
