"""What a store of image bytes must be able to do."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol


class Store(Protocol):
    """One place for the bytes of images. A driver adds `write` and the like or is `read_only`.

    `url` is the driver's own address of one image's bytes. Every failure of the place itself is an
    OSError; FileNotFoundError where the bytes are gone.
    """

    name: str
    kind: str
    read_only: bool
    # Whether reading is much slower than from a disk of this host: then the cache helps.
    slow: bool

    def owns(self, url: str) -> bool:
        """Whether the address is one of this store's."""
        ...

    def write(self, image_id: str) -> "Writing":
        """Begin to take an image's bytes. Several at once do not meet; the last to commit wins."""
        ...

    def adopt(self, image_id: str, path: str) -> "Writing | None":
        """Take a file of this host whole, if that costs nothing; the file stays where it is."""
        ...

    def read(self, url: str, start: int = 0) -> BinaryIO:
        """The bytes from `start` on; closing it ends the reading."""
        ...

    def size(self, url: str) -> int | None: ...

    def delete(self, url: str) -> None:
        """Remove the bytes. Those that are not there are not missed."""
        ...

    def kept(self) -> Iterator[tuple[str, str, float]]:
        """All that is there, whole or half: (image id, url, seconds since it was written to)."""
        ...

    def accel(self, url: str) -> str | None:
        """Where the proxy finds the bytes by itself, if it does."""
        ...

    def properties(self) -> dict[str, Any]:
        """What an administrator may know of the store."""
        ...


class Writing(Protocol):
    def write(self, chunk: bytes) -> None: ...

    def flush(self) -> None:
        """Make the bytes durable; may take long."""
        ...

    def commit(self) -> str:
        """Publish what was flushed, at once; its url."""
        ...

    def abort(self) -> None: ...
