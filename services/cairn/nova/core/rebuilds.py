"""A server made anew from an image: what is asked for, checked, and the work written."""

from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, boot, images, keypairs, servers, volumes, works
from cairn.nova.core.flows import rebuild
from cairn.nova.db.models import Server

# Since when the root volume of a server gets the image.
REIMAGES = (2, 93)
# Keys of the request that are columns as they are.
_COLUMNS = {
    "name": "name", "description": "description", "metadata": "meta",
    "OS-DCF:diskConfig": "disk_config", "hostname": "hostname",
    "trusted_image_certificates": "trusted_certs",
}


def begin(nova: Nova, ctx: Context, server_id: str, request: Document) -> Document:
    """Let the server's host rebuild it; {"admin_pass", "key_name", "user_data"} as they are then.
    Raises ServerNotFound, ServerLocked, ServerBusy, NotOnAHost, HostDown, and Invalid for what
    is asked for."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        values = _read_values(session, row, request)
    servers.check_unlocked(ctx, row)
    image = images.find(nova, ctx, request["imageRef"])
    images.check_open(image)
    reimages = _check_image(nova, ctx, row, image)
    password = request.get("adminPass") or boot.password()
    args = {"image_changed": image["id"] != row.image_id,
            "preserve_ephemeral": boot.truthy(request.get("preserve_ephemeral")),
            "reimage": image["id"] if reimages else None, "stopped": row.vm_state == "stopped"}
    # What boots from a volume is of no image, but has an image's properties.
    kept = {"image_id": image["id"], "image": image}
    if row.image_id is None:
        kept = {"image": {**image, "id": ""}}

    def write(session: Session) -> str:
        works.claim(session, row, rebuild.ACTION)
        session.execute(update(Server).where(Server.id == row.id).values(
            admin_pass=password, fault=None, **kept, **values))
        return str(works.add(session, ctx, row, rebuild.ACTION, nova.service, args).runner)

    nova.ring(ctx, nova.db.write(write))
    return {"admin_pass": password, "key_name": values.get("key_name", row.key_name),
            "user_data": values.get("user_data", row.user_data)}


def _check_image(nova: Nova, ctx: Context, row: Row[Any], image: rpc.Image) -> bool:
    """Whether the image is to be written over the server's root volume. Raises Invalid."""
    if row.image_id is not None:
        images.check_fits(image, row.flavor)
        return False
    images.check_memory(image, row.flavor)
    with nova.db.reading() as session:
        root = block_devices.volume_backed(block_devices.of(session, row.id))
    if root is None or root.volume_id is None:
        raise Invalid(reason="The server has no root volume to rebuild.")
    if ctx.version >= REIMAGES:
        if image["size"] > (root.volume_size or 0) << 30 or image["min_disk"] > (
                root.volume_size or 0):
            raise Invalid(reason=f"Volume {root.volume_id} is too small for image {image['id']}.")
        return True
    volume = volumes.show(nova, ctx, root.volume_id)
    if (volume.get("volume_image_metadata") or {}).get("image_id") != image["id"]:
        raise Invalid(reason="Unable to rebuild with a different image for a volume-backed server.")
    return False


def _read_values(session: Session, row: Row[Any], request: Document) -> dict[str, Any]:
    """Columns that the request changes."""
    values = {column: request[key] for key, column in _COLUMNS.items() if key in request}
    for key, column in (("accessIPv4", "access_ipv4"), ("accessIPv6", "access_ipv6")):
        if key in request:
            values[column] = boot.access(request[key], key)
    if "key_name" in request:
        values |= {"key_name": None, "key_data": None}
        if request["key_name"] is not None:
            pair = keypairs.find(session, row.user_id, request["key_name"])
            values |= {"key_name": pair.name, "key_data": pair.public_key}
    if "user_data" in request:
        values["user_data"] = boot.user_data(request["user_data"])
    return values
