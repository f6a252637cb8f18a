"""Images that servers become: made in Glance at the request, filled by the server's host.

Of a server that boots from a volume they are snapshots in Cinder, and an image without bytes that
names them.
"""

import json
import re
from typing import Any

from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Conflict, Problem, Refused
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, events, quotas, servers, works
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
    if row.image_id is None:
        return _take_volumes(nova, ctx, row, request["name"], properties)
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


def _take_volumes(
    nova: Nova, ctx: Context, row: Any, name: str, properties: dict[str, str]
) -> str:
    """What was made before something failed is deleted."""
    with nova.db.reading() as session:
        devices = block_devices.of(session, row.id)
    if any(device.volume_id and device.state != block_devices.ATTACHED for device in devices):
        raise Conflict(reason="A volume of the server is being attached or detached.")
    made: list[str] = []
    image_id = None
    try:
        mapping = []
        for device in devices:
            snapshot = None
            if device.volume_id is not None:
                snapshot = nova.cloud.volumes.create_snapshot(ctx, row.project_id, {
                    "volume_id": device.volume_id, "force": True, "name": f"snapshot for {name}"})
                made.append(snapshot["id"])
            mapping.append(_describe(device, snapshot))
        image_id = _create(nova, ctx, row, name, properties | {
            "block_device_mapping": json.dumps(mapping), "bdm_v2": "True",
            "root_device_name": row.root_device}, disk_format="raw", min_disk=0)
        nova.cloud.images.fill_with_nothing(ctx, image_id)
        with nova.db.writing() as session:
            for moment in (events.START, events.END):
                events.record(session, ctx, row, create_image.ACTION, moment,
                              snapshot_image_id=image_id)
    except BaseException as error:
        for snapshot_id in made:
            nova.cloud.volumes.delete_snapshot(ctx, snapshot_id)
        if image_id is not None:
            remove(nova, ctx, image_id)
        if isinstance(error, Problem) and error.code == 413:
            raise Refused(reason=str(error)) from None
        raise
    return image_id


def _describe(device: Any, snapshot: Document | None) -> Document:
    """As a request for a server would ask for it."""
    return {
        "source_type": "snapshot" if snapshot else device.source_type,
        "destination_type": device.destination_type, "boot_index": device.boot_index,
        "snapshot_id": snapshot["id"] if snapshot else None, "volume_id": None,
        "image_id": None, "device_name": device.device_name, "device_type": device.device_type,
        "disk_bus": device.disk_bus, "guest_format": device.guest_format, "tag": device.tag,
        "delete_on_termination": device.delete_on_termination, "no_device": None,
        "volume_size": device.volume_size,
        "volume_type": device.volume_type if snapshot else None,
    }


def _create(
    nova: Nova, ctx: Context, row: Any, name: str, properties: dict[str, str], **more: Any
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
    } | more
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
