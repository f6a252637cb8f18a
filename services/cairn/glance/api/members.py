"""/v2/images/{id}/members: the projects a shared image is shared with."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Conflict, Forbidden, Refused
from cairn.glance.api.images import limited
from cairn.glance.api.schemas import MEMBER_CREATE, MEMBER_UPDATE
from cairn.glance.api.views import moment
from cairn.glance.component import Glance
from cairn.glance.core import images
from cairn.glance.db.models import Image, ImageMember
from cairn.glance.errors import MemberNotFound
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/images/<image_id>/members"


def view(member: ImageMember) -> Document:
    return {"member_id": member.member, "image_id": member.image_id, "status": member.status,
            "created_at": moment(member.created_at), "schema": "/v2/schemas/member",
            "updated_at": moment(member.updated_at or member.created_at)}


def _shared(
    glance: Glance, session: Session, ctx: Context, image_id: str, rule: str, lock: bool = False
) -> Image:
    image = images.find(session, ctx, image_id, lock)
    if image.visibility != "shared":
        raise Refused(reason="Only shared images have members.")
    images.enforce(glance.policy, ctx, rule, image)
    return image


def _find(session: Session, ctx: Context, image: Image, member_id: str) -> ImageMember:
    member = session.get(ImageMember, (image.id, member_id))
    if member is None or not _sees(ctx, image, member_id):
        raise MemberNotFound(id=member_id)
    return member


def _sees(ctx: Context, image: Image, member_id: str) -> bool:
    """A member knows of itself only."""
    return images.sees_all(ctx) or ctx.project in (image.owner, member_id)


@api.post(PATH, policy="add_member", body=MEMBER_CREATE, late=True)
def create(glance: Glance, ctx: Context, image_id: str, body: Document) -> Document:
    def write(session: Session) -> Document:
        image = _shared(glance, session, ctx, image_id, "add_member", lock=True)
        if session.get(ImageMember, (image.id, body["member"])) is not None:
            raise Conflict(reason=f"Member {body['member']} is duplicated for image {image.id}")
        count = session.scalar(select(func.count()).where(ImageMember.image_id == image.id)) or 0
        limited("members", count + 1, glance.settings.image_member_quota)
        member = ImageMember(image_id=image.id, member=body["member"], status="pending")
        session.add(member)
        session.flush()
        return view(member)

    return glance.db.write(write)


@api.get(PATH, policy="get_members", late=True)
def index(glance: Glance, ctx: Context, image_id: str) -> Document:
    with glance.db.reading() as session:
        image = _shared(glance, session, ctx, image_id, "get_members")
        query = select(ImageMember).where(ImageMember.image_id == image.id)
        members = [view(m) for m in session.scalars(query.order_by(ImageMember.member))
                   if _sees(ctx, image, m.member)]
    return {"members": members, "schema": "/v2/schemas/members"}


@api.get(f"{PATH}/<member_id>", policy="get_member", late=True)
def show(glance: Glance, ctx: Context, image_id: str, member_id: str) -> Document:
    with glance.db.reading() as session:
        try:
            image = _shared(glance, session, ctx, image_id, "get_member")
        except (Forbidden, Refused):
            raise MemberNotFound(id=member_id) from None
        return view(_find(session, ctx, image, member_id))


@api.put(f"{PATH}/<member_id>", policy="modify_member", body=MEMBER_UPDATE, late=True)
def update(
    glance: Glance, ctx: Context, image_id: str, member_id: str, body: Document
) -> Document:
    """Accept or reject: the member's to do, not the owner's."""
    with glance.db.writing() as session:
        image = images.find(session, ctx, image_id)
        if image.visibility != "shared":
            raise Refused(reason="Only shared images have members.")
        member = _find(session, ctx, image, member_id)
        images.enforce(glance.policy, ctx, "modify_member", image)
        member.status = body["status"]
        member.updated_at = utcnow()
        session.flush()
        return view(member)


@api.delete(f"{PATH}/<member_id>", policy="delete_member", status=204, late=True)
def delete(glance: Glance, ctx: Context, image_id: str, member_id: str) -> None:
    with glance.db.writing() as session:
        image = images.find(session, ctx, image_id)
        if image.visibility != "shared":
            raise Refused(reason="Only shared images have members.")
        member = _find(session, ctx, image, member_id)
        images.enforce(glance.policy, ctx, "delete_member", image)
        session.delete(member)
