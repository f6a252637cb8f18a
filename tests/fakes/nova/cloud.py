"""Neighbours in memory: they answer what nova asks as the real ones do, errors included; they count
questions, and can be told to refuse or to be away."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cairn.common import held
from cairn.common.errors import Unavailable
from fakes.nova.answers import Answer
from fakes.nova.cinder import Cinder
from fakes.nova.glance import Glance
from fakes.nova.neutron import Neutron
from fakes.nova.placement import Placement


class Cloud(Glance, Neutron, Placement):
    """Stands for common.client.Neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.cinder = Cinder(self.images)
        self.asked: list[tuple[str, str, str]] = []
        # What other processes were lent, as (method, path).
        self.lent: list[list[tuple[str, str]]] = []
        # Called before each question with (service, method, path); may raise.
        self.before: Callable[[str, str, str], None] = lambda service, method, path: None
        self._lock = threading.RLock()

    def request(self, service: str, method: str, path: str, **options: Any) -> Any:
        held.none_for(f"{service}: {method} {path}")
        self.before(service, method, path)
        with self._lock:
            self.asked.append((service, method, path))
            self.asks_for = options["ctx"].project if options.get("ctx") else ""
            parts = urlsplit(path)
            answer: Any = getattr(self, f"_{service.replace('-', '_')}")(
                method, parts.path.strip("/").split("/"), parse_qs(parts.query),
                options.get("json"),
            )
        return answer if isinstance(answer, Answer) else Answer(answer)

    def _block_storage(
        self, method: str, path: list[str], query: dict[str, list[str]], body: Any
    ) -> Any:
        return self.cinder.answer(method, path, query, body)

    def get(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "GET", path, **options)

    def post(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "POST", path, **options)

    def put(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "PUT", path, **options)

    def delete(self, service: str, path: str, **options: Any) -> Any:
        return self.request(service, "DELETE", path, **options)

    def away(self, *services: str) -> None:
        """From now on these do not answer; without names, all do again."""

        def before(service: str, method: str, path: str) -> None:
            if service in services:
                raise Unavailable(reason=f"The {service} service did not answer")

        self.before = before

    settings = SimpleNamespace(region="here")

    def endpoint(self, service: str, region: str, interface: str) -> str:
        return f"http://{service}.{region}.{interface}"

    def lend(
        self, service: str, requests: list[tuple[str, str]], seconds: int
    ) -> tuple[str, str]:
        self.before(service, "LEND", "")
        self.lent.append(requests)
        return f"http://{service}", "lent"
