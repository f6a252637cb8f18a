"""What nova asks of Cinder. Documents are Cinder's, without their envelope."""

from typing import Any, Protocol
from urllib.parse import urlencode

from cairn.common.api import Document
from cairn.common.client import Neighbours, as_caller
from cairn.common.context import Context
from cairn.common.errors import Problem

SERVICE = "block-storage"
# Attachments as they are since 3.54, reimaging since 3.68.
VERSION = "3.68"
# By which a volume or a snapshot that a work made is found again, when its maker died.
MARK = "nova_block_device"


class Volumes(Protocol):
    """As the caller where the context has its token, who so finds only what is the caller's; else
    as nova itself. Every question raises Remote with Cinder's code, Unavailable where there is no
    answer."""

    def show(self, ctx: Context, volume_id: str) -> Document: ...

    def show_snapshot(self, ctx: Context, snapshot_id: str) -> Document: ...

    def list_types(self, ctx: Context) -> list[Document]: ...

    def create(self, ctx: Context, project_id: str, volume: Document) -> Document:
        """That project's, whoever asks; made in a while."""
        ...

    def list_marked(self, ctx: Context, project_id: str, mark: str) -> list[Document]:
        """Those of the project whose metadata have MARK with that value."""
        ...

    def delete(self, ctx: Context, volume_id: str) -> None: ...

    def create_snapshot(self, ctx: Context, project_id: str, snapshot: Document) -> Document:
        """Asked for as from that project; also of a volume in use."""
        ...

    def list_marked_snapshots(self, ctx: Context, volume_id: str, mark: str) -> list[Document]:
        """Those of the volume, whoever's they are, whose metadata have MARK with that value."""
        ...

    def delete_snapshot(self, ctx: Context, snapshot_id: str) -> None: ...

    def create_attachment(
        self, ctx: Context, volume_id: str, server_id: str, mode: str | None = None
    ) -> Document:
        """Reserve the volume for the server."""
        ...

    def list_attachments(
        self, ctx: Context, server_id: str, volume_id: str | None = None
    ) -> list[Document]:
        """The server's, whoever's they are."""
        ...

    def show_attachment(self, ctx: Context, attachment_id: str) -> Document: ...

    def update_attachment(
        self, ctx: Context, attachment_id: str, connector: Document
    ) -> Document:
        """Let the host of the connector reach it: {"connection_info": {"driver_volume_type",
        "data"}}, which holds secrets."""
        ...

    def complete_attachment(self, ctx: Context, attachment_id: str) -> None:
        """The guest has it: the volume is in use."""
        ...

    def delete_attachment(self, ctx: Context, attachment_id: str) -> None:
        """One that there is not is well."""
        ...

    def show_encryption(self, ctx: Context, volume_id: str) -> Document: ...

    def passphrase(self, ctx: Context, volume_id: str) -> str:
        """What opens the encrypted volume: for the memory of its server's host, and for nothing
        else."""
        ...

    def reimage(self, ctx: Context, volume_id: str, image_id: str, *, reserved: bool) -> None:
        """Write the image over it, in a while; `reserved` for one that is reserved for a server."""
        ...

    def forward(
        self, ctx: Context, method: str, path: str, document: Document | None = None
    ) -> Document:
        """The caller's own request, in the words of 3.0, as Cinder answers it; {} for no body."""
        ...

    def complete_migration(self, ctx: Context, old: str, new: str, *, failed: bool) -> str:
        """The guest has `new` instead of `old`; the id that the volume has from now on."""
        ...


class HttpVolumes:
    """Volumes."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def _ask(
        self, ctx: Context, method: str, path: str, document: Document | None = None,
        *, own: bool = True, version: str = VERSION,
    ) -> Any:
        options = as_caller(ctx) if own else {}
        if document is not None:
            options["json"] = document
        answer = self._client.request(SERVICE, method, path, ctx=ctx, version=version, **options)
        return answer.json() if answer.content else None

    def show(self, ctx: Context, volume_id: str) -> Document:
        return self._ask(ctx, "GET", f"/volumes/{volume_id}")["volume"]  # type: ignore[no-any-return]

    def show_snapshot(self, ctx: Context, snapshot_id: str) -> Document:
        answer = self._ask(ctx, "GET", f"/snapshots/{snapshot_id}")
        return answer["snapshot"]  # type: ignore[no-any-return]

    def list_types(self, ctx: Context) -> list[Document]:
        return self._ask(ctx, "GET", "/types?limit=1000")["volume_types"]  # type: ignore[no-any-return]

    def create(self, ctx: Context, project_id: str, volume: Document) -> Document:
        answer = self._ask(ctx, "POST", f"/{project_id}/volumes", {"volume": volume}, own=False)
        return answer["volume"]  # type: ignore[no-any-return]

    def list_marked(self, ctx: Context, project_id: str, mark: str) -> list[Document]:
        return self._list_marked(ctx, f"/{project_id}", "volumes", mark)

    def _list_marked(
        self, ctx: Context, prefix: str, kind: str, mark: str, **asked: str
    ) -> list[Document]:
        query = urlencode({"metadata": str({MARK: mark}), **asked})
        answer = self._ask(ctx, "GET", f"{prefix}/{kind}/detail?{query}", own=False)
        return [each for each in answer[kind] if each.get("metadata", {}).get(MARK) == mark]

    def delete(self, ctx: Context, volume_id: str) -> None:
        self._ask(ctx, "DELETE", f"/volumes/{volume_id}", own=False)

    def create_snapshot(self, ctx: Context, project_id: str, snapshot: Document) -> Document:
        answer = self._ask(ctx, "POST", f"/{project_id}/snapshots", {"snapshot": snapshot},
                           own=False)
        return answer["snapshot"]  # type: ignore[no-any-return]

    def list_marked_snapshots(self, ctx: Context, volume_id: str, mark: str) -> list[Document]:
        return self._list_marked(ctx, "", "snapshots", mark, all_tenants="1",
                                 volume_id=volume_id)

    def delete_snapshot(self, ctx: Context, snapshot_id: str) -> None:
        self._ask(ctx, "DELETE", f"/snapshots/{snapshot_id}", own=False)

    def create_attachment(
        self, ctx: Context, volume_id: str, server_id: str, mode: str | None = None
    ) -> Document:
        asked = {"volume_uuid": volume_id, "instance_uuid": server_id}
        if mode is not None:
            asked["mode"] = mode
        answer = self._ask(ctx, "POST", "/attachments", {"attachment": asked})
        return answer["attachment"]  # type: ignore[no-any-return]

    def list_attachments(
        self, ctx: Context, server_id: str, volume_id: str | None = None
    ) -> list[Document]:
        asked = {"all_tenants": "1", "instance_id": server_id}
        if volume_id is not None:
            asked["volume_id"] = volume_id
        answer = self._ask(ctx, "GET", f"/attachments?{urlencode(asked)}", own=False)
        return answer["attachments"]  # type: ignore[no-any-return]

    def show_attachment(self, ctx: Context, attachment_id: str) -> Document:
        return _attachment(self._ask(ctx, "GET", f"/attachments/{attachment_id}", own=False))

    def update_attachment(
        self, ctx: Context, attachment_id: str, connector: Document
    ) -> Document:
        return _attachment(self._ask(ctx, "PUT", f"/attachments/{attachment_id}",
                                     {"attachment": {"connector": connector}}, own=False))

    def complete_attachment(self, ctx: Context, attachment_id: str) -> None:
        self._ask(ctx, "POST", f"/attachments/{attachment_id}/action", {"os-complete": {}},
                  own=False)

    def delete_attachment(self, ctx: Context, attachment_id: str) -> None:
        try:
            self._ask(ctx, "DELETE", f"/attachments/{attachment_id}", own=False)
        except Problem as problem:
            if problem.code != 404:
                raise

    def show_encryption(self, ctx: Context, volume_id: str) -> Document:
        return self._ask(  # type: ignore[no-any-return]
            ctx, "GET", f"/volumes/{volume_id}/encryption", own=False)

    def passphrase(self, ctx: Context, volume_id: str) -> str:
        answer = self._ask(ctx, "GET", f"/volumes/{volume_id}/encryption/passphrase", own=False)
        return str(answer["passphrase"] if isinstance(answer, dict) else answer)

    def reimage(self, ctx: Context, volume_id: str, image_id: str, *, reserved: bool) -> None:
        self._ask(ctx, "POST", f"/volumes/{volume_id}/action", {"os-reimage": {
            "image_id": image_id, "reimage_reserved": reserved}}, own=False)

    def forward(
        self, ctx: Context, method: str, path: str, document: Document | None = None
    ) -> Document:
        return self._ask(ctx, method, path, document, version="3.0") or {}

    def complete_migration(self, ctx: Context, old: str, new: str, *, failed: bool) -> str:
        answer = self._ask(ctx, "POST", f"/volumes/{old}/action", {
            "os-migrate_volume_completion": {"new_volume": new, "error": failed}}, own=False)
        return str(answer["save_volume_id"])


def _attachment(answer: Document) -> Document:
    """Over HTTP, what a connection's data are lies beside its kind."""
    attachment: Document = answer["attachment"]
    info = attachment.get("connection_info") or {}
    if info and "data" not in info:
        kind = info.get("driver_volume_type")
        data = {key: value for key, value in info.items() if key != "driver_volume_type"}
        attachment = attachment | {
            "connection_info": {"driver_volume_type": kind, "data": data}}
    return attachment
