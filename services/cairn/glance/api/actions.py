"""/v2/images/{id}/actions: whether an image's bytes may be had."""

from cairn.common.api import Api
from cairn.common.context import Context
from cairn.glance.component import Glance
from cairn.glance.core import lifecycle
from cairn.glance.policy import RULES

api = Api(RULES)


@api.post("/images/<image_id>/actions/deactivate", policy="deactivate", status=204, late=True,
          event="image.update")
def deactivate(glance: Glance, ctx: Context, image_id: str) -> None:
    """Nobody but an administrator gets the bytes from now on."""
    lifecycle.run_action(glance, ctx, image_id, "deactivate")


@api.post("/images/<image_id>/actions/reactivate", policy="reactivate", status=204, late=True,
          event="image.update")
def reactivate(glance: Glance, ctx: Context, image_id: str) -> None:
    """Let everybody who may download the image have its bytes again."""
    lifecycle.run_action(glance, ctx, image_id, "reactivate")
