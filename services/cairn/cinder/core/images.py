"""Images that volumes are made from, and what a host may do with one, which has no account to do
it by."""

import json
from typing import Any

from sqlalchemy import select

from cairn.cinder.component import Cinder
from cairn.cinder.core.keys import SEALED
from cairn.cinder.db.models import Work
from cairn.cinder.errors import InvalidInput, InvalidVolume
from cairn.cinder.rpc import Loan
from cairn.common.context import Context
from cairn.common.errors import NotFound, Problem
from cairn.common.ledger import OPEN
from cairn.common.work import Job

GIB = 1024**3
# A token is looked at when a transfer begins, which may then take longer.
SECONDS = 300
# What of an image is no property of its own, and not remembered of a volume.
_OWN = {"status", "visibility", "protected", "tags", "created_at", "updated_at", "self", "file",
        "schema", "owner", "locations", "direct_url", "virtual_size", "os_hidden", "stores",
        "os_hash_algo", "os_hash_value", "owner_specified.openstack.md5",
        "owner_specified.openstack.sha256", "owner_specified.openstack.object", SEALED,
        "cinder_encryption_key_deletion_policy"}
_BASIC = {"id": "image_id", "name": "image_name", "checksum": "checksum",
          "container_format": "container_format", "disk_format": "disk_format",
          "min_disk": "min_disk", "min_ram": "min_ram", "size": "size"}


def fitting(cinder: Cinder, ctx: Context, image_id: str, size: int) -> dict[str, Any]:
    """An image that a volume of so many GiB can hold. Raises Remote where the caller can not see
    it, InvalidInput, InvalidVolume."""
    image = cinder.cloud.images.show(ctx, image_id)
    if image["status"] != "active":
        raise InvalidInput(reason=f"Image {image_id} is not active.")
    # The header of a container comes to what its volume promises.
    if SEALED not in image and size * GIB < (image.get("size") or 0):
        raise InvalidInput(reason=f"Size of specified image {-(-image['size'] // GIB)}GB is larger "
                                  f"than volume size {size}GB.")
    if size < (image.get("min_disk") or 0):
        raise InvalidVolume(reason=f"Volume size {size}GB cannot be smaller than the image "
                                   f"minDisk size {image['min_disk']}GB.")
    return image


def root_snapshot(image: dict[str, Any]) -> str | None:
    """The snapshot of a server's root disk that the image stands for: nova makes such images of
    servers on volumes. Raises InvalidInput where it can not be read."""
    text = image.get("block_device_mapping")
    if not text:
        return None
    try:
        devices = json.loads(text) if isinstance(text, str) else text
        return next((str(device["snapshot_id"]) for device in devices
                     if device.get("source_type") == "snapshot"
                     and device.get("boot_index") == 0), None)
    except (ValueError, TypeError, AttributeError, KeyError):
        raise InvalidInput(reason=f"Image {image['id']}: its block_device_mapping cannot be read."
                           ) from None


def lent(image: dict[str, Any]) -> dict[str, Any]:
    """The image as the arguments of a work have it that reads it."""
    return {"id": image["id"], "purpose": "read", "metadata": metadata(image),
            "disk_format": image["disk_format"], "size": image["size"],
            "sealed": SEALED in image}


def metadata(image: dict[str, Any]) -> dict[str, str]:
    """What a volume remembers of the image it is made from: texts by name."""
    return {_BASIC.get(name, name): str(value) for name, value in image.items()
            if name not in _OWN and value is not None}


def describe(cinder: Cinder, job: Job) -> dict[str, Any] | None:
    """The image of a work as its host gets it: {"id", "disk_format", "size", "locations",
    "metadata"}; None where it has none. Before a transaction."""
    image = job.args.get("image")
    if image is None:
        return None
    try:
        locations = cinder.cloud.images.locations(job.ctx, image["id"])
    except Problem:
        locations = []  # It is copied, then.
    return {**image, "locations": locations}


def lend(cinder: Cinder, work_id: str, host: str | None, purpose: str) -> Loan:
    """For the runner of that open work. Raises NotFound."""
    query = select(Work.args, Work.runner).where(Work.id == work_id, Work.state.in_(OPEN))
    with cinder.db.reading() as session:
        row = session.execute(query).one_or_none()
    mine = row is not None and (host is None or row.runner.partition(".")[2] == host)
    image = row.args.get("image") if row is not None and mine else None
    if image is None or image["purpose"] != purpose:
        raise NotFound(f"Image to {purpose} for work", work_id)
    path = f"/v2/images/{image['id']}"
    requests = {
        "read": [("GET", f"{path}/file")],
        # What became of it is looked at, where an earlier life of the host began to send.
        "fill": [("PUT", f"{path}/file"), ("GET", path)],
    }[purpose]
    url, token = cinder.cloud.images.lend(requests, SECONDS)
    return {"image_id": image["id"], "url": url + path, "token": token}
