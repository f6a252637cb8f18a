"""The projects that a shared image is shared with."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Conflict, Forbidden, Refused
from cairn.glance.component import Glance
from cairn.glance.core import access, images, notices
from cairn.glance.db.models import Image, ImageMember
from cairn.glance.errors import MemberNotFound


def _find_shared(
    glance: Glance, session: Session, ctx: Context, image_id: str, rule: str, lock: bool = False
) -> Image:
    image = access.find(session, ctx, image_id, lock)
    _check_shared(image)
    access.enforce(glance.policy, ctx, rule, image)
    return image


def _check_shared(image: Image) -> None:
    if image.visibility != "shared":
        raise Refused(reason="Only shared images have members.")


def _find(session: Session, ctx: Context, image: Image, project: str) -> ImageMember:
    member = session.get(ImageMember, (image.id, project))
    if member is None or not _sees(ctx, image, project):
        raise MemberNotFound(id=project)
    return member


def _sees(ctx: Context, image: Image, project: str) -> bool:
    """A member knows of itself only."""
    return access.sees_all(ctx) or ctx.project in (image.owner, project)


def add_member(glance: Glance, ctx: Context, image_id: str, project: str) -> ImageMember:
    """Share the image with a project. Raises ImageNotFound, Refused, Forbidden, Conflict,
    OverLimit."""
    def write(session: Session) -> ImageMember:
        image = _find_shared(glance, session, ctx, image_id, "add_member", lock=True)
        if session.get(ImageMember, (image.id, project)) is not None:
            raise Conflict(reason=f"Member {project} is duplicated for image {image.id}")
        count = session.scalar(select(func.count()).where(ImageMember.image_id == image.id)) or 0
        images.check_quota("members", count + 1, glance.settings.image_member_quota)
        member = ImageMember(image_id=image.id, member=project, status="pending")
        session.add(member)
        session.flush()
        notices.record_member(session, ctx, "create", image, member)
        return member

    return glance.db.write(write)


def list_members(glance: Glance, ctx: Context, image_id: str) -> list[ImageMember]:
    """Those the caller may know of. Raises ImageNotFound, Refused, Forbidden."""
    with glance.db.reading() as session:
        image = _find_shared(glance, session, ctx, image_id, "get_members")
        members = session.scalars(select(ImageMember).where(
            ImageMember.image_id == image.id).order_by(ImageMember.member))
        return [member for member in members if _sees(ctx, image, member.member)]


def show_member(glance: Glance, ctx: Context, image_id: str, project: str) -> ImageMember:
    """Raises ImageNotFound, MemberNotFound."""
    with glance.db.reading() as session:
        try:
            image = _find_shared(glance, session, ctx, image_id, "get_member")
        except (Forbidden, Refused):
            raise MemberNotFound(id=project) from None
        return _find(session, ctx, image, project)


def update_member(
    glance: Glance, ctx: Context, image_id: str, project: str, status: str
) -> ImageMember:
    """Accept or reject. Raises ImageNotFound, MemberNotFound, Refused, Forbidden."""
    with glance.db.writing() as session:
        image = access.find(session, ctx, image_id)
        _check_shared(image)
        member = _find(session, ctx, image, project)
        access.enforce(glance.policy, ctx, "modify_member", image)
        member.status = status
        member.updated_at = utcnow()
        session.flush()
        notices.record_member(session, ctx, "update", image, member)
        return member


def remove_member(glance: Glance, ctx: Context, image_id: str, project: str) -> None:
    """Raises ImageNotFound, MemberNotFound, Refused, Forbidden."""
    with glance.db.writing() as session:
        image = access.find(session, ctx, image_id)
        _check_shared(image)
        member = _find(session, ctx, image, project)
        access.enforce(glance.policy, ctx, "delete_member", image)
        session.delete(member)
        notices.record_member(session, ctx, "delete", image, member)
