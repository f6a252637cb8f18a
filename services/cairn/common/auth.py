"""The caller of a request, from its token alone: no question to Keystone on the way."""

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cairn.common.client import Neighbours
from cairn.common.context import SERVICE, Context
from cairn.common.rpc import Bus, Server, Stub
from cairn.common.tokens import Revocation, Verifier

log = logging.getLogger(__name__)


# Where role service counts: its project's name, and the name of that one's domain.
SERVICE_PROJECT = ("service", "Default")


class Authenticator:
    """Reads X-Auth-Token. None where there is none; raises Unauthorized where it is no good."""

    def __init__(
        self, verifier: Verifier, service_project: tuple[str, str] = SERVICE_PROJECT
    ) -> None:
        self.verifier = verifier
        self.service_project = service_project

    def __call__(self, headers: Mapping[str, str]) -> Context | None:
        text = headers.get("X-Auth-Token")
        if not text:
            return None
        ctx = self.verifier.verify(text).context(text)
        if ctx.is_service and (ctx.project_name, ctx.project_domain_name) != self.service_project:
            # Whoever may give roles on a project of his own could give himself this one there.
            # Taken here it counts in no rule, an operator's own included.
            return replace(ctx, roles=ctx.roles - {SERVICE})
        return ctx


class Revocations(Stub):
    """What Keystone tells every process that verifies tokens."""

    topic = "identity.revocations"
    to_all = True

    def revoked(self, ctx: Context, *, events: list[dict[str, Any]]) -> None:
        """`events` are the fields of tokens.Revocation."""
        self.cast_all(ctx, "revoked", events=events)


class Listener:
    """Keeps a verifier's revocations fresh: told at once over the bus, and asked for at times in
    case the bus lost one (GET /v3/OS-REVOKE/events as the component's service user)."""

    interval = 30.0

    def __init__(
        self, verifier: Verifier, bus: Bus, host: str, neighbours: Neighbours | None
    ) -> None:
        self.verifier = verifier
        self.neighbours = neighbours
        own = f"{host}.{os.getpid()}"
        self.server = Server(bus, Revocations, own, self, threads=1, shared=False)
        self._ended = threading.Event()

    def start(self) -> None:
        self.server.start()
        if self.neighbours is not None:
            threading.Thread(target=self._catch_up, daemon=True, name="revocations").start()

    def stop(self) -> None:
        self._ended.set()
        self.server.stop()

    def revoked(self, ctx: Context, events: list[dict[str, Any]]) -> None:
        self.verifier.revoke(*(Revocation(**event) for event in events))

    def _catch_up(self) -> None:
        assert self.neighbours is not None
        wait = 1.0
        while not self._ended.wait(wait):
            try:
                found = self.neighbours.get("identity", "/OS-REVOKE/events").json()["events"]
                self.verifier.revoke(*(Revocation(**e["cairn"]) for e in found if "cairn" in e))
                wait = self.interval
            except Exception as error:
                log.debug("revocations could not be asked for: %s", error)
                wait = min(wait * 2, self.interval)
