"""/v2/images/{id}/file: the bytes."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from cairn.common.api import Api, Reply
from cairn.common.context import Context
from cairn.common.errors import Forbidden, Invalid, Unsupported
from cairn.glance.component import Glance
from cairn.glance.core import content, images
from cairn.glance.errors import ImageNotFound
from cairn.glance.policy import RULES

api = Api(RULES)


class _Gone(Exception):
    """The image was deleted, or taken over, while its bytes came in."""


@api.put("/images/<image_id>/file", policy="upload_image", status=204, raw=True, late=True)
def upload(glance: Glance, ctx: Context, image_id: str, request: Any) -> None:
    """Take the bytes as they come: memory stays flat whatever the size."""
    if request.mimetype != "application/octet-stream":
        raise Unsupported(reason="Expected content type application/octet-stream.")
    with glance.db.writing() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, "upload_image")
        if not image.disk_format or not image.container_format:
            raise Invalid(reason="Properties disk_format, container_format must be set prior to "
                                 "saving data.")
        images.begin_saving(session, image)
    writing = glance.store.write(image_id)
    try:
        facts = content.take(
            request.stream, writing.write, disk_format=image.disk_format,
            container_format=image.container_format, cap=glance.settings.size_cap,
            check=glance.settings.check_content, alive=_heartbeat(glance, image_id),
        )
        writing.commit()
    except BaseException as failure:
        with contextlib.suppress(OSError):
            writing.abort()
        with glance.db.writing() as session:
            images.end_saving(session, image_id, "queued")
        if isinstance(failure, _Gone):
            raise ImageNotFound(id=image_id) from None
        raise
    with glance.db.writing() as session:
        kept = images.end_saving(session, image_id, "active", **facts)
    if not kept:
        glance.store.delete(image_id)
        raise ImageNotFound(id=image_id)


def _heartbeat(glance: Glance, image_id: str) -> Any:
    last = time.monotonic()

    def alive() -> None:
        nonlocal last
        if time.monotonic() - last > images.SILENCE / 6:
            last = time.monotonic()
            with glance.db.writing() as session:
                if not images.keep_saving(session, image_id):
                    raise _Gone

    return alive


@api.get("/images/<image_id>/file", policy="download_image", late=True)
def download(glance: Glance, ctx: Context, image_id: str) -> Reply:
    with glance.db.reading() as session:
        image = images.find_for(glance.policy, session, ctx, image_id, "download_image")
    if image.status == "deactivated" and not ctx.is_admin:
        raise Forbidden(rule="download_image: the image is deactivated; it")
    if image.status not in ("active", "deactivated"):
        return Reply(None, 204)
    headers = {"Content-Type": "application/octet-stream"}
    if image.checksum:
        headers["Content-MD5"] = image.checksum
    if glance.settings.accel:
        return Reply(b"", 200, headers | {
            "X-Accel-Redirect": glance.settings.accel + image_id, "X-Accel-Buffering": "no"})
    return Reply(_chunks(glance, image_id), 200, headers | {"Content-Length": str(image.size)})


def _chunks(glance: Glance, image_id: str) -> Iterator[bytes]:
    with glance.store.read(image_id) as source:
        while chunk := source.read(content.CHUNK):
            yield chunk
