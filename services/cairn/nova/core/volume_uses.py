"""Which servers use which volumes, of all projects: what block storage compares its own rows
with."""

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.errors import NotFound
from cairn.common.ledger import OPEN
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.core.block_devices import PLANNED, RESERVING, D
from cairn.nova.db.models import BlockDevice, Server, Work
from cairn.nova.errors import HostDown

PAGE = 1000


def list_all(nova: Nova) -> list[Document]:
    """Every volume of a server, with how far it is attached; `busy` while a work on the server is
    open, or a request is at it. What was only planned, and never came to be, is none."""
    listed: list[Document] = []
    after = 0
    while True:
        with nova.db.reading() as session:
            page = _page(session, after)
        listed += [use for _, use in page]
        if len(page) < PAGE:
            return listed
        after = page[-1][0]


def _page(session: Session, after: int) -> list[tuple[int, Document]]:
    busy = exists().where(Work.subject == BlockDevice.server_id, Work.state.in_(OPEN))
    rows = session.execute(
        select(D.number, D.server_id, D.volume_id, D.attachment_id, D.state, Server.host,
               Server.deleted, busy.label("busy"))
        .join(Server, Server.id == D.server_id, isouter=True)
        .where(D.volume_id.is_not(None), D.number > after, or_(D.state != PLANNED, busy))
        .order_by(D.number).limit(PAGE)).all()
    return [(row.number, {
        "server_id": row.server_id, "volume_id": row.volume_id,
        "attachment_id": row.attachment_id, "state": row.state, "host": row.host,
        "gone": row.deleted is not False, "busy": bool(row.busy) or row.state == RESERVING,
    }) for row in rows]


def list_hosts(nova: Nova) -> list[str]:
    """Hosts that have had a nova-compute."""
    with nova.db.reading() as session:
        return sorted(hosts.computes(session))


def check_host(nova: Nova, host: str) -> None:
    """Raises NotFound, and HostDown for one that nobody need wait for."""
    with nova.db.reading() as session:
        service = hosts.computes(session).get(host)
    if service is None:
        raise NotFound("Compute host", host)
    if not hosts.up(service, nova.service):
        raise HostDown(host=host, action="guest volumes")
