"""/v2/images/{id}/actions: whether an image's bytes may be had."""

from sqlalchemy import update

from cairn.common.api import Api
from cairn.common.context import Context
from cairn.common.errors import Refused
from cairn.glance.component import Glance
from cairn.glance.core import images
from cairn.glance.db.models import Image
from cairn.glance.policy import RULES

api = Api(RULES)


def _set_status(glance: Glance, ctx: Context, image_id: str, rule: str, wanted: str) -> None:
    other = "active" if wanted == "deactivated" else "deactivated"
    with glance.db.writing() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, rule)
        if image.status not in (wanted, other):
            raise Refused(reason=f"Not allowed to {rule} image in status '{image.status}'")
        session.execute(update(Image).where(Image.id == image.id, Image.status == other)
                        .values(status=wanted))


@api.post("/images/<image_id>/actions/deactivate", policy="deactivate", status=204, late=True)
def deactivate(glance: Glance, ctx: Context, image_id: str) -> None:
    """Nobody but an administrator gets the bytes from now on."""
    _set_status(glance, ctx, image_id, "deactivate", "deactivated")


@api.post("/images/<image_id>/actions/reactivate", policy="reactivate", status=204, late=True)
def reactivate(glance: Glance, ctx: Context, image_id: str) -> None:
    _set_status(glance, ctx, image_id, "reactivate", "active")
