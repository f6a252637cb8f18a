"""Consoles of servers: what was written on the serial one, and where a browser opens one."""

from urllib.parse import urlencode, urlsplit

from cairn.common.context import Context
from cairn.common.errors import NotFound, Unavailable
from cairn.nova.component import Nova
from cairn.nova.core import console_tokens, servers
from cairn.nova.core.console_tokens import Pass
from cairn.nova.errors import (
    ConsoleTypeInvalid,
    ConsoleTypeUnavailable,
    HostDown,
    NotOnAHost,
    ServerNotReady,
)

NOVNC, SERIAL = "novnc", "serial"
# By protocol, the types there are; of a protocol that is not here there are none.
TYPES = {"vnc": (NOVNC,), "serial": (SERIAL,)}
# The page of noVNC that connects by itself.
PAGE = "vnc_auto.html"
_GOING = ("deleting", "migrating")


def read(nova: Nova, ctx: Context, server_id: str, length: int | None) -> str:
    """The last `length` lines of it; None: all that is kept. Raises ServerNotFound, NotOnAHost,
    HostDown."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    if row.host is None:
        raise NotOnAHost(id=server_id)
    try:
        return nova.compute.console_output(ctx, host=row.host, server_id=row.id, length=length)
    except Unavailable:
        raise HostDown(host=row.host, action="os-getConsoleOutput") from None


def create(nova: Nova, ctx: Context, server_id: str, protocol: str, console_type: str) -> str:
    """The address at which the caller's server has such a console, for as long as its token is
    good. Raises ServerNotFound, ConsoleTypeUnavailable, ConsoleTypeInvalid, ServerNotReady,
    HostDown."""
    row = servers.get(nova, ctx, server_id)
    if protocol not in TYPES or not nova.console.base_url:
        raise ConsoleTypeUnavailable(type=console_type)
    if console_type not in TYPES[protocol]:
        raise ConsoleTypeInvalid(type=console_type)
    if row.host is None or row.task_state in _GOING:
        raise ServerNotReady(id=row.id)
    try:
        place = nova.compute.check_console(ctx, host=row.host, server_id=row.id,
                                           console_type=console_type)
    except Unavailable:
        raise HostDown(host=row.host, action="remote-console") from None
    token = nova.db.write(lambda session: console_tokens.issue(
        session, ctx, server_id=row.id, project_id=row.project_id, console_type=console_type,
        host=row.host, address=place["address"], port=place["port"],
        seconds=nova.console.token_seconds))
    return url(nova.console.base_url, console_type, token)


def url(base: str, console_type: str, token: str) -> str:
    """Where that console is: noVNC's page, which is told where to connect, or the web socket."""
    parts = urlsplit(base.rstrip("/"))
    if console_type == NOVNC:
        query = urlencode({"autoconnect": "true", "path": f"{parts.path[1:]}/?token={token}"})
        return f"{parts.geturl()}/{PAGE}?{query}"
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{parts._replace(scheme=scheme).geturl()}/?token={token}"


def opened_by(nova: Nova, token: str) -> Pass:
    """What the token opens. Raises NotFound for one that opens nothing (any more)."""
    with nova.db.reading() as session:
        passed = console_tokens.find(session, token)
    if passed is None:
        raise NotFound("Token", "given")
    return passed
