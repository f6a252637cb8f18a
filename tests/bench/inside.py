# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What a request costs in Python alone: the deployed applications, in one process of the node.

deployed.py sends this file to the release's Python of the node, which has the settings and the
database of the APIs that run there, but no server, no proxy and no other thread.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# What both kinds of client have: (method, path, body, status) -> the answer's document.
Ask = Callable[..., dict]


def questions(ask: Ask, network: str, servers: int) -> dict[str, Callable[[], object]]:
    """What is asked, by its name."""
    def port() -> None:
        made = ask("POST", "/networking/v2.0/ports", {"port": {"network_id": network}}, 201)
        ask("DELETE", f"/networking/v2.0/ports/{made['port']['id']}", expect=204)

    def get(path: str) -> Callable[[], object]:
        return lambda: ask("GET", path)

    return {
        "version document": get("/networking/"),
        "GET images": get("/image/v2/images"),
        "GET flavors/detail": get("/compute/v2.1/flavors/detail"),
        "GET networks": get("/networking/v2.0/networks"),
        "validate a token": get("/identity/v3/auth/tokens"),
        "allocation candidates": get(
            "/placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:64"),
        f"servers/detail of {servers}": get("/compute/v2.1/servers/detail?all_tenants=1"),
        "POST and DELETE port": port,
    }


class Application:
    """The APIs of a node by their WSGI applications."""

    def __init__(self, token: str) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        from cairn.common.packs import build, confs
        from cairn.common.process import Host
        from cairn.common.wsgi import Dispatcher

        self.app = Dispatcher(build(confs(Path("/etc/cairn/api")), Host()))
        self.token = token
        self.statements = 0
        event.listen(Engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.statements += 1

    def ask(self, method: str, path: str, body: dict | None = None, expect: int = 200) -> dict:
        path, _, query = path.partition("?")
        sent = json.dumps(body).encode() if body is not None else b""
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1",
            "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "127.0.0.1",
            "HTTP_X_AUTH_TOKEN": self.token, "HTTP_X_SUBJECT_TOKEN": self.token,
            "HTTP_OPENSTACK_API_VERSION": "placement 1.39", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(sent)), "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": sys.stderr, "wsgi.version": (1, 0), "wsgi.multithread": True,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input_terminated": True,
        }
        told: list[str] = []
        answer = self.app(environ, lambda status, *_: told.append(status))
        text = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if int(told[0][:3]) != expect:
            raise SystemExit(f"{method} {path}: {told[0]} {text[:300]!r}")
        return json.loads(text) if text and method == "POST" else {}


def measure(token: str, network: str, servers: int, requests: int) -> None:
    """Print a JSON document: by question, [seconds of processor time, statements], of a request."""
    application, figures = Application(token), {}
    for what, ask in questions(application.ask, network, servers).items():
        for _ in range(max(10, requests // 10)):
            ask()
        application.statements, begun = 0, time.process_time()
        for _ in range(requests):
            ask()
        figures[what] = ((time.process_time() - begun) / requests,
                         application.statements / requests)
    print(json.dumps(figures))


def run(leader: str, call: str) -> str:
    """What `call`, an expression of this module's, prints in the node of that leader."""
    # The call comes with the source: a token is no argument of a command.
    source = Path(__file__).read_text() + f"\n{call}\n"
    command = ["nsenter", "--target", leader, "--all", "/opt/cairn/current/bin/python", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True,
                          check=True).stdout
