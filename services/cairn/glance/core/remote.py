"""Images of another region's glance (import method glance-download)."""

import time
from typing import Any, BinaryIO, cast

from cairn.common.context import Context
from cairn.common.errors import Conflict, Problem
from cairn.glance.component import Glance
from cairn.glance.drivers.transfers import Pace


class NotThere(Conflict):
    message = "The image cannot be downloaded from there: {reason}"


def look(glance: Glance, ctx: Context, method: dict[str, Any]) -> dict[str, Any]:
    """What the caller may have of that image, for the worker; or why not, as {"error": text}.

    Asked for now and with the caller's own token, which is not kept: one byte shows that they may
    read it. The worker then reads it as the service that it is.
    """
    try:
        return _look(glance, ctx, method)
    except Problem as error:
        return {"error": str(error)}


def _look(glance: Glance, ctx: Context, method: dict[str, Any]) -> dict[str, Any]:
    if glance.cloud is None:
        raise NotThere(reason="no region is known")
    base = glance.cloud.endpoint(
        "image", method["glance_region"], method["glance_service_interface"])
    url = f"{base.removesuffix('/v2')}/v2/images/{method['glance_image_id']}"
    image = glance.cloud.fetch(url, token=ctx.token).json()
    if image.get("status") != "active":
        raise NotThere(reason=f"its status is {image.get('status')}, not active")
    with glance.cloud.fetch(f"{url}/file", token=ctx.token, stream=True,
                            headers={"Range": "bytes=0-0"}):
        pass
    prefixes = tuple(glance.imports.extra_properties.split())
    return {
        "url": url, "disk_format": image["disk_format"], "size": image["size"],
        "container_format": image["container_format"], "properties": {
            name: str(value) for name, value in image.items() if name.startswith(prefixes)},
    }


class _Body:
    """A streamed answer as a file. Raises OSError when it ends early, or comes too slowly."""

    def __init__(self, response: Any, size: int | None, pace: Pace) -> None:
        self._response, self._left, self._pace = response, size, pace

    def read(self, size: int = -1) -> bytes:
        self._pace.left()
        begun = time.monotonic()
        try:
            # What is there, not all that was asked for: that may take for ever.
            chunk: bytes = self._response.raw.read1(size, decode_content=False)
        except Exception as error:  # urllib3's own, of many kinds.
            raise OSError(f"the download ended early: {error}") from error
        self._pace.came(len(chunk), time.monotonic() - begun)
        if self._left is not None:
            self._left -= len(chunk)
            if not chunk and self._left > 0:
                raise OSError(f"the download ended {self._left} bytes early")
        return chunk

    def close(self) -> None:
        self._response.close()


def open_image(glance: Glance, document: dict[str, Any]) -> tuple[BinaryIO, dict[str, Any]]:
    """The bytes of what `look` has found, asked for as the service, and `document` again. Raises
    NotThere where `look` said why not; reading raises OSError."""
    if "error" in document:
        raise NotThere(reason=document["error"])
    assert glance.cloud is not None
    response = glance.cloud.fetch(f"{document['url']}/file", stream=True)
    settings = glance.imports
    pace = Pace(settings.transfer_hours * 3600, settings.transfer_rate)
    return cast("BinaryIO", _Body(response, document["size"], pace)), document
