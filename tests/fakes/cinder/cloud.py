"""What stands for cinder's neighbours: images with bytes, servers that are told, limits."""

from collections.abc import Callable, Iterator
from typing import Any

from cairn.cinder import neighbours
from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Remote


class Images:
    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.bytes: dict[str, bytes] = {}
        self.places: dict[str, list[str]] = {}

    def add(self, content: bytes = b"an image", **facts: Any) -> str:
        """An active image of anybody's; its id."""
        id_ = facts.get("id") or new_id()
        self.images[id_] = {
            "id": id_, "name": "img", "status": "active", "disk_format": "raw",
            "container_format": "bare", "size": len(content), "min_disk": 0, "min_ram": 0,
            "checksum": "0" * 32, **facts}
        self.bytes[id_] = content
        return id_

    def show(self, ctx: Context, image_id: str) -> dict[str, Any]:
        if image_id not in self.images:
            raise Remote("NotFound", 404, f"No image found with ID {image_id}")
        return dict(self.images[image_id])

    def locations(self, ctx: Context, image_id: str) -> list[str]:
        return self.places.get(image_id, [])

    def create(self, ctx: Context, image: dict[str, Any]) -> dict[str, Any]:
        id_ = self.add(b"", **{"status": "queued", "size": None, **image})
        self.bytes.pop(id_)
        return self.show(ctx, id_)

    def delete(self, ctx: Context, image_id: str) -> None:
        self.show(ctx, image_id)
        del self.images[image_id]

    def lend(self, requests: list[tuple[str, str]], seconds: int) -> tuple[str, str]:
        return "https://images", "lent"


class Compute:
    def __init__(self) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        self.told: list[tuple[str, list[str], str]] = []
        # Attachments by server and volume.
        self.used: dict[tuple[str, str], str] = {}
        # Of guests the volumes that they really have, by host and server; who does not answer.
        self.held: dict[str, dict[str, list[str]]] = {"one": {}}
        self.silent: set[str] = set()
        self.busy: set[str] = set()
        self.host_of: dict[str, str] = {}
        self.state_of: dict[str, str] = {}
        # What Nova does when it is asked to move a guest.
        self.on_swap: Callable[[str, str, str], None] = lambda server, old, new: None

    def server(self, ctx: Context, server_id: str) -> dict[str, Any]:
        if server_id not in self.servers:
            raise Remote("NotFound", 404, f"Instance {server_id} could not be found.")
        return self.servers[server_id]

    def attachment(self, ctx: Context, server_id: str, volume_id: str) -> dict[str, Any]:
        if (server_id, volume_id) not in self.used:
            raise Remote("NotFound", 404, f"Instance {server_id} is not attached.")
        return {"volumeId": volume_id, "serverId": server_id,
                "attachment_id": self.used[server_id, volume_id]}

    def uses(self, ctx: Context) -> dict[str, Any]:
        listed = [{"server_id": server, "volume_id": volume, "attachment_id": attachment,
                   "state": self.state_of.get(server, "attached"),
                   "host": self.host_of.get(server, "one"), "gone": False,
                   "busy": server in self.busy}
                  for (server, volume), attachment in self.used.items()]
        return {"volume_uses": listed, "hosts": list(self.held)}

    def guests(self, ctx: Context, host: str) -> dict[str, list[str]]:
        if host in self.silent:
            raise Remote("compute 409", 409, f"{host} is down")
        return self.held[host]

    def tell_extended(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        self.told.append(("extended", server_ids, volume_id))

    def tell_reimaged(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        self.told.append(("reimaged", server_ids, volume_id))

    def swap(self, ctx: Context, server_id: str, volume_id: str, new_volume_id: str) -> None:
        self.told.append(("swap", [server_id], f"{volume_id} {new_volume_id}"))
        self.on_swap(server_id, volume_id, new_volume_id)


class Limits:
    def __init__(self) -> None:
        self.defaults: list[dict[str, Any]] = []
        self.owned: dict[str, list[dict[str, Any]]] = {}

    def registered(self, ctx: Context) -> list[dict[str, Any]]:
        return self.defaults

    def own(self, ctx: Context, project_id: str) -> list[dict[str, Any]]:
        return self.owned.get(project_id, [])


class Cloud(neighbours.Cloud):
    images: Images
    compute: Compute
    limits: Limits

    def __init__(self) -> None:
        super().__init__(Images(), Compute(), Limits())


class FakeTransfers:
    """Stands for common.transfers.Transfers: of the image that a work is lent."""

    def __init__(self, scheduler: Any, images: Images) -> None:
        self.scheduler, self.images = scheduler, images

    def _lent(self, ctx: Context, work_id: str, purpose: str) -> str:
        loan = self.scheduler.lend_image(ctx, work_id=work_id, purpose=purpose)
        return str(loan["image_id"])

    def download(self, ctx: Context, work_id: str) -> Iterator[bytes]:
        yield self.images.bytes[self._lent(ctx, work_id, "read")]

    def upload(self, ctx: Context, work_id: str, path: Any) -> None:
        id_ = self._lent(ctx, work_id, "fill")
        self.images.bytes[id_] = path.read_bytes()
        self.images.images[id_] |= {"status": "active", "size": len(self.images.bytes[id_])}

    def status(self, ctx: Context, work_id: str) -> str:
        return str(self.images.images[self._lent(ctx, work_id, "fill")]["status"])
