"""What nova asks of Glance."""

from typing import Any, Protocol
from urllib.parse import urlencode

from cairn.common.api import Document
from cairn.common.client import Neighbours, as_caller
from cairn.common.context import Context

PATCH = "application/openstack-images-v2.1-json-patch"


class Images(Protocol):
    """Every question raises Remote with Glance's code, Unavailable where there is no answer."""

    def show(self, ctx: Context, image_id: str) -> Document:
        """As the caller sees it."""
        ...

    def create(self, ctx: Context, image: Document) -> Document:
        """The caller's, without bytes."""
        ...

    def update(self, ctx: Context, image_id: str, properties: dict[str, str]) -> None:
        """Set these of its properties, as nova itself."""
        ...

    def fill_with_nothing(self, ctx: Context, image_id: str) -> None:
        """It is active then: its volumes are what it has. As nova itself."""
        ...

    def delete(self, ctx: Context, image_id: str) -> None:
        """As nova itself: whose it is may be gone."""
        ...

    def list_backups(
        self, ctx: Context, project_id: str, server_id: str, backup_type: str
    ) -> list[Document]:
        """The project's that call themselves backups of that server and type, the newest first. As
        nova itself."""
        ...

    def forward(
        self, ctx: Context, method: str, path: str, document: Any = None
    ) -> Document:
        """The caller's own request, as Glance answers it; {} for no body. A PATCH is a JSON
        patch."""
        ...

    def address(self) -> str:
        """Where the cloud's users find Glance."""
        ...

    def lend(self, requests: list[tuple[str, str]], seconds: int) -> tuple[str, str]:
        """What a host needs to make these requests, (method, path), and no others: the address of
        the service, and a token that is good for so many seconds."""
        ...


class HttpImages:
    """Images."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def show(self, ctx: Context, image_id: str) -> Document:
        answer = self._client.get("image", f"/images/{image_id}", ctx=ctx, **as_caller(ctx))
        return answer.json()  # type: ignore[no-any-return]

    def create(self, ctx: Context, image: Document) -> Document:
        answer = self._client.post("image", "/images", ctx=ctx, json=image, **as_caller(ctx))
        return answer.json()  # type: ignore[no-any-return]

    def update(self, ctx: Context, image_id: str, properties: dict[str, str]) -> None:
        patch = [{"op": "add", "path": f"/{name}", "value": value}
                 for name, value in properties.items()]
        self._client.request("image", "PATCH", f"/images/{image_id}", ctx=ctx, json=patch,
                             headers={"Content-Type": PATCH})

    def fill_with_nothing(self, ctx: Context, image_id: str) -> None:
        self._client.put("image", f"/images/{image_id}/file", ctx=ctx, data=b"",
                         headers={"Content-Type": "application/octet-stream"})

    def delete(self, ctx: Context, image_id: str) -> None:
        self._client.delete("image", f"/images/{image_id}", ctx=ctx)

    def list_backups(
        self, ctx: Context, project_id: str, server_id: str, backup_type: str
    ) -> list[Document]:
        query = urlencode({
            "owner": project_id, "instance_uuid": server_id, "image_type": "backup",
            "backup_type": backup_type, "sort_key": "created_at", "sort_dir": "desc",
            "limit": "1000"})
        answer = self._client.get("image", f"/images?{query}", ctx=ctx)
        return answer.json()["images"]  # type: ignore[no-any-return]

    def forward(
        self, ctx: Context, method: str, path: str, document: Any = None
    ) -> Document:
        options = as_caller(ctx)
        if document is not None:
            options["json"] = document
        if method == "PATCH":
            options["headers"] = {**options.get("headers", {}), "Content-Type": PATCH}
        answer = self._client.request("image", method, path, ctx=ctx, **options)
        return answer.json() if answer.content else {}

    def address(self) -> str:
        return self._client.endpoint("image", self._client.settings.region, "public")

    def lend(self, requests: list[tuple[str, str]], seconds: int) -> tuple[str, str]:
        return self._client.lend("image", requests, seconds)
