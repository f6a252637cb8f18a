"""Who may see an image, and do what to it."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import BindParameter, Select, Table, and_, bindparam, or_, select
from sqlalchemy.orm import Session, object_session

from cairn.common.context import Context
from cairn.common.errors import Forbidden
from cairn.common.policy import ENFORCED, Policy
from cairn.glance.core.images import read_extras
from cairn.glance.db.models import Image, ImageMember, ImageProperty
from cairn.glance.errors import ImageNotFound

# What a rule is always told of an image.
TOLD = frozenset(("project_id", "owner", "visibility", "status", "member_id"))
# What services do to any image with their own token.
READS = ("get_image", "download_image")


def sees_all(ctx: Context) -> bool:
    """Whether the caller sees images of every project: administrators do, and services."""
    return ctx.is_admin or ctx.is_service


# Of the tables, not of the classes: statements of tables pass the ORM by.
IMAGE = cast(Table, Image.__table__).c
MEMBER = cast(Table, ImageMember.__table__).c
COLUMNS = [column for column in IMAGE if column.name not in ("deleted_at", "saving_until")]
PROJECT: BindParameter[str] = bindparam("project")


def listable(everything: bool, visibility: str | None, member_status: str) -> Any:
    """What narrows a query to images that a list shows PROJECT (API reference, "List images")."""
    member = select(MEMBER.image_id).where(MEMBER.member == PROJECT)
    if member_status != "all":
        member = member.where(MEMBER.status == member_status)
    with_me = and_(IMAGE.visibility == "shared", IMAGE.id.in_(member))
    mine = IMAGE.owner == PROJECT
    if visibility == "all":
        return True if everything else or_(
            mine, IMAGE.visibility.in_(("public", "community")), with_me)
    if visibility in ("public", "community"):
        return IMAGE.visibility == visibility
    if visibility == "private":
        return IMAGE.visibility == "private" if everything else and_(
            mine, IMAGE.visibility == "private")
    if visibility == "shared":
        return IMAGE.visibility == "shared" if everything else or_(
            and_(mine, IMAGE.visibility == "shared"), with_me)
    if everything:
        return or_(mine, IMAGE.visibility != "community")
    return or_(mine, IMAGE.visibility == "public", with_me)


def _visible(query: Select[Any]) -> Select[Any]:
    """Of the images of a query that have the id, the one that PROJECT may see."""
    return query.where(or_(
        IMAGE.owner == PROJECT, IMAGE.visibility.in_(("public", "community")),
        and_(IMAGE.visibility == "shared", IMAGE.id.in_(
            select(MEMBER.image_id).where(
                MEMBER.image_id == bindparam("id"), MEMBER.member == PROJECT,
                MEMBER.status != "rejected")))))


_ROW = select(*COLUMNS).where(IMAGE.id == bindparam("id"), IMAGE.status != "deleted")
_VISIBLE_ROW = _visible(_ROW)
_ALL = select(Image).where(Image.id == bindparam("id"), Image.status != "deleted")
_VISIBLE = _visible(_ALL)
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


def find_row(session: Session, ctx: Context, image_id: str) -> Any:
    """The image to be looked at, not changed: COLUMNS of it, if the caller may see it at all.
    Raises ImageNotFound."""
    query = _ROW if sees_all(ctx) else _VISIBLE_ROW
    row = session.execute(query, {"id": image_id, "project": ctx.project}).first()
    if row is None:
        raise ImageNotFound(id=image_id)
    return row


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
            properties = read_extras(session, [image.id])[0][image.id] if session else {}
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
        properties = read_extras(session, [row.id for row in rows])[0]
        return [row for row in rows
                if allowed(policy, ctx, "get_image", row, properties[row.id])]
    # The rule says the same of all images that are the same to it.
    kinds = {(row.owner, row.visibility, row.status): row for row in rows}
    may = {kind for kind, row in kinds.items() if allowed(policy, ctx, "get_image", row, {})}
    return [row for row in rows if (row.owner, row.visibility, row.status) in may]


def enforce(
    policy: Policy, ctx: Context, rule: str, image: Any,
    properties: Mapping[str, str] | None = None,
) -> None:
    """Hold the caller against `rule`. Who may not even see the image is told there is none."""
    ENFORCED.names.append(rule)
    if allowed(policy, ctx, rule, image, properties):
        return
    if rule == "get_image" or not allowed(policy, ctx, "get_image", image, properties):
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
