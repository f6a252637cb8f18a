"""What cinder asks of Nova, and tells it."""

from typing import Protocol
from urllib.parse import quote

from cairn.common.api import Document
from cairn.common.client import Neighbours
from cairn.common.context import Context


class Compute(Protocol):
    """Every question raises Remote with Nova's code, Unavailable where there is no answer."""

    def server(self, ctx: Context, server_id: str) -> Document:
        """As cinder itself sees it."""
        ...

    def attachment(self, ctx: Context, server_id: str, volume_id: str) -> Document:
        """How the server has the volume: {"attachment_id", ...}."""
        ...

    def uses(self, ctx: Context) -> Document:
        """What servers use, of all projects: {"volume_uses": [{"server_id", "volume_id",
        "attachment_id", "state", "host", "gone", "busy"}], "hosts": [those with servers]}."""
        ...

    def guests(self, ctx: Context, host: str) -> dict[str, list[str]]:
        """Which volumes that host's guests really have, by server id."""
        ...

    def tell_extended(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        """A volume that these servers use has grown: their guests shall see it."""
        ...

    def tell_reimaged(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        """A volume of these servers holds its new image."""
        ...

    def swap(self, ctx: Context, server_id: str, volume_id: str, new_volume_id: str) -> None:
        """The server copies what it has on one volume to the other, and uses that."""
        ...


class HttpCompute:
    """Compute."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def server(self, ctx: Context, server_id: str) -> Document:
        answer = self._client.get("compute", f"/servers/{server_id}", ctx=ctx)
        return answer.json()["server"]  # type: ignore[no-any-return]

    def attachment(self, ctx: Context, server_id: str, volume_id: str) -> Document:
        answer = self._client.get(
            "compute", f"/servers/{server_id}/os-volume_attachments/{volume_id}", ctx=ctx,
            version="2.89")
        return answer.json()["volumeAttachment"]  # type: ignore[no-any-return]

    def uses(self, ctx: Context) -> Document:
        answer = self._client.get("compute", "/os-volume-uses", ctx=ctx)
        return answer.json()  # type: ignore[no-any-return]

    def guests(self, ctx: Context, host: str) -> dict[str, list[str]]:
        answer = self._client.get("compute", f"/os-volume-uses/{quote(host)}/guests", ctx=ctx)
        return {each["server_id"]: each["volumes"] for each in answer.json()["guests"]}

    def tell_extended(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        self._tell(ctx, "volume-extended", "2.51", server_ids, volume_id)

    def tell_reimaged(self, ctx: Context, server_ids: list[str], volume_id: str) -> None:
        self._tell(ctx, "volume-reimaged", "2.93", server_ids, volume_id)

    def swap(self, ctx: Context, server_id: str, volume_id: str, new_volume_id: str) -> None:
        self._client.put(
            "compute", f"/servers/{server_id}/os-volume_attachments/{volume_id}", ctx=ctx,
            json={"volumeAttachment": {"volumeId": new_volume_id}})

    def _tell(self, ctx: Context, event: str, version: str, server_ids: list[str],
              volume_id: str) -> None:
        events = [{"name": event, "server_uuid": server, "tag": volume_id}
                  for server in server_ids]
        if events:
            self._client.post("compute", "/os-server-external-events", ctx=ctx,
                              json={"events": events}, version=version)
