"""Images as files of one folder, named by their ids; half of one has the suffix .part."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


class FileStore:
    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def write(self, image_id: str) -> "FileWriting":
        return FileWriting(self.folder / image_id)

    def read(self, image_id: str) -> BinaryIO:
        return (self.folder / image_id).open("rb")

    def delete(self, image_id: str) -> None:
        for path in (self.folder / image_id, self.folder / f"{image_id}.part"):
            path.unlink(missing_ok=True)

    def ids(self) -> Iterator[str]:
        return (path.name.removesuffix(".part") for path in self.folder.iterdir())


class FileWriting:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        # nginx reads it through its group.
        self.file = os.fdopen(
            os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "wb", buffering=0
        )

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[self.file.write(view):]

    def commit(self) -> None:
        os.fsync(self.file.fileno())
        self.file.close()
        self.part.rename(self.path)

    def abort(self) -> None:
        self.file.close()
        self.part.unlink(missing_ok=True)
