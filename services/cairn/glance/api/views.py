"""How an image looks to a client."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.glance.component import Glance
from cairn.glance.core import images


def moment(when: dt.datetime) -> str:
    return when.isoformat(timespec="seconds") + "Z"


def documents(
    glance: Glance, session: Session, ctx: Context, rows: Sequence[Any]
) -> list[Document]:
    """Images (rows or records) as this caller may see them."""
    properties, tags = images.extras(session, [row.id for row in rows])
    readable, policy = glance.protections.readable, glance.policy
    return [image(row, readable(policy, ctx, properties[row.id]), tags[row.id]) for row in rows]


def image(row: Any, properties: dict[str, str], tags: list[str]) -> Document:
    return {
        **properties,
        "id": row.id, "name": row.name, "status": row.status, "visibility": row.visibility,
        "owner": row.owner, "disk_format": row.disk_format,
        "container_format": row.container_format, "size": row.size,
        "virtual_size": row.virtual_size, "checksum": row.checksum,
        "os_hash_algo": row.os_hash_algo, "os_hash_value": row.os_hash_value,
        "min_disk": row.min_disk, "min_ram": row.min_ram, "protected": row.protected,
        "os_hidden": row.os_hidden, "tags": tags, "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at or row.created_at), "self": f"/v2/images/{row.id}",
        "file": f"/v2/images/{row.id}/file", "schema": "/v2/schemas/image",
    }
