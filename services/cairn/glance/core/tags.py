"""Words on an image, added and removed one by one."""

from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import NotFound
from cairn.glance.component import Glance
from cairn.glance.core import access, images, notices
from cairn.glance.db.models import Image


def _find(
    glance: Glance, session: Session, ctx: Context, image_id: str
) -> tuple[Image, list[str]]:
    image = access.find_for(glance.policy, session, ctx, image_id, "modify_image", lock=True)
    return image, images.read_extras(session, [image.id])[1][image.id]


def add_tag(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    """Raises ImageNotFound, Forbidden, OverLimit."""
    def write(session: Session) -> None:
        image, tags = _find(glance, session, ctx, image_id)
        if tag not in tags:
            images.check_quota("tags", len(tags) + 1, glance.settings.image_tag_quota)
            images.add_tag(session, image.id, tag)
        image.updated_at = utcnow()
        notices.record_image(session, ctx, "update", image, tags=sorted({*tags, tag}))

    glance.db.write(write)


def remove_tag(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    """Raises ImageNotFound, Forbidden, NotFound."""
    def write(session: Session) -> None:
        image, tags = _find(glance, session, ctx, image_id)
        if not images.remove_tag(session, image.id, tag):
            raise NotFound("Tag", tag)
        image.updated_at = utcnow()
        notices.record_image(session, ctx, "update", image, tags=[t for t in tags if t != tag])

    glance.db.write(write)
