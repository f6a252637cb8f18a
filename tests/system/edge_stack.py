"""The proxy as the role sets it up, before workers as they are deployed, on loopback: no lab.

    python edge_stack.py FOLDER     runs the workers; test_edge.py starts it, and nginx before it
"""

import asyncio
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cairn.common import errors, logs, serving, streaming
from cairn.common.api import Api
from cairn.common.context import Context
from cairn.common.policy import Policy, Rule
from cairn.common.wsgi import Dispatcher, Mount, serve
from cairn.nova.console import access
from cairn.nova.console.proxy import Proxy
from cairn.nova.core.console_tokens import Pass
from cairn.nova.settings import ConsoleProxySettings

PERSON = Context(user_id="the-user", project_id="the-project", roles=frozenset({"member"}))
api = Api({"images": Rule("")})


@api.get("/images", policy="images")
def images(part: object, ctx: Context) -> dict[str, Any]:
    import flask

    return {"url": flask.request.host_url, "user": ctx.user_id}


@api.post("/images", policy="images", body={"type": "object"}, status=201)
def create(part: object, ctx: Context, body: dict[str, Any]) -> dict[str, Any]:
    return {"size": len(str(body))}


@api.put("/images/<image_id>/file", policy="images", raw=True)
def upload(part: object, ctx: Context, image_id: str, request: Any) -> dict[str, Any]:
    if image_id == "taken":
        raise errors.Conflict(reason="The image has its data.")
    size = 0
    while piece := request.stream.read(1 << 20):
        size += len(piece)
    return {"size": size}


@api.get("/login", policy="public")
def login(part: object, ctx: Context) -> dict[str, Any]:
    time.sleep(0.002)
    return {}


@dataclass
class Part:
    policy: Policy


def authenticate(headers: Any) -> Context | None:
    token = headers.get("X-Auth-Token")
    if token and token != "good":
        raise errors.Unauthorized
    return PERSON if token else None


def envelope(problem: errors.Problem, request_id: str) -> dict[str, Any]:
    return {"error": {"code": problem.code, "message": str(problem)}}


def application(seat: serving.Seat) -> Dispatcher:
    part = Part(Policy(api.rules))
    app = serve("edge", part, [Mount("/v2", [api])], authenticate=authenticate,
                envelope=envelope)
    return Dispatcher({"/image": app, "/compute": app}, seat.moves.tick)


def control(seat: serving.Seat) -> None:
    serving.granian(seat, application(seat), 16)


def data(seat: serving.Seat) -> None:
    streaming.serve(seat.plug, application(seat), threads=16, tick=seat.moves.tick)


class Gate(access.Gate):
    """Lets in who has the token `good`."""

    def __init__(self) -> None:
        self.names, self.settings = {"cloud.example.org"}, ConsoleProxySettings()
        self._open = Counter()

    def find(self, token: str) -> Pass:
        if token != "good":
            raise access.NotLetIn(reason="a token that opens nothing")
        return Pass("x", "server", "the-user", "the-project", "serial", "one", "", 0, None)


class Hosts:
    """Whose consoles say back what they hear."""

    def ask(self, ctx: Context, opened: Pass) -> None:
        pass

    async def connect(self, place: None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        theirs, ours = socket.socketpair()

        def echo() -> None:
            ours.sendall(b"login: ")
            while data := ours.recv(4096):
                ours.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        return await asyncio.open_connection(sock=theirs)


def live(seat: serving.Seat) -> None:
    hosts: Any = Hosts()
    proxy = Proxy("/console", Gate(), hosts, ConsoleProxySettings(), {})
    proxy.serve(seat.plug, 4, seat.moves.tick)


def main() -> None:
    logs.start()
    import granian.server  # noqa: F401 - before the fork

    place = Path(sys.argv[1])
    seats = [serving.Seat(name, place / f"{name}.sock", None, work)
             for name, work in (
                 ("api-1", control), ("api-2", control), ("data-1", data), ("live-1", live))]
    serving.Parent(seats, place / "api.workers").run()


if __name__ == "__main__":
    main()
