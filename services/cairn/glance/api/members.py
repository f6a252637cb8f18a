"""/v2/images/{id}/members: the projects a shared image is shared with."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Conflict
from cairn.glance.api.schemas import MEMBER_CREATE, MEMBER_UPDATE
from cairn.glance.api.views import moment
from cairn.glance.component import Glance
from cairn.glance.core import images
from cairn.glance.db.models import Image, ImageMember
from cairn.glance.errors import MemberNotFound, NotYours
from cairn.glance.policy import RULES

api = Api(RULES)
BASE = "/images/<image_id>/members"


def view(member: ImageMember) -> Document:
    return {"member_id": member.member, "image_id": member.image_id, "status": member.status,
            "created_at": moment(member.created_at), "schema": "/v2/schemas/member",
            "updated_at": moment(member.updated_at or member.created_at)}


def _shared(session: Session, ctx: Context, image_id: str) -> Image:
    image = images.find_mine(session, ctx, image_id, "share")
    if image.visibility != "shared":
        raise NotYours(reason="share anything but a 'shared' image; this is not")
    return image


@api.post(BASE, policy="add_member", body=MEMBER_CREATE)
def create(glance: Glance, ctx: Context, image_id: str, body: Document) -> Document:
    with glance.db.writing() as session:
        _shared(session, ctx, image_id)
        if session.get(ImageMember, (image_id, body["member"])) is not None:
            raise Conflict(reason=f"Image member {body['member']} already exists.")
        member = ImageMember(image_id=image_id, member=body["member"], status="pending")
        session.add(member)
        session.flush()
        return view(member)


@api.get(BASE, policy="get_members")
def index(glance: Glance, ctx: Context, image_id: str) -> Document:
    with glance.db.reading() as session:
        image = images.find(session, ctx, image_id)
        query = select(ImageMember).where(ImageMember.image_id == image_id)
        if not images.sees_all(ctx) and image.owner != ctx.project:
            query = query.where(ImageMember.member == ctx.project)
        members = [view(m) for m in session.scalars(query.order_by(ImageMember.member))]
    return {"members": members, "schema": "/v2/schemas/members"}


def _find(session: Session, ctx: Context, image_id: str, member_id: str) -> ImageMember:
    image = images.find(session, ctx, image_id)
    member = session.get(ImageMember, (image_id, member_id))
    mine = images.sees_all(ctx) or ctx.project in (image.owner, member_id)
    if member is None or not mine:
        raise MemberNotFound(id=member_id)
    return member


@api.get(f"{BASE}/<member_id>", policy="get_member")
def show(glance: Glance, ctx: Context, image_id: str, member_id: str) -> Document:
    with glance.db.reading() as session:
        return view(_find(session, ctx, image_id, member_id))


@api.put(f"{BASE}/<member_id>", policy="modify_member", body=MEMBER_UPDATE)
def update(
    glance: Glance, ctx: Context, image_id: str, member_id: str, body: Document
) -> Document:
    """Accept or reject: the member's to do, not the owner's."""
    with glance.db.writing() as session:
        member = session.get(ImageMember, (image_id, member_id))
        if member is None or not (ctx.is_admin or ctx.project == member_id):
            _find(session, ctx, image_id, member_id)
            raise NotYours(reason="accept or reject for another project")
        member.status = body["status"]
        member.updated_at = utcnow()
        session.flush()
        return view(member)


@api.delete(f"{BASE}/<member_id>", policy="delete_member", status=204)
def delete(glance: Glance, ctx: Context, image_id: str, member_id: str) -> None:
    with glance.db.writing() as session:
        _shared(session, ctx, image_id)
        session.delete(_find(session, ctx, image_id, member_id))
