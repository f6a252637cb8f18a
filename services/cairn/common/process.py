"""What a process is, and what all processes of a host share.

Each component's `processes.py` has PROCESSES: dict[str, Process]. A name is the component's, a
dash, and the room's: nova-api, nova-compute, neutron-rpc-server.
"""

import importlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from cairn.common.rpc import Bus
from cairn.common.settings import (
    DatabaseSettings,
    IdentitySettings,
    MessagingSettings,
)

if TYPE_CHECKING:
    # Imported where they are made: not every process has them, and they are not small.
    from cairn.common.auth import Authenticator, Listener
    from cairn.common.client import Neighbours
    from cairn.common.db import Database
    from cairn.common.periodic import Periodic
    from cairn.common.tokens import Verifier

# Packs: what runs in one unit of a host. DATA is for requests whose bodies are streams, which hold
# a thread for as long as they last, and take what memory they take.
API, DATA, WORKER, AGENT = "api", "data", "worker", "agent"
# Pools of API: what runs in workers of its own, as a user of its own if the deployment says so.
CONTROL, IDENTITY = "api", "identity"
# A pool of DATA beside that of WSGI: connections that both sides keep open, which hold no thread.
LIVE = "live"


class Service(Protocol):
    """A running part of a process: an RPC server, a work runner, a loop."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


class Live(Protocol):
    """What a process of pool LIVE makes in place of a WSGI application."""

    def serve(self, plug: socket.socket, threads: int, tick: Callable[[], None]) -> None:
        """Answer what connects to `plug` until SIGTERM, asking neighbours in so many threads;
        `tick` is called whenever something moved."""
        ...


class Host:
    """One operating system process and what its parts share. Built after any fork."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or socket.gethostname()
        self.services: list[Service] = []
        self.buses: list[Bus] = []
        self._shared: dict[Any, Any] = {}

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def run(self, service: Service) -> Any:
        """Start `service` with the process, stop it with it."""
        self.services.append(service)
        return service

    def database(self, settings: DatabaseSettings) -> "Database":
        from cairn.common.db import Database

        return self._once(  # type: ignore[no-any-return]
            settings, lambda: Database(settings.url, settings.pool_size)
        )

    def bus(self, settings: MessagingSettings) -> Bus:
        def make() -> Bus:
            bus = Bus(settings)
            # A host is called what the broker knows it by: no other name would be believed.
            self.name = bus.host or self.name
            self.buses.append(bus)
            return bus

        return self._once(settings, make)  # type: ignore[no-any-return]

    def neighbours(self, settings: IdentitySettings) -> "Neighbours":
        from cairn.common.client import Neighbours

        return self._once(settings, lambda: Neighbours(settings))  # type: ignore[no-any-return]

    def verifier(self, settings: IdentitySettings) -> "Verifier":
        from cairn.common.tokens import Verifier

        return self._once(  # type: ignore[no-any-return]
            ("verifier", settings.public_keys), lambda: Verifier(settings.public_keys)
        )

    def authenticator(
        self, settings: IdentitySettings, messaging: MessagingSettings
    ) -> "tuple[Authenticator, Listener]":
        """What reads tokens, and what keeps its revocations fresh (shared by all of a process)."""
        from cairn.common.auth import Authenticator, Listener

        verifier = self.verifier(settings)

        def listen() -> Listener:
            neighbours = self.neighbours(settings) if settings.auth_url else None
            listener = Listener(verifier, self.bus(messaging), self.name, neighbours)
            self.run(listener)
            return listener

        listener = self._once(("listener", settings.public_keys), listen)
        return Authenticator(
            verifier, (settings.project_name, settings.project_domain_name)), listener

    def periodic(self) -> "Periodic":
        """What this process does from time to time if no other does."""
        from cairn.common.periodic import Periodic

        return self._once(  # type: ignore[no-any-return]
            "periodic", lambda: self.run(Periodic(self.name))
        )

    def start(self) -> None:
        for service in self.services:
            service.start()

    def reported(self, timeout: float) -> bool:
        """Whether within that time every service that reports itself (it has an event of that
        name) had its first report taken: then the cloud knows that it is here."""
        deadline = time.monotonic() + timeout
        events = [getattr(service, "reported", None) for service in self.services]
        return all(event.wait(max(0.0, deadline - time.monotonic()))
                   for event in events if event is not None)

    def stop(self) -> None:
        for service in reversed(self.services):
            service.stop()
        for bus in self.buses:
            bus.close()


class Room:
    """The `build` of a module that is imported when it is built or loaded, not before: an agent
    on a hypervisor shall not carry what only the APIs need."""

    def __init__(self, module: str) -> None:
        self.module = module

    def load(self) -> Callable[[Any, Host], Any]:
        return importlib.import_module(self.module).build  # type: ignore[no-any-return]

    def __call__(self, settings: Any, host: Host) -> Any:
        return self.load()(settings, host)


@dataclass(frozen=True)
class Process:
    """`build(settings, host)` makes its parts: the WSGI application of an API, or what is Live (at
    `mount` behind the proxy), and with `host.run(service)` whatever shall run beside or instead.

    `paths` are regular expressions for what below `mount` is its alone; without any, it answers
    to all that is nobody else's."""

    pack: str
    group: str
    settings: type
    build: Callable[[Any, Host], Any]
    mount: str = ""
    # Of API, or LIVE of DATA; any other pack is one pool.
    pool: str = CONTROL
    paths: tuple[str, ...] = ()

    @property
    def runs_in(self) -> str:
        """The pool it runs in when it is packed."""
        return self.pool if self.pack == API or self.pool == LIVE else self.pack


def find(name: str) -> Process:
    """The process of that name. Raises KeyError."""
    component = name.partition("-")[0]
    module = importlib.import_module(f"cairn.{component}.processes")
    return module.PROCESSES[name]  # type: ignore[no-any-return]
