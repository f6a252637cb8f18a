"""Images that servers become: made in Glance at the request, filled by the server's host."""

import re
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Problem, Refused
from cairn.nova.component import Nova
from cairn.nova.core import quotas, servers, works
from cairn.nova.core.flows import create_image
from cairn.nova.errors import LimitReached, NotOnAHost

# What says of one image how its own bytes are to be trusted or deciphered, and so not of its
# child's; and what is Glance's own to say, which it takes from nobody.
_NEVER_INHERITED = re.compile("os_glance|img_signature|cinder_encryption_key_|signature_verified$")


def take(nova: Nova, ctx: Context, server_id: str, request: Document) -> str:
    """Make the image, and let the server's host fill it; the image's id."""
    properties = request.get("metadata") or {}
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        most = quotas.allowed(session, row.project_id, ctx.user_id, nova.quota)["metadata_items"]
    servers.check_unlocked(ctx, row)
    if 0 <= most < len(properties):
        raise LimitReached(what="metadata items", limit=most)
    works.check_may(row, create_image.ACTION)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    image_id = _create(nova, ctx, row, request["name"], properties)

    def begin(session: Session) -> str:
        works.claim(session, row, create_image.ACTION)
        work = works.add(session, ctx, row, create_image.ACTION, nova.service,
                         {"image_id": image_id})
        return str(work.runner)

    try:
        runner = nova.db.write(begin)
    except BaseException:
        remove(nova, ctx, image_id)
        raise
    nova.ring(ctx, runner)
    return image_id


def _create(
    nova: Nova, ctx: Context, row: Any, name: str, properties: dict[str, str]
) -> str:
    """A private image without bytes, which the server `row` is to become; its id."""
    base = row.image or {}
    kept_back = set(nova.api.non_inheritable_image_properties.split())
    inherited = {key: str(value) for key, value in base.get("properties", {}).items()
                 if key not in kept_back and not _NEVER_INHERITED.match(key)}
    image = inherited | properties | {
        "name": name, "visibility": "private", "disk_format": "qcow2", "container_format": "bare",
        "min_disk": row.flavor["disk"], "min_ram": base.get("min_ram", 0),
        "instance_uuid": row.id, "user_id": row.user_id, "base_image_ref": row.image_id or "",
        "image_type": "snapshot",
    }
    try:
        made = nova.cloud.images.create(ctx, image)
    except Problem as problem:
        if problem.code == 413:
            raise Refused(reason=str(problem)) from None
        raise
    return str(made["id"])


def remove(nova: Nova, ctx: Context, image_id: str) -> None:
    """As the cloud itself: who asked for the snapshot may be gone."""
    try:
        nova.cloud.images.delete(ctx, image_id)
    except Problem as problem:
        if problem.code != 404:
            raise
