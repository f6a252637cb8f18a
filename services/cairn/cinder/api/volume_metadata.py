"""Metadata of volumes and of snapshots."""

from cairn.cinder.api import etags
from cairn.cinder.api.schemas import METADATA, wrapped
from cairn.cinder.component import Cinder
from cairn.cinder.core import metadata
from cairn.cinder.policy import RULES
from cairn.common.api import Api, Document, Reply
from cairn.common.context import Context
from cairn.common.errors import Invalid

api = Api(RULES)

ALL = wrapped("metadata", METADATA)
ONE = wrapped("meta", METADATA | {"minProperties": 1, "maxProperties": 1})
VOLUME, SNAPSHOT = "/volumes/<id_>/metadata", "/snapshots/<id_>/metadata"


def _one(body: Document, key: str) -> dict[str, str]:
    if key not in body["meta"]:
        raise Invalid(reason="Request body and URI mismatch: meta has to be of the key in the "
                             "path.")
    return {key: body["meta"][key]}


@api.get(VOLUME, policy="volume:get_volume_metadata")
def volume_index(cinder: Cinder, ctx: Context, id_: str) -> Reply:
    """Show a volume's metadata; its ETag may be named, as If-Match, by who changes it."""
    return etags.tagged(ctx, metadata.read(cinder, ctx, "volume", id_))


@api.post(VOLUME, policy="volume:create_volume_metadata", body=ALL, event="volume.update")
def volume_merge(cinder: Cinder, ctx: Context, id_: str, body: Document) -> Document:
    """Add to a volume's metadata."""
    return {"metadata": metadata.merge(cinder, ctx, "volume", id_, body["metadata"],
                                       etags.condition(ctx))}


@api.put(VOLUME, policy="volume:update_volume_metadata", body=ALL, event="volume.update")
def volume_replace(cinder: Cinder, ctx: Context, id_: str, body: Document) -> Document:
    """Give a volume this metadata and no other."""
    return {"metadata": metadata.replace(cinder, ctx, "volume", id_, body["metadata"],
                                         etags.condition(ctx))}


@api.get(f"{VOLUME}/<key>", policy="volume:get_volume_metadata")
def volume_show(cinder: Cinder, ctx: Context, id_: str, key: str) -> Document:
    """Show one key of a volume's metadata."""
    return {"meta": {key: metadata.read_one(cinder, ctx, "volume", id_, key)}}


@api.put(f"{VOLUME}/<key>", policy="volume:update_volume_metadata", body=ONE,
         event="volume.update")
def volume_set(cinder: Cinder, ctx: Context, id_: str, key: str, body: Document) -> Document:
    """Set one key of a volume's metadata."""
    more = _one(body, key)
    metadata.merge(cinder, ctx, "volume", id_, more, etags.condition(ctx))
    return {"meta": more}


@api.delete(f"{VOLUME}/<key>", policy="volume:delete_volume_metadata", event="volume.update")
def volume_remove(cinder: Cinder, ctx: Context, id_: str, key: str) -> None:
    """Remove one key of a volume's metadata."""
    metadata.remove(cinder, ctx, "volume", id_, key, etags.condition(ctx))


@api.get(SNAPSHOT, policy="volume:get_snapshot_metadata")
def snapshot_index(cinder: Cinder, ctx: Context, id_: str) -> Document:
    """Show a snapshot's metadata."""
    return {"metadata": metadata.read(cinder, ctx, "snapshot", id_)}


@api.post(SNAPSHOT, policy="volume:update_snapshot_metadata", body=ALL, event="snapshot.update")
def snapshot_merge(cinder: Cinder, ctx: Context, id_: str, body: Document) -> Document:
    """Add to a snapshot's metadata."""
    return {"metadata": metadata.merge(cinder, ctx, "snapshot", id_, body["metadata"])}


@api.put(SNAPSHOT, policy="volume:update_snapshot_metadata", body=ALL, event="snapshot.update")
def snapshot_replace(cinder: Cinder, ctx: Context, id_: str, body: Document) -> Document:
    """Give a snapshot this metadata and no other."""
    return {"metadata": metadata.replace(cinder, ctx, "snapshot", id_, body["metadata"])}


@api.get(f"{SNAPSHOT}/<key>", policy="volume:get_snapshot_metadata")
def snapshot_show(cinder: Cinder, ctx: Context, id_: str, key: str) -> Document:
    """Show one key of a snapshot's metadata."""
    return {"meta": {key: metadata.read_one(cinder, ctx, "snapshot", id_, key)}}


@api.put(f"{SNAPSHOT}/<key>", policy="volume:update_snapshot_metadata", body=ONE,
         event="snapshot.update")
def snapshot_set(cinder: Cinder, ctx: Context, id_: str, key: str, body: Document) -> Document:
    """Set one key of a snapshot's metadata."""
    more = _one(body, key)
    metadata.merge(cinder, ctx, "snapshot", id_, more)
    return {"meta": more}


@api.delete(f"{SNAPSHOT}/<key>", policy="volume:delete_snapshot_metadata",
            event="snapshot.update")
def snapshot_remove(cinder: Cinder, ctx: Context, id_: str, key: str) -> None:
    """Remove one key of a snapshot's metadata."""
    metadata.remove(cinder, ctx, "snapshot", id_, key)
