"""A server started from another image: what is asked for, checked, and the work written."""

from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, boot, images, servers, works
from cairn.nova.core.flows import rescue
from cairn.nova.db.models import Server

# Since when a server that boots from a volume is rescued.
OF_VOLUMES = (2, 87)
# Either of them says that the server's own disks stay what they are called.
STABLE = ("hw_rescue_bus", "hw_rescue_device")


def begin(nova: Nova, ctx: Context, server_id: str, request: Document) -> str:
    """Let the server's host rescue it; the password it has meanwhile. Raises ServerNotFound,
    ServerLocked, ServerBusy, NotOnAHost, HostDown, and Invalid for what is asked for."""
    row = servers.get(nova, ctx, server_id)
    servers.check_unlocked(ctx, row)
    works.check_may(row, rescue.ACTION)
    image = _find_image(nova, ctx, row, request)
    password = request.get("adminPass") or boot.password()

    def write(session: Session) -> str:
        works.claim(session, row, rescue.ACTION)
        session.execute(update(Server).where(Server.id == row.id).values(admin_pass=password))
        args = {"image": image, "was": row.vm_state}
        return str(works.add(session, ctx, row, rescue.ACTION, nova.service, args).runner)

    nova.ring(ctx, nova.db.write(write))
    return password


def _find_image(nova: Nova, ctx: Context, row: Row[Any], request: Document) -> rpc.Image:
    """The image that is asked for, else the server's own. Raises Invalid."""
    on_volume = row.image_id is None
    if on_volume and ctx.version < OF_VOLUMES:
        raise Invalid(reason="Cannot rescue a volume-backed instance")
    image_id = request.get("rescue_image_ref") or row.image_id
    if image_id is None:
        raise Invalid(reason="rescue_image_ref: the server is of no image, name one.")
    with nova.db.reading() as session:
        if any(device.state != block_devices.ATTACHED
               for device in block_devices.volumes_of(session, row.id)):
            raise Invalid(reason="Cannot rescue a server while a volume is attached to it or "
                                 "detached.")
    image = images.find(nova, ctx, image_id)
    images.check_open(image)
    images.check_memory(image, row.flavor)
    if on_volume and not any(image["properties"].get(name) for name in STABLE):
        raise Invalid(reason=f"Image {image_id} names no {' and no '.join(STABLE)}: a "
                             "volume-backed server cannot be rescued from it.")
    return image
