"""/v2/images/{id}/file and /stage: the bytes."""

import re
from typing import Any, BinaryIO, cast

from cairn.common.api import Api, Reply
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Forbidden, Invalid, NotFound, Problem, Unavailable, Unsupported
from cairn.glance.api.schemas import DOWNLOAD_QUERY
from cairn.glance.component import Glance
from cairn.glance.core import cache, content, locations, sources, uploads
from cairn.glance.policy import RULES

api = Api(RULES)
# Which bytes a request asks for (RFC 9110, section 14.2).
RANGE = re.compile(r"bytes[= ]\s*([0-9]{0,18})-([0-9]{0,18})(?:/(?:[0-9]+|\*))?")


class NoSuchRange(Problem):
    code = 416
    message = "The range {text} is not within the {size} bytes of the image."


class Incomplete(Invalid):
    message = "The data ended after {got} bytes of {length}."


class _Whole:
    """A request's stream that fails where it ends before the length its headers tell: the server
    below makes no difference between an end and a connection that broke."""

    def __init__(self, request: Any) -> None:
        self._stream, self.got = request.stream, 0
        self.length: int | None = None
        for name in ("X-OpenStack-Image-Size", "Content-Length"):
            if name in request.headers and self.length is None:
                self.length = parse_whole(request.headers[name])
                if self.length is None:
                    raise Invalid(reason=f"{name} must be a number of bytes.")

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self._stream.read(size)
        self.got += len(chunk)
        if self.length is not None and (self.got > self.length or (
                not chunk and self.got < self.length)):
            raise Incomplete(got=self.got, length=self.length, reason="")
        return chunk


def _binary(request: Any) -> None:
    if request.mimetype != "application/octet-stream":
        raise Unsupported(reason="Expected content type application/octet-stream.")


@api.put("/images/<image_id>/file", policy="upload_image", status=204, raw=True, late=True,
         event="image.upload")
def upload(glance: Glance, ctx: Context, image_id: str, request: Any) -> None:
    """Take the bytes as they come: memory stays flat whatever the size."""
    uploads.check_fillable(glance, ctx, image_id)
    _binary(request)
    name = request.headers.get("X-Image-Meta-Store", glance.stores.default)
    if name not in glance.stores:
        raise Invalid(reason=f"X-Image-Meta-Store: there is no store named {name}.")
    store = glance.stores.to_write(name)
    source = _Whole(request)
    taking = uploads.begin_upload(glance, ctx, image_id, source.length)
    uploads.upload(glance, taking.image, taking.claim, store, cast("BinaryIO", source),
                   taking.room, ctx)


@api.put("/images/<image_id>/stage", policy="modify_image", status=204, raw=True, late=True,
         event="image.update")
def stage(glance: Glance, ctx: Context, image_id: str, request: Any) -> None:
    """Keep the bytes until they are imported."""
    uploads.check_modifiable(glance, ctx, image_id)
    if "glance-direct" not in glance.imports.methods.split():
        raise NotFound(kind="Import method", id="glance-direct")
    _binary(request)
    source = _Whole(request)
    taking = uploads.begin_staging(glance, ctx, image_id, source.length)
    uploads.stage(glance, taking.image, taking.claim, cast("BinaryIO", source), taking.room, ctx)


@api.get("/images/<image_id>/file", policy="download_image", query=DOWNLOAD_QUERY, late=True,
         raw=True, also=(204, 206))
def download(glance: Glance, ctx: Context, image_id: str, query: Any, request: Any) -> Reply:
    """The bytes, or one range of them (RFC 9110, section 14)."""
    prefer = [s.strip() for s in query.get("prefer", "").split(",") if s.strip()]
    image, places = sources.find_to_read(glance, ctx, image_id, bool(prefer))
    unknown = [name for name in prefer if name not in glance.stores]
    if unknown:
        raise Invalid(reason=f"prefer: there is no store named {unknown[0]}.")
    if image.status == "deactivated" and not ctx.is_admin:
        raise Forbidden(rule="download_image: the image is deactivated; it")
    if image.status not in ("active", "deactivated") or not places:
        return Reply(None, 204)
    return _send(glance, image, locations.by_weight(glance.stores, places, prefer), request)


def _send(glance: Glance, image: Any, places: list[Any], request: Any) -> Reply:
    headers = {"Content-Type": "application/octet-stream"}
    if image.checksum:
        headers["Content-MD5"] = image.checksum
    store, url = glance.stores.find(places[0].store), places[0].url
    kept = cache.lookup(glance, image) if glance.cache.folder else None
    if kept is not None:
        store, url = kept
    elif store.slow and glance.cache.folder:
        cache.queue(glance, image.id)
    part = _read_range(request.headers, image.size)
    sent_by_proxy = store.accel(url)
    if sent_by_proxy is not None and image.size:
        # The proxy does ranges too; one that cannot be satisfied was refused above.
        return Reply(b"", 200, headers | {
            "X-Accel-Redirect": sent_by_proxy, "X-Accel-Buffering": "no"})
    headers["Accept-Ranges"] = "bytes"
    start, length = part or (0, image.size)
    try:
        if kept is not None:
            source = store.read(url, start)
        else:
            _, _, source = locations.open_first(glance.stores, places, start)
    except FileNotFoundError:
        return Reply(None, 204)
    except OSError as error:
        raise Unavailable(reason=f"The image's store does not answer: {error}") from error
    if length is not None:
        headers["Content-Length"] = str(length)
    if part is not None and length is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{image.size}"
    return Reply(content.pieces(source, length), 206 if part else 200, headers)


def _read_range(headers: Any, size: int | None) -> tuple[int, int] | None:
    """(first byte, how many) of a Range with one part, None for all. Raises NoSuchRange.

    A Content-Range in a request means the same: old clients of images send it.
    """
    text = headers.get("Range") or headers.get("Content-Range") or ""
    if not text or size is None:
        return None
    match = RANGE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        raise NoSuchRange(text=text, size=size)
    if match[1]:
        first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    else:
        first, last = max(0, size - int(match[2])), size - 1
    last = min(last, size - 1)
    if first > last:
        raise NoSuchRange(text=text, size=size)
    return first, last - first + 1
