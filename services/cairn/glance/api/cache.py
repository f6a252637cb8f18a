"""/v2/cache: copies that this host keeps of images in slow stores."""

import datetime as dt
from typing import Any

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound
from cairn.glance.component import Glance
from cairn.glance.core import cache, images
from cairn.glance.db.data import CachedImage
from cairn.glance.policy import RULES

api = Api(RULES)


def _enabled(glance: Glance) -> None:
    if not glance.cache.folder:
        raise NotFound(kind="Caching via API at this site, image cache", id="(disabled)")


def view(row: CachedImage) -> Document:
    def seconds(when: Any) -> float:
        return float(when.replace(tzinfo=dt.UTC).timestamp()) if when is not None else 0.0

    return {"image_id": row.image_id, "hits": row.hits, "size": row.size,
            "last_accessed": seconds(row.accessed_at),
            "last_modified": seconds(row.updated_at or row.created_at)}


@api.get("/cache", policy="cache_list")
def index(glance: Glance, ctx: Context) -> Document:
    _enabled(glance)
    with glance.db.reading() as session:
        rows = cache.known(session, glance)
    return {"cached_images": [view(row) for row in rows if row.state == cache.CACHED],
            "queued_images": [row.image_id for row in rows if row.state != cache.CACHED]}


@api.put("/cache/<image_id>", policy="cache_image", status=202)
def queue(glance: Glance, ctx: Context, image_id: str) -> Reply:
    _enabled(glance)
    with glance.db.reading() as session:
        image = images.find(session, ctx, image_id)
    if image.status != "active":
        raise Invalid(reason="Only images with status active can be targeted for queueing")
    cache.queue(glance, image_id)
    return Reply(None, 202)


@api.delete("/cache/<image_id>", policy="cache_delete", status=204)
def delete(glance: Glance, ctx: Context, image_id: str) -> None:
    _enabled(glance)
    if not cache.drop(glance, image_id):
        with glance.db.reading() as session:
            images.find(session, ctx, image_id)


@api.delete("/cache", policy="cache_delete", status=204, raw=True)
def clear(glance: Glance, ctx: Context, request: Any) -> None:
    _enabled(glance)
    states = {
        "": (), "cache": (cache.CACHED,), "queue": (cache.QUEUED, cache.CACHING),
    }.get(request.headers.get("X-Image-Cache-Clear-Target", "").lower())
    if states is None:
        raise Invalid(reason="x-image-cache-clear-target must be 'cache', 'queue' or empty.")
    cache.drop(glance, states=states)


@api.post("/cache/clean", policy="cache_clean", status=204)
def clean(glance: Glance, ctx: Context) -> None:
    """Forget copies of what is gone, and remove half ones."""
    _enabled(glance)
    cache.clean(glance)


@api.post("/cache/prune", policy="cache_prune")
def prune(glance: Glance, ctx: Context) -> Document:
    """Remove what was not used for longest until the rest fits the setting."""
    _enabled(glance)
    files, freed = cache.prune(glance)
    return {"total_files_pruned": files, "total_bytes_pruned": freed}


@api.get("/cache/nodes/<image_id>", policy="list_cached_nodes")
def nodes(glance: Glance, ctx: Context, image_id: str) -> Document:
    """The hosts that have a copy."""
    _enabled(glance)
    with glance.db.reading() as session:
        if not cache.hosts(session, image_id):
            images.find(session, ctx, image_id)
        return {"cached_nodes": cache.hosts(session, image_id)}
