"""Images as this host keeps them: one file each, named by checksum, whole or not there."""

import hashlib
import os
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

from oslo_utils.imageutils import format_inspector

from cairn.common.client import Neighbours
from cairn.common.context import Context
from cairn.common.work import check
from cairn.nova.compute.errors import ImageBroken, NoDiskSpace
from cairn.nova.rpc import Image

CHUNK = 1 << 20
# What made a checksum, by how many hexadecimal digits it has.
ALGORITHMS = {128: "sha512", 96: "sha384", 64: "sha256", 32: "md5"}
# Formats qemu reads by itself, with the name its command line has for them.
QEMU_FORMATS = {"qcow2": "qcow2", "raw": "raw", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vpc",
                "vhdx": "vhdx", "iso": "raw", "ami": "raw", "gpt": "raw"}


class ImageCache:
    """Fetches what is missing. Safe from any thread; two that want one image fetch it once."""

    def __init__(self, folder: Path, neighbours: Neighbours, host: str) -> None:
        self.folder = folder
        self.neighbours = neighbours
        self.host = host
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def path(self, image: Image) -> Path:
        return self.folder / (image["checksum"] or image["id"])

    def has(self, image: Image) -> bool:
        return self.path(image).exists()

    def fetch(self, ctx: Context, image: Image) -> Path:
        """The image's file, checked. Raises ImageBroken, NoDiskSpace, or what Glance refuses."""
        path = self.path(image)
        with self._locks[path.name]:
            if not path.exists():
                self._download(ctx, image, path)
            path.touch()
        return path

    def sweep(self) -> None:
        """Remove halves that an earlier life of this process left. Only at its start."""
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)

    def _download(self, ctx: Context, image: Image, path: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        require_space(self.folder, image["size"] or 0, self.host, f"image {image['id']}")
        part = path.with_name(f"{path.name}.part")
        digest: Any = hashlib.new(ALGORITHMS.get(len(image["checksum"]), "md5"),
                                  usedforsecurity=False)
        response = self.neighbours.get(
            "image", f"/images/{image['id']}/file", ctx=ctx, stream=True)
        try:
            with response, part.open("wb") as file:
                for chunk in response.iter_content(CHUNK):
                    check()
                    digest.update(chunk)
                    file.write(chunk)
            if image["checksum"] and digest.hexdigest() != image["checksum"]:
                raise ImageBroken(id=image["id"], reason="what Glance sent has another checksum")
            inspect(part, image)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def inspect(path: Path, image: Image) -> None:
    """Refuse content that is not what it claims, or that would make qemu open other files."""
    declared = image["disk_format"]
    if declared not in QEMU_FORMATS:
        raise ImageBroken(id=image["id"], reason=f"disk_format {declared} cannot be booted here")
    try:
        found = format_inspector.detect_file_format(str(path))
    except format_inspector.ImageFormatError as error:
        raise ImageBroken(id=image["id"], reason=str(error)) from error
    name = str(found) if found is not None else "raw"
    if name not in QEMU_FORMATS or QEMU_FORMATS[name] != QEMU_FORMATS[declared]:
        raise ImageBroken(id=image["id"], reason=f"disk_format is {declared}, content is {name}")
    if found is not None and name not in ("raw", "gpt"):
        try:
            found.safety_check()
        except (format_inspector.SafetyCheckFailed, format_inspector.ImageFormatError) as error:
            raise ImageBroken(id=image["id"], reason=str(error)) from error


def require_space(folder: Path, needed: int, host: str, what: str) -> None:
    """Raises NoDiskSpace unless `needed` bytes fit."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    if needed > free:
        raise NoDiskSpace(host=host, free=free >> 20, needed=(needed >> 20) + 1, what=what)
