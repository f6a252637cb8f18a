"""/servers/{id}/metadata"""

from cairn.common.api import Api, Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova.api.schemas import METADATA, wrapped
from cairn.nova.component import Nova
from cairn.nova.core import server_metadata, servers
from cairn.nova.errors import MetadataNotFound
from cairn.nova.policy import RULES

api = Api(RULES)

PATH = "/servers/<server_id>/metadata"


@api.get(PATH, policy="os_compute_api:server-metadata:index")
def index(nova: Nova, ctx: Context, server_id: str) -> Document:
    """List a server's metadata."""
    return {"metadata": servers.get(nova, ctx, server_id).meta}


@api.post(PATH, policy="os_compute_api:server-metadata:create", body=wrapped("metadata", METADATA),
          event="compute.instance.update")
def create(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Add or replace items of a server's metadata; the others stay."""
    return {"metadata": server_metadata.update(nova, ctx, server_id, body["metadata"])}


@api.put(PATH, policy="os_compute_api:server-metadata:update_all",
         body=wrapped("metadata", METADATA), event="compute.instance.update")
def replace(nova: Nova, ctx: Context, server_id: str, body: Document) -> Document:
    """Let a server have these items of metadata and no others."""
    return {"metadata": server_metadata.replace(nova, ctx, server_id, body["metadata"])}


@api.get(PATH + "/<key>", policy="os_compute_api:server-metadata:show")
def show(nova: Nova, ctx: Context, server_id: str, key: str) -> Document:
    """Show one item of a server's metadata."""
    metadata = servers.get(nova, ctx, server_id).meta
    if key not in metadata:
        raise MetadataNotFound(key)
    return {"meta": {key: metadata[key]}}


@api.put(PATH + "/<key>", policy="os_compute_api:server-metadata:update",
         body=wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1}),
         event="compute.instance.update")
def update(nova: Nova, ctx: Context, server_id: str, key: str, body: Document) -> Document:
    """Set one item of a server's metadata, which the body names as the path does."""
    if key not in body["meta"]:
        raise Invalid(reason="Request body and URI mismatch")
    server_metadata.update(nova, ctx, server_id, body["meta"])
    return {"meta": body["meta"]}


@api.delete(PATH + "/<key>", policy="os_compute_api:server-metadata:delete", status=204,
            event="compute.instance.update")
def delete(nova: Nova, ctx: Context, server_id: str, key: str) -> None:
    """Take one item from a server's metadata."""
    server_metadata.remove(nova, ctx, server_id, key)
