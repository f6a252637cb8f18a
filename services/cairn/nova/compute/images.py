"""Images as this host keeps them: one file each, named by id and content, whole or not there."""

import contextlib
import hashlib
import logging
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oslo_utils.imageutils import format_inspector

from cairn.common.bounds import below, uuid_of
from cairn.common.context import Context
from cairn.common.transfers import Transfers
from cairn.common.work import check
from cairn.nova.drivers.files import ALGORITHMS, QEMU_FORMATS, bases, require_space
from cairn.nova.errors import ImageBroken, ImageChanged
from cairn.nova.rpc import Image, Spec

log = logging.getLogger(__name__)
# Seconds for which an image that was asked for is there, whatever its size: a server is being made
# of it.
GRACE = 3600.0
# Guests read them, and nobody writes them.
MODE, FOLDER_MODE = 0o444, 0o711


class ImageCache:
    """Fetches what is missing. Safe from any thread; two that want one image fetch it once."""

    def __init__(self, folder: Path, transfers: Transfers, host: str) -> None:
        self.folder = folder
        self.transfers = transfers
        self.host = host
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def path(self, image: Image) -> Path:
        """Where it is, or would be. The digest in its name was computed here, over what came: what
        another image is said to contain never finds this file."""
        image_id = uuid_of(image["id"], "image")
        if image["checksum"]:
            return below(self.folder, f"{image_id}.{_checksum(image)}")
        # Glance itself has not seen its bytes: there is one, or there is none.
        return next(iter(self._of(image_id)), below(self.folder, image_id))

    def has(self, image: Image) -> bool:
        return self.path(image).exists()

    def fetch(self, ctx: Context, spec: Spec, purpose: str = "read") -> Path:
        """The file of the spec's image, checked; `purpose` is what it is borrowed for (core/
        loans.py). Raises ImageBroken, ImageChanged, NoDiskSpace, or what Glance refuses."""
        image = spec["image"]
        assert image is not None
        with self._locks[image["id"]]:
            path = self.path(image)
            if not path.exists():
                path = self._download(image, self.transfers.download(ctx, spec["id"], purpose))
            os.utime(path)
        return path

    def cache(self, ctx: Context, image: Image, transfers: Transfers) -> bool:
        """Have it, for a server that may come, by other transfers than servers'; whether it was
        fetched now. Raises as `fetch`."""
        with self._locks[image["id"]]:
            path = self.path(image)
            new = not path.exists()
            if new:
                path = self._download(image, transfers.download(ctx, ""))
            os.utime(path)
        return new

    @contextlib.contextmanager
    def kept(self, image: Image) -> Iterator[Path]:
        """The image's file, which does not go meanwhile. Raises ImageBroken if it has gone."""
        with self._locks[image["id"]]:
            path = self.path(image)
            if not path.exists():
                raise ImageBroken(id=image["id"], reason="this host no longer has it")
            os.utime(path)
            yield path

    def sweep(self) -> None:
        """Remove halves that an earlier life of this process left, and take from guests what they
        were once given. Only at its start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(FOLDER_MODE)
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)
        for path in self._files():
            _protect(path)

    def age(self, seconds: float, most: int) -> None:
        """Remove images that no disk needs: those unused for so long, and the oldest while they
        take more than `most` bytes."""
        used = bases(self.folder.parent)
        idle = sorted((path for path in self._files() if path.name not in used),
                      key=lambda path: path.stat().st_mtime)
        size = sum(_bytes(path) for path in idle)
        gone, freed, now = 0, 0, time.time()
        for path in idle:
            unused = now - path.stat().st_mtime
            if unused > GRACE and (unused > seconds or size - freed > most):
                took = self._remove(path)
                gone, freed = gone + bool(took), freed + took
        log.info("images here: %d in use, %d idle of %d MiB, of which %d of %d MiB removed",
                 len(used), len(idle), size >> 20, gone, freed >> 20)

    def _remove(self, path: Path) -> int:
        """The bytes that are free now; none if somebody asked for it meanwhile."""
        with self._locks[path.name.partition(".")[0]]:
            if time.time() - path.stat().st_mtime <= GRACE:
                return 0
            size = _bytes(path)
            path.unlink()
        return size

    def _files(self) -> list[Path]:
        return [path for path in self.folder.iterdir()
                if path.is_file() and not path.is_symlink() and path.suffix != ".part"]

    def _of(self, image_id: str) -> list[Path]:
        return [path for path in self.folder.glob(f"{image_id}.*") if path.suffix != ".part"]

    def _download(self, image: Image, pieces: Iterator[bytes]) -> Path:
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        require_space(self.folder, image["size"] or 0, self.host, f"image {image['id']}")
        part = below(self.folder, f"{image['id']}.part")
        said = _checksum(image)
        digest: Any = hashlib.new(ALGORITHMS.get(len(said), "sha512"), usedforsecurity=False)
        try:
            with part.open("wb") as file:
                for chunk in pieces:
                    check()
                    digest.update(chunk)
                    file.write(chunk)
            checksum = digest.hexdigest()
            if said and checksum != said:
                raise ImageChanged(id=image["id"], said=said, found=checksum)
            inspect(part, image)
            _protect(part)
            path = below(self.folder, f"{image['id']}.{checksum}")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path


def _checksum(image: Image) -> str:
    """Raises ImageBroken for one that is none."""
    text = image["checksum"]
    if text and (len(text) not in ALGORITHMS or not re.fullmatch("[0-9a-f]+", text)):
        raise ImageBroken(id=image["id"], reason="its checksum is none")
    return text


def _protect(path: Path) -> None:
    """libvirt once gave what guests read to their user, who may write what is theirs."""
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    path.chmod(MODE)


def _bytes(path: Path) -> int:
    return path.stat().st_blocks * 512


def inspect(path: Path, image: Image) -> None:
    """Refuse content that is not what it claims, or that would make qemu open other files."""
    declared = image["disk_format"]
    if declared not in QEMU_FORMATS:
        raise ImageBroken(id=image["id"], reason=f"disk_format {declared} cannot be booted here")
    try:
        content = format_inspector.detect_file_format(str(path))
    except format_inspector.ImageFormatError as error:
        raise ImageBroken(id=image["id"], reason=str(error)) from error
    name = str(content) if content is not None else "raw"
    if name not in QEMU_FORMATS or QEMU_FORMATS[name] != QEMU_FORMATS[declared]:
        raise ImageBroken(id=image["id"], reason=f"disk_format is {declared}, content is {name}")
    if content is not None and name not in ("raw", "gpt"):
        try:
            content.safety_check()
        except (format_inspector.SafetyCheckFailed, format_inspector.ImageFormatError) as error:
            raise ImageBroken(id=image["id"], reason=str(error)) from error
