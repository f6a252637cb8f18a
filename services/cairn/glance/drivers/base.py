"""What a store of image bytes must be able to do."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol


class Store(Protocol):
    def write(self, image_id: str) -> "Writing":
        """Begin to take an image's bytes; what was there under that id of a dead upload goes."""
        ...

    def read(self, image_id: str) -> BinaryIO: ...

    def delete(self, image_id: str) -> None:
        """Remove bytes, whole or half. Those that are not there are not missed."""
        ...

    def ids(self) -> Iterator[str]:
        """Images that the store has anything of."""
        ...


class Writing(Protocol):
    def write(self, chunk: bytes) -> None: ...

    def commit(self) -> None:
        """Make the bytes durable and readable under the image's id."""
        ...

    def abort(self) -> None: ...
