"""/volumes/{id}/encryption/passphrase: ours, for services that open volumes for guests."""

from cairn.cinder.component import Cinder
from cairn.cinder.core import keys
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document
from cairn.common.context import Context

api = Api(RULES)


@api.get("/volumes/<volume_id>/encryption/passphrase", policy="volume_passphrase_as_service")
def show(cinder: Cinder, ctx: Context, volume_id: str) -> Document:
    """Show what opens an encrypted volume. Only services may ask."""
    return {"passphrase": keys.of_volume(cinder, volume_id)}
