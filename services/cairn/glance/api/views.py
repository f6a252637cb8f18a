"""How an image looks to a client."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.glance.component import Glance
from cairn.glance.core import images, locations


def moment(when: dt.datetime) -> str:
    return when.isoformat(timespec="seconds") + "Z"


def documents(
    glance: Glance, session: Session, ctx: Context, rows: Sequence[Any]
) -> list[Document]:
    """Images (rows or records) as this caller may see them."""
    ids = [row.id for row in rows]
    properties, tags = images.extras(session, ids)
    wholly = glance.settings.show_multiple_locations
    places = locations.of(session, ids) if wholly else locations.rows(session, ids)
    readable, policy = glance.protections.readable, glance.policy
    found = []
    for row in rows:
        document = image(row, readable(policy, ctx, properties[row.id]), tags[row.id])
        _add_places(document, glance, ctx, row, places.get(row.id, []), properties[row.id])
        found.append(document)
    return found


def _add_places(
    document: Document, glance: Glance, ctx: Context, row: Any, found: list[Any],
    properties: dict[str, str],
) -> None:
    """Where the bytes are: the stores for everyone, the addresses where the settings say so."""
    if found:
        document["stores"] = locations.names(glance.stores, found)
    settings = glance.settings
    if (settings.show_multiple_locations or settings.show_image_direct_url) and images.allowed(
            glance.policy, ctx, "get_image_location", row, properties):
        whole = images.sees_all(ctx)
        if settings.show_multiple_locations:
            document["locations"] = [
                {"url": locations.shown(glance.stores, p, whole), "metadata": p.meta}
                for p in found]
        if settings.show_image_direct_url and found:
            document["direct_url"] = locations.shown(
                glance.stores, locations.by_weight(glance.stores, found)[0], whole)
    elif settings.show_multiple_locations:
        document["locations"] = []


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
