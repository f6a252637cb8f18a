"""What nova asks of Neutron. Documents are Neutron's, without their envelope."""

from typing import Any, Protocol
from urllib.parse import urlencode

from cairn.common.api import Document
from cairn.common.client import Neighbours, as_caller
from cairn.common.context import Context


class Network(Protocol):
    """With `own`, as the caller, who so finds only what is the caller's; else as nova itself.

    Filters are the query's; a list is any of its values. Every question raises Remote with
    Neutron's code, Unavailable where there is no answer.
    """

    def list_networks(
        self, ctx: Context, *, own: bool = False, **filters: Any
    ) -> list[Document]: ...

    def list_subnets(self, ctx: Context, *, own: bool = False, **filters: Any) -> list[Document]:
        ...

    def list_ports(self, ctx: Context, *, own: bool = False, **filters: Any) -> list[Document]:
        ...

    def list_floating_ips(
        self, ctx: Context, *, own: bool = False, **filters: Any
    ) -> list[Document]: ...

    def list_security_groups(
        self, ctx: Context, *, own: bool = False, **filters: Any
    ) -> list[Document]: ...

    def show_port(self, ctx: Context, port_id: str, *, own: bool = False) -> Document: ...

    def create_port(self, ctx: Context, port: Document) -> Document: ...

    def update_port(
        self, ctx: Context, port_id: str, changes: Document, *, own: bool = False
    ) -> Document: ...

    def delete_port(self, ctx: Context, port_id: str) -> None: ...

    def forward(
        self, ctx: Context, method: str, path: str, document: Document | None = None
    ) -> Document:
        """The caller's own request, as Neutron answers it, envelopes and all; {} for no body."""
        ...


class HttpNetwork:
    """Network."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def _list(
        self, ctx: Context, kind: str, filters: dict[str, Any], own: bool = False
    ) -> list[Document]:
        path = f"/{kind}?{urlencode(filters, doseq=True)}" if filters else f"/{kind}"
        options = as_caller(ctx) if own else {}
        answer = self._client.get("network", path, ctx=ctx, **options).json()
        return answer[kind.replace("-", "_")]  # type: ignore[no-any-return]

    def list_networks(self, ctx: Context, *, own: bool = False, **filters: Any) -> list[Document]:
        return self._list(ctx, "networks", filters, own)

    def list_subnets(self, ctx: Context, *, own: bool = False, **filters: Any) -> list[Document]:
        return self._list(ctx, "subnets", filters, own)

    def list_ports(self, ctx: Context, *, own: bool = False, **filters: Any) -> list[Document]:
        return self._list(ctx, "ports", filters, own)

    def list_floating_ips(
        self, ctx: Context, *, own: bool = False, **filters: Any
    ) -> list[Document]:
        return self._list(ctx, "floatingips", filters, own)

    def list_security_groups(
        self, ctx: Context, *, own: bool = False, **filters: Any
    ) -> list[Document]:
        return self._list(ctx, "security-groups", filters, own)

    def show_port(self, ctx: Context, port_id: str, *, own: bool = False) -> Document:
        options = as_caller(ctx) if own else {}
        answer = self._client.get("network", f"/ports/{port_id}", ctx=ctx, **options).json()
        return answer["port"]  # type: ignore[no-any-return]

    def create_port(self, ctx: Context, port: Document) -> Document:
        answer = self._client.post("network", "/ports", ctx=ctx, json={"port": port}).json()
        return answer["port"]  # type: ignore[no-any-return]

    def update_port(
        self, ctx: Context, port_id: str, changes: Document, *, own: bool = False
    ) -> Document:
        options = as_caller(ctx) if own else {}
        answer = self._client.put("network", f"/ports/{port_id}", ctx=ctx,
                                  json={"port": changes}, **options).json()
        return answer["port"]  # type: ignore[no-any-return]

    def delete_port(self, ctx: Context, port_id: str) -> None:
        self._client.delete("network", f"/ports/{port_id}", ctx=ctx)

    def forward(
        self, ctx: Context, method: str, path: str, document: Document | None = None
    ) -> Document:
        options = as_caller(ctx) | ({} if document is None else {"json": document})
        answer = self._client.request("network", method, path, ctx=ctx, **options)
        return answer.json() if answer.content else {}
