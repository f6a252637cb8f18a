"""How images and metadata definitions look to a client."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import Timestamps
from cairn.common.listing import (
    Page,
    Query,
    build_link,
    read_limit,
    read_sort,
    read_value,
)
from cairn.glance.component import Glance
from cairn.glance.core import access, locations
from cairn.glance.core.images import ImageRecord
from cairn.glance.errors import ReadOnly


def moment(when: dt.datetime) -> str:
    return when.isoformat(timespec="seconds") + "Z"


def show_record(glance: Glance, ctx: Context, record: ImageRecord) -> Document:
    """The image as this caller may see it."""
    properties = glance.protections.readable(glance.policy, ctx, record.properties)
    document = image(record.row, properties, record.tags)
    if record.places:
        document["stores"] = locations.names(glance.stores, record.places)
    settings = glance.settings
    if settings.show_multiple_locations or settings.show_image_direct_url:
        _add_addresses(document, glance, ctx, record)
    return document


def _add_addresses(
    document: Document, glance: Glance, ctx: Context, record: ImageRecord
) -> None:
    """Where the bytes are, as the settings let whoever may know it."""
    settings, places = glance.settings, record.places
    if access.allowed(glance.policy, ctx, "get_image_location", record.row, record.properties):
        whole = access.sees_all(ctx)
        if settings.show_multiple_locations:
            document["locations"] = [
                {"url": locations.shown(glance.stores, p, whole), "metadata": p.meta}
                for p in places]
        if settings.show_image_direct_url and places:
            document["direct_url"] = locations.shown(
                glance.stores, locations.by_weight(glance.stores, places)[0], whole)
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


def times(record: Timestamps) -> Document:
    return {"created_at": moment(record.created_at),
            "updated_at": moment(record.updated_at or record.created_at)}


def present(document: Document) -> Document:
    """Without what nothing is known of."""
    return {name: value for name, value in document.items() if value is not None}


def check_writable(body: Mapping[str, Any]) -> None:
    for name in ("self", "schema", "created_at", "updated_at"):
        if name in body:
            raise ReadOnly(name=name)


def read_page(
    glance: Glance, query: Query, sortable: Collection[str], default: int | None = None
) -> Page:
    """The page that is asked for, the newest first where nothing is said, of at most `default`
    entries (None: of all). Raises Invalid."""
    limit = read_limit(query, default=default)
    if limit is not None:
        limit = min(limit, glance.settings.api_limit_max)
    # Of sort=a:asc,b nothing is said of b; sort_dir is said of every sort_key.
    sort = read_sort(query, sortable, default=(("created_at", "desc"),),
                     direction="desc" if query.getlist("sort") else None)
    if "created_at" not in (name for name, _ in sort):
        sort += (("created_at", sort[0][1] if len(query.getlist("sort_dir")) == 1 else "desc"),)
    return Page(limit, read_value(query, "marker") or None, sort)


def build_links(path: str, query: Query, last: str | None) -> Document:
    """The first page and, if there is one that begins after `last`, the next."""
    links = {"first": build_link(path, query)}
    return links if last is None else links | {"next": build_link(path, query, marker=last)}
