"""/v2/images/{id}/tags"""

from cairn.common.api import Api
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.glance.component import Glance
from cairn.glance.core import tags
from cairn.glance.policy import RULES

api = Api(RULES)
PATH = "/images/<image_id>/tags/<tag>"


@api.put(PATH, policy="modify_image", status=204, late=True,
         event="image.update")
def add(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    """Give an image a tag; one that it has already is fine."""
    if len(tag) > 255:
        raise Invalid(reason=f"tag: '{tag[:40]}...' is longer than 255 characters.")
    tags.add_tag(glance, ctx, image_id, tag)


@api.delete(PATH, policy="modify_image", status=204, late=True,
            event="image.update")
def remove(glance: Glance, ctx: Context, image_id: str, tag: str) -> None:
    """Take a tag from an image; one that it has not is not found."""
    tags.remove_tag(glance, ctx, image_id, tag)
