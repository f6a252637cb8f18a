"""The caller of a request, from its token alone: no question to Keystone on the way."""

import datetime as dt
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from cairn.common.client import Neighbours
from cairn.common.context import SERVICE, Context
from cairn.common.errors import Unauthorized
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

    def revoked(self, ctx: Context, *, signed: str) -> None:
        """`signed` is of tokens.Signer.revocations."""
        self.cast_all(ctx, "revoked", signed=signed)


class Listener:
    """Keeps a verifier's revocations fresh: told at once over the bus, and asked for at times in
    case the bus lost one (GET /v3/OS-REVOKE/events as the component's service user): all of them
    once, and from then on what came since."""

    interval = 30.0
    # Seconds looked back: keystones' clocks differ, and a transaction may commit after a later one.
    overlap = 60.0
    page = 1000

    def __init__(
        self, verifier: Verifier, bus: Bus, host: str, neighbours: Neighbours | None
    ) -> None:
        self.verifier = verifier
        self.neighbours = neighbours
        own = f"{host}.{os.getpid()}"
        self.server = Server(bus, Revocations, own, self, threads=1, shared=False)
        self._ended = threading.Event()
        # Unix time of the latest one that was read, 0 before the first reading.
        self._latest = 0.0

    def start(self) -> None:
        self.server.start()
        if self.neighbours is not None:
            threading.Thread(target=self._catch_up, daemon=True, name="revocations").start()

    def stop(self) -> None:
        self._ended.set()
        self.server.stop()

    def revoked(self, ctx: Context, signed: str) -> None:
        try:
            self.verifier.hear(signed)
        except Unauthorized:
            log.warning("revocations came that Keystone has not signed: refused")

    def catch_up(self) -> None:
        """Read what came since the last time, page by page. Raises Problem."""
        assert self.neighbours is not None
        asked = {"limit": str(self.page)}
        if self._latest:
            since = dt.datetime.fromtimestamp(self._latest - self.overlap, dt.UTC)
            asked["since"] = since.isoformat()
        query, latest = urlencode(asked), self._latest
        while query:
            document = self.neighbours.get("identity", f"/OS-REVOKE/events?{query}").json()
            events = [Revocation(**e["cairn"]) for e in document["events"] if "cairn" in e]
            self.verifier.revoke(*events)
            latest = max([latest, *(event.issued_before for event in events)])
            query = urlsplit(document["links"].get("next") or "").query
        self._latest = latest

    def _catch_up(self) -> None:
        wait = 1.0
        while not self._ended.wait(wait):
            try:
                self.catch_up()
                wait = self.interval
            except Exception as error:
                log.debug("revocations could not be asked for: %s", error)
                wait = min(wait * 2, self.interval)
