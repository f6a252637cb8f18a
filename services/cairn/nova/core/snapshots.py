"""Images that servers become: made in Glance at the request, filled by a work.

Of a server that boots from a volume they are snapshots in Cinder, and an image without bytes that
names them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from cairn.common import ledger
from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Conflict, Problem, Refused, Unavailable
from cairn.common.flows import Action
from cairn.common.work import POSTPONED
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, events, quotas, servers, works
from cairn.nova.core.flows import create_image
from cairn.nova.db.models import Work
from cairn.nova.errors import LimitReached, NotOnAHost

# Seconds that Glance has for making an image, without its bytes.
MAKING = POSTPONED

# What says of one image how its own bytes are to be trusted or deciphered, and so not of its
# child's; and what is Glance's own to say, which it takes from nobody.
_NEVER_INHERITED = re.compile("os_glance|img_signature|cinder_encryption_key_|signature_verified$")


@dataclass(frozen=True)
class Asked:
    """An image that will be filled."""

    image_id: str
    work_id: str
    on_volumes: bool


def take(nova: Nova, ctx: Context, server_id: str, request: Document) -> str:
    """Make the image, and let it be filled; its id. Raises as `ask`, and Refused where Cinder says
    soon that it takes no more snapshots."""
    asked = ask(nova, ctx, server_id, request)
    if asked.on_volumes:
        outcome = works.wait(nova, asked.work_id, nova.api.image_timeout)
        sentence = (outcome and outcome.error or "").partition("\n")[0]
        if "quota" in sentence.lower():
            raise Refused(reason=sentence)
    return asked.image_id


def ask(nova: Nova, ctx: Context, server_id: str, request: Document) -> Asked:
    """Write the work, make the image, and ring. Raises as `check` and `begin`, and Conflict."""
    properties = request.get("metadata") or {}
    row = check(nova, ctx, server_id, create_image.ACTION, properties)
    if row.image_id is not None:
        return begin(nova, ctx, row, create_image.ACTION, request["name"], properties)
    # What it maps comes later; its place is within Glance's limits now.
    own = {"block_device_mapping": "[]", "bdm_v2": "True",
           "root_device_name": row.root_device, "disk_format": "raw", "min_disk": 0}
    # Looked at when nobody can begin to take one away any more.
    return begin(nova, ctx, row, create_image.ACTION, request["name"], properties, own,
                 lambda session: {"name": request["name"], "volumes": _volumes(session, row.id)})


def check(
    nova: Nova, ctx: Context, server_id: str, action: Action, properties: Mapping[str, str]
) -> Row[Any]:
    """The caller's server, which may become an image of these properties. Raises ServerNotFound,
    ServerLocked, ServerBusy, NotOnAHost, LimitReached."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        most = quotas.allowed(session, row.project_id, ctx.user_id, nova.quota)["metadata_items"]
    servers.check_unlocked(ctx, row)
    if 0 <= most < len(properties):
        raise LimitReached(what="metadata items", limit=most)
    works.check_may(row, action)
    if row.host is None:
        raise NotOnAHost(id=row.id)
    return row


def begin(
    nova: Nova, ctx: Context, row: Row[Any], action: Action, name: str,
    properties: Mapping[str, str], own: Document | None = None,
    args: Callable[[Session], Document] = lambda session: {},
) -> Asked:
    """Claim the server for the action, whose work fills the image that is made here: its args are
    `image_id` and what `args` says once the server is claimed. The image has the caller's
    `properties`, and our `own` over them. Raises ServerBusy, HostDown, Refused."""
    image_id = new_id()

    def write(session: Session) -> tuple[str, str]:
        works.claim(session, row, action)
        work = works.add(session, ctx, row, action, nova.service,
                         {"image_id": image_id} | args(session), seconds=MAKING)
        return work.id, work.runner

    # Before the image is there: whatever becomes of this request, the work fills it or removes it.
    work_id, runner = nova.db.write(write)
    try:
        _create(nova, ctx, row, image_id, name, properties, own or {})
    except Problem as problem:
        told = str(problem)
        if problem.code >= 500 or not nova.db.write(
                lambda session: _withdraw(session, ctx, row, action, work_id, image_id, told)):
            nova.db.write(lambda session: ledger.cancel(session, Work, row.id, [action.kind]))
            nova.ring(ctx, runner)
        raise
    if not nova.db.write(lambda session: ledger.wake(session, Work, row.id, [action.kind])):
        remove(nova, ctx, image_id)
        raise Unavailable(reason=f"The image service took {MAKING:.0f} s to make the image.")
    nova.ring(ctx, runner)
    return Asked(image_id, work_id, row.image_id is None)


def _withdraw(
    session: Session, ctx: Context, row: Any, action: Action, work_id: str, image_id: str,
    error: str,
) -> bool:
    """Whether the server is as if nobody had asked; who hears of it hears that it failed."""
    if not ledger.withdraw(session, Work, work_id):
        return False
    servers.change(session, row.id, task_state=None)
    events.record(session, ctx, row, action, events.ERROR, error=error,
                  snapshot_image_id=image_id)
    return True


def _volumes(session: Session, server_id: str) -> dict[str, str]:
    """The server's, by the ids of their devices. Raises Conflict."""
    devices = [device for device in block_devices.of(session, server_id) if device.volume_id]
    if any(device.state != block_devices.ATTACHED for device in devices):
        raise Conflict(reason="A volume of the server is being attached or detached.")
    return {device.id: device.volume_id for device in devices}


def describe(devices: Iterable[Any], snapshot_ids: Mapping[str, str]) -> list[Document]:
    """A server's block devices as a request for another would ask for them, with these snapshots
    by the devices' ids. A volume without one came later."""
    return [_describe(device, snapshot_ids.get(device.id)) for device in devices
            if device.volume_id is None or device.id in snapshot_ids]


def _describe(device: Any, snapshot_id: str | None) -> Document:
    return {
        "source_type": "snapshot" if snapshot_id else device.source_type,
        "destination_type": device.destination_type, "boot_index": device.boot_index,
        "snapshot_id": snapshot_id, "volume_id": None,
        "image_id": None, "device_name": device.device_name, "device_type": device.device_type,
        "disk_bus": device.disk_bus, "guest_format": device.guest_format, "tag": device.tag,
        "delete_on_termination": device.delete_on_termination, "no_device": None,
        "volume_size": device.volume_size,
        "volume_type": device.volume_type if snapshot_id else None,
    }


def _create(
    nova: Nova, ctx: Context, row: Any, image_id: str, name: str,
    properties: Mapping[str, str], own: Document,
) -> None:
    """A private image without bytes, which the server `row` is to become."""
    base = row.image or {}
    kept_back = set(nova.api.non_inheritable_image_properties.split())
    inherited = {key: str(value) for key, value in base.get("properties", {}).items()
                 if key not in kept_back and not _NEVER_INHERITED.match(key)}
    image = inherited | dict(properties) | {
        "id": image_id, "name": name, "visibility": "private", "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": row.flavor["disk"], "min_ram": base.get("min_ram", 0),
        "instance_uuid": row.id, "user_id": row.user_id, "base_image_ref": row.image_id or "",
        "image_type": properties.get("image_type", "snapshot"),
    } | own
    try:
        nova.cloud.images.create(ctx, image)
    except Problem as problem:
        if problem.code == 413:
            raise Refused(reason=str(problem)) from None
        raise


def remove(nova: Nova, ctx: Context, image_id: str) -> None:
    """As the cloud itself: who asked for the snapshot may be gone."""
    try:
        nova.cloud.images.delete(ctx, image_id)
    except Problem as problem:
        if problem.code != 404:
            raise
