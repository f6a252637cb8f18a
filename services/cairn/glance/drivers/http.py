"""Images at other people's web servers: only read, and only where downloads may go."""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from cairn.glance.drivers.base import Writing
from cairn.glance.drivers.gate import Gate


class HttpStore:
    kind = "http"
    read_only = True
    slow = True

    def __init__(self, name: str, gate: Gate) -> None:
        self.name, self.gate = name, gate

    def owns(self, url: str) -> bool:
        return url.startswith(("http://", "https://"))

    def write(self, image_id: str) -> Writing:
        raise OSError(f"The store {self.name} is read-only.")

    def adopt(self, image_id: str, path: str) -> Writing | None:
        return None

    def read(self, url: str, start: int = 0) -> BinaryIO:
        return cast("BinaryIO", self.gate.open(url, start))

    def size(self, url: str) -> int | None:
        with self.gate.open(url, method="HEAD") as response:
            return response.length

    def delete(self, url: str) -> None:
        """What is others' stays."""

    def kept(self) -> Iterator[tuple[str, str, float]]:
        return iter(())

    def accel(self, url: str) -> str | None:
        return None

    def properties(self) -> dict[str, Any]:
        return {}
