"""/v2/cache: copies that this host keeps of images in slow stores."""

import datetime as dt
from typing import Any

from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid, NotFound
from cairn.glance.component import Glance
from cairn.glance.core import cache
from cairn.glance.policy import RULES

api = Api(RULES)


def _enabled(glance: Glance) -> None:
    if not glance.cache.folder:
        raise NotFound(kind="Caching via API at this site, image cache", id="(disabled)")


def view(row: Any) -> Document:
    def seconds(when: Any) -> float:
        return float(when.replace(tzinfo=dt.UTC).timestamp()) if when is not None else 0.0

    return {"image_id": row.image_id, "hits": row.hits, "size": row.size,
            "last_accessed": seconds(row.accessed_at),
            "last_modified": seconds(row.updated_at or row.created_at)}


@api.get("/cache", policy="cache_list")
def index(glance: Glance, ctx: Context) -> Document:
    """List the images that this host has copies of, and those it is to get."""
    _enabled(glance)
    rows = cache.list_cached(glance)
    return {"cached_images": [view(row) for row in rows if row.state == cache.CACHED],
            "queued_images": [row.image_id for row in rows if row.state != cache.CACHED]}


@api.put("/cache/<image_id>", policy="cache_image", status=202,
         changes_nothing="a copy of an image on one host")
def queue(glance: Glance, ctx: Context, image_id: str) -> Reply:
    """Have this host get a copy of an active image, in the background."""
    _enabled(glance)
    cache.queue_image(glance, ctx, image_id)
    return Reply(None, 202)


@api.delete("/cache/<image_id>", policy="cache_delete", status=204,
            changes_nothing="a copy of an image on one host")
def delete(glance: Glance, ctx: Context, image_id: str) -> None:
    """Remove this host's copy of an image, or its wish for one."""
    _enabled(glance)
    cache.drop_image(glance, ctx, image_id)


@api.delete("/cache", policy="cache_delete", status=204, raw=True,
            changes_nothing="a copy of an image on one host")
def clear(glance: Glance, ctx: Context, request: Any) -> None:
    """Remove this host's copies, its queue, or both, as X-Image-Cache-Clear-Target says."""
    _enabled(glance)
    states = {
        "": (), "cache": (cache.CACHED,), "queue": (cache.QUEUED, cache.CACHING),
    }.get(request.headers.get("X-Image-Cache-Clear-Target", "").lower())
    if states is None:
        raise Invalid(reason="x-image-cache-clear-target must be 'cache', 'queue' or empty.")
    cache.drop(glance, states=states)


@api.post("/cache/clean", policy="cache_clean", status=204,
          changes_nothing="a copy of an image on one host")
def clean(glance: Glance, ctx: Context) -> None:
    """Forget copies of what is gone, and remove half ones."""
    _enabled(glance)
    cache.clean(glance)


@api.post("/cache/prune", policy="cache_prune",
          changes_nothing="a copy of an image on one host")
def prune(glance: Glance, ctx: Context) -> Document:
    """Remove what was not used for longest until the rest fits the setting."""
    _enabled(glance)
    files, freed = cache.prune(glance)
    return {"total_files_pruned": files, "total_bytes_pruned": freed}


@api.get("/cache/nodes/<image_id>", policy="list_cached_nodes")
def nodes(glance: Glance, ctx: Context, image_id: str) -> Document:
    """The hosts that have a copy."""
    _enabled(glance)
    return {"cached_nodes": cache.list_hosts(glance, ctx, image_id)}
