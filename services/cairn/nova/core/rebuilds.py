"""A server made anew from an image: what is asked for, checked, and the work written."""

from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import boot, images, keypairs, servers, works
from cairn.nova.core.flows import rebuild, stop
from cairn.nova.db.models import Server

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
    images.check_fits(image, row.flavor)
    password = request.get("adminPass") or boot.password()
    args = {"image_changed": image["id"] != row.image_id,
            "preserve_ephemeral": boot.truthy(request.get("preserve_ephemeral"))}

    def write(session: Session) -> str:
        works.claim(session, row, rebuild.ACTION)
        session.execute(update(Server).where(Server.id == row.id).values(
            image_id=image["id"], image=image, admin_pass=password, fault=None, **values))
        work = works.add(session, ctx, row, rebuild.ACTION, nova.service, args)
        if row.vm_state == "stopped":  # It ends as it was; works run in order.
            works.add(session, ctx, row, stop.ACTION, nova.service, {"timeout": 0})
        return str(work.runner)

    nova.ring(ctx, nova.db.write(write))
    return {"admin_pass": password, "key_name": values.get("key_name", row.key_name),
            "user_data": values.get("user_data", row.user_data)}


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
