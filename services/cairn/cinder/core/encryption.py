"""How volumes are encrypted, as the API tells it."""

from typing import Any

from sqlalchemy import select

from cairn.cinder.component import Cinder
from cairn.cinder.core import volumes
from cairn.cinder.db.models import VolumeType
from cairn.common.context import Context
from cairn.common.errors import NotFound

FIELDS = ("provider", "cipher", "key_size", "control_location")


def describe(cinder: Cinder, ctx: Context, volume_id: str) -> dict[str, Any]:
    """Raises VolumeNotFound."""
    with cinder.db.reading() as session:
        row = volumes.find(session, ctx, volume_id)
        if row.encryption_key_id is None:
            return {"encryption_key_id": None}
        said = session.scalar(
            select(VolumeType.encryption).where(VolumeType.id == row.type_id)) or {}
        return {"encryption_key_id": row.encryption_key_id,
                **{name: said.get(name) for name in FIELDS}}


def describe_one(cinder: Cinder, ctx: Context, volume_id: str, key: str) -> Any:
    """Raises VolumeNotFound, NotFound where nothing is called so."""
    try:
        return describe(cinder, ctx, volume_id)[key]
    except KeyError:
        raise NotFound(f"Encryption key {key} of volume", volume_id) from None
