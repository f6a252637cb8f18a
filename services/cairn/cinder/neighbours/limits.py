"""What cinder asks of Keystone: a project's limits."""

from typing import Protocol

from cairn.common.api import Document
from cairn.common.client import Neighbours
from cairn.common.context import Context


class Limits(Protocol):
    """Every question raises Remote with Keystone's code, Unavailable where there is no answer."""

    def registered(self, ctx: Context) -> list[Document]:
        """The defaults: [{"resource_name", "default_limit", ...}]."""
        ...

    def own(self, ctx: Context, project_id: str) -> list[Document]:
        """The project's: [{"resource_name", "resource_limit", ...}]."""
        ...


class HttpLimits:
    """Limits."""

    def __init__(self, client: Neighbours) -> None:
        self._client = client

    def registered(self, ctx: Context) -> list[Document]:
        answer = self._client.get("identity", "/registered_limits", ctx=ctx)
        return answer.json()["registered_limits"]  # type: ignore[no-any-return]

    def own(self, ctx: Context, project_id: str) -> list[Document]:
        answer = self._client.get("identity", f"/limits?project_id={project_id}", ctx=ctx)
        return answer.json()["limits"]  # type: ignore[no-any-return]
