"""/volumes/{id}/encryption: how a volume is encrypted."""

from cairn.cinder.component import Cinder
from cairn.cinder.core import encryption
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context

api = Api(RULES)

PATH = "/volumes/<volume_id>/encryption"


@api.get(PATH, policy="volume_extension:volume_encryption_metadata")
def index(cinder: Cinder, ctx: Context, volume_id: str) -> Document:
    """Say how a volume is encrypted; of one that is not, that it has no key."""
    return encryption.describe(cinder, ctx, volume_id)


@api.get(f"{PATH}/<key>", policy="volume_extension:volume_encryption_metadata")
def show(cinder: Cinder, ctx: Context, volume_id: str, key: str) -> Reply:
    """Say one thing of how a volume is encrypted, as a bare text."""
    value = encryption.describe_one(cinder, ctx, volume_id, key)
    return Reply(value if value is None else str(value), headers={"Content-Type": "text/plain"})
