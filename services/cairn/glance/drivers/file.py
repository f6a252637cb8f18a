"""Images as files of one folder, named by their ids; half of one is ID.TOKEN.part."""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from cairn.glance.drivers.base import Writing


class FileStore:
    kind = "file"
    read_only = False
    slow = False

    def __init__(self, name: str, folder: str, *, root: str = "", accel: str = "") -> None:
        """`accel` is the proxy's location of `root`, which may hold the folder or not."""
        self.name, self.folder = name, Path(folder)
        self._root, self._accel = Path(root) if root else None, accel

    def owns(self, url: str) -> bool:
        return self._path(url).parent == self.folder

    def url(self, image_id: str) -> str:
        return f"file://{self.folder / image_id}"

    def write(self, image_id: str) -> Writing:
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        return FileWriting(self.folder / image_id)

    def adopt(self, image_id: str, path: str) -> Writing | None:
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            return FileWriting(self.folder / image_id, of=path)
        except OSError:  # Another filesystem, or one without links.
            return None

    def read(self, url: str, start: int = 0) -> BinaryIO:
        file = self._path(url).open("rb")
        if start:
            file.seek(start)
        return file

    def size(self, url: str) -> int | None:
        return self._path(url).stat().st_size

    def delete(self, url: str) -> None:
        self._path(url).unlink(missing_ok=True)

    def kept(self) -> Iterator[tuple[str, str, float]]:
        if not self.folder.is_dir():
            return
        now = time.time()
        with os.scandir(self.folder) as entries:
            for entry in entries:
                try:
                    if not entry.is_file():
                        continue
                    age = now - entry.stat().st_mtime
                except FileNotFoundError:
                    continue  # It was removed, or committed, since.
                yield entry.name.partition(".")[0], f"file://{entry.path}", age

    def accel(self, url: str) -> str | None:
        path = self._path(url)
        if not self._accel or self._root is None or not path.is_relative_to(self._root):
            return None
        return self._accel + str(path.relative_to(self._root))

    def properties(self) -> dict[str, Any]:
        return {"data_dir": str(self.folder), "chunk_size": 1 << 20, "thin_provisioning": False}

    @staticmethod
    def _path(url: str) -> Path:
        return Path(url.removeprefix("file://"))


class FileWriting:
    def __init__(self, path: Path, of: str = "") -> None:
        """A new file, or a second name of the file `of`."""
        self.path = path
        # A name of its own: a writer that was taken for dead and wakes up writes to nobody's file.
        self.part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
        if of:
            os.link(of, self.part)
        # nginx reads it through its group.
        flags = os.O_WRONLY if of else os.O_WRONLY | os.O_CREAT | os.O_EXCL
        self.file = os.fdopen(os.open(self.part, flags, 0o640), "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[self.file.write(view):]

    def flush(self) -> None:
        os.fsync(self.file.fileno())
        self.file.close()

    def commit(self) -> str:
        self.part.rename(self.path)
        return f"file://{self.path}"

    def abort(self) -> None:
        self.file.close()
        self.part.unlink(missing_ok=True)
