"""What a server writes on its serial console."""

from cairn.common.context import Context
from cairn.common.errors import Unavailable
from cairn.nova.component import Nova
from cairn.nova.core import servers
from cairn.nova.errors import HostDown, NotOnAHost


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
