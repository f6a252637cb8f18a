"""As much of Glance as nova asks."""

import uuid
from typing import Any

from fakes.nova.answers import Answer, Document, refuse


class Glance:
    def __init__(self) -> None:
        super().__init__()
        self.images: dict[str, Document] = {}
        # The project of who asks.
        self.asks_for = ""

    def image(self, **properties: Any) -> str:
        image_id = properties.get("id") or str(uuid.uuid4())
        self.images[image_id] = {
            "id": image_id, "name": "cirros", "status": "active", "disk_format": "qcow2",
            "container_format": "bare", "size": 1 << 20, "min_disk": 0, "min_ram": 0,
            "os_hash_value": "ab" * 64, "checksum": "ab" * 16, **properties,
        }
        return image_id

    def _image(self, method: str, path: list[str], query: Any, body: Any) -> Any:
        if method == "POST":
            return self.images[self.image(**body, status="queued", owner=self.asks_for)]
        if len(path) == 1:
            return {"images": self._listed(query)}
        if path[1] not in self.images:
            raise refuse("image", 404, f"No image found with ID {path[1]}")
        if method == "DELETE":
            del self.images[path[1]]
            return Answer(None, 204)
        if method == "PATCH":
            self.images[path[1]] |= {change["path"][1:]: change["value"] for change in body}
        if method == "PUT":
            return self._upload(self.images[path[1]])
        return self.images[path[1]]

    def _listed(self, query: dict[str, list[str]]) -> list[Document]:
        """The newest first, as nova asks for them."""
        assert (query.pop("sort_key"), query.pop("sort_dir")) == (["created_at"], ["desc"])
        query.pop("limit")
        return [image for image in reversed(self.images.values())
                if all(image.get(name) in values for name, values in query.items())]

    def _upload(self, image: Document) -> Answer:
        if image["status"] != "queued":
            raise refuse("image", 409, f"The image is {image['status']}")
        image["status"] = "active"
        return Answer(None, 204)
