"""/v2/images/{id}/tags"""

from sqlalchemy.orm import Session

from cairn.common.api import Api
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Invalid, NotFound
from cairn.glance.api.images import limited
from cairn.glance.component import Glance
from cairn.glance.core import images
from cairn.glance.db.models import Image
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/images/<image_id>/tags/<tag>"


@api.put(PATH, policy="modify_image", status=204, late=True)
def add(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    if len(tag) > 255:
        raise Invalid(reason=f"tag: '{tag[:40]}...' is longer than 255 characters.")

    def write(session: Session) -> None:
        image, tags = _found(glance, session, ctx, image_id)
        if tag not in tags:
            limited("tags", len(tags) + 1, glance.settings.image_tag_quota)
            images.set_tags(session, image.id, [*tags, tag])
        image.updated_at = utcnow()

    glance.db.write(write)


@api.delete(PATH, policy="modify_image", status=204, late=True)
def remove(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    def write(session: Session) -> None:
        image, tags = _found(glance, session, ctx, image_id)
        if tag not in tags:
            raise NotFound("Tag", tag)
        images.set_tags(session, image.id, [t for t in tags if t != tag])
        image.updated_at = utcnow()

    glance.db.write(write)


def _found(
    glance: Glance, session: Session, ctx: Context, image_id: str
) -> tuple[Image, list[str]]:
    image = images.find_for(glance.policy, session, ctx, image_id, "modify_image", lock=True)
    return image, images.extras(session, [image.id])[1][image.id]
