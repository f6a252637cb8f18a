"""A server's ports as they are kept: what Neutron last said of each, and what only we know of it
(its tag, and whether it was the user's before).

Several write them at once: works, requests, the sweeper. Nobody writes over what he has not read:
each change counts `vifs_revision` on, and is made only to the revision it was thought out for.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.common.db import Database, changed
from cairn.nova import rpc
from cairn.nova.db.models import Server
from cairn.nova.errors import ServerNotFound

Vifs = list[rpc.Vif]


def replace(
    session: Session, server_id: str, revision: int, vifs: Vifs, **values: Any
) -> bool:
    """Whether they were kept, with other columns' values: not when others changed them since
    that revision, or the server is gone."""
    return changed(session.execute(
        update(Server)
        .where(Server.id == server_id, Server.vifs_revision == revision,
               Server.deleted.is_(False))
        .values(vifs=vifs, vifs_revision=revision + 1, **values)
    ))


def change(db: Database, server_id: str, to: Callable[[Vifs], Vifs]) -> Vifs:
    """Keep what `to` makes of them, which is asked again when others were quicker; what is kept.
    Raises ServerNotFound for a server that is gone."""
    while True:
        with db.reading() as session:
            row = session.execute(
                select(Server.vifs, Server.vifs_revision)
                .where(Server.id == server_id, Server.deleted.is_(False))
            ).one_or_none()
        if row is None:
            raise ServerNotFound(server_id)
        vifs = to(list(row.vifs))
        with db.writing() as session:
            if replace(session, server_id, row.vifs_revision, vifs):
                return vifs


def add(db: Database, server_id: str, vif: rpc.Vif) -> None:
    """The server has this port, as it is said here. Raises ServerNotFound."""
    change(db, server_id, lambda vifs: [*_without(vifs, vif["id"]), vif])


def remove(db: Database, server_id: str, port_id: str) -> None:
    """The server has this port no more. Raises ServerNotFound."""
    change(db, server_id, lambda vifs: _without(vifs, port_id))


def _without(vifs: Vifs, port_id: str) -> Vifs:
    return [vif for vif in vifs if vif["id"] != port_id]
