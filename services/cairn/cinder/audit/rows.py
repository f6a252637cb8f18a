"""What the database says of volumes, and what is being worked on now."""

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import services
from cairn.cinder.core.works import MODELS
from cairn.cinder.db.models import Attachment, EncryptionKey, Transfer, Volume, Work
from cairn.cinder.rpc import VolumeRecord, backend_of
from cairn.common import ledger

UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Rows:
    # By resource (works.MODELS), then by id.
    things: dict[str, dict[str, Any]]
    attachments: dict[str, Any]
    # Attachments of a volume, by its id.
    users: dict[str, list[Any]]
    keys: dict[str, dt.datetime]
    # Volumes that are offered to another project.
    offered: set[str]
    # cinder-volume's services by host@backend, and whether each is up.
    backends: dict[str, Any]
    up: set[str]
    # Ids of works that have not ended.
    open_works: set[str]
    # Whatever works name that are open, or were written since the look before.
    moving: set[str]
    # The work that was written last.
    last_work: int
    # Volumes as their backends call them.
    by_name: dict[str, Any] = field(default_factory=dict)

    @property
    def volumes(self) -> dict[str, Any]:
        return self.things["volume"]

    @property
    def snapshots(self) -> dict[str, Any]:
        return self.things["snapshot"]

    @property
    def backups(self) -> dict[str, Any]:
        return self.things["backup"]


def read(cinder: Cinder, last_work: int | None = None) -> Rows:
    """As they are now. `last_work` is of the look before: what later works did is being worked on
    still, by nobody's clock."""
    with cinder.db.reading() as session:
        last = session.scalar(select(func.max(Work.seq))) or 0
        things = {resource: _by_id(session, model) for resource, model in MODELS.items()}
        attachments = _by_id(session, Attachment)
        users: dict[str, list[Any]] = {}
        for row in attachments.values():
            users.setdefault(row.volume_id, []).append(row)
        backends = {row.host: row for row in services.of_binary(session, services.VOLUME)}
        open_works, moving = _moving(session, last if last_work is None else last_work)
        return Rows(
            things, attachments, users,
            {row.id: row.created_at for row in session.execute(
                select(EncryptionKey.id, EncryptionKey.created_at))},
            set(session.scalars(select(Transfer.volume_id).where(Transfer.accepted.is_(False)))),
            backends, {host for host, row in backends.items()
                       if services.up(row, cinder.service)},
            open_works, moving, last, {name_of(row): row for row in things["volume"].values()})


def _by_id(session: Session, model: Any) -> dict[str, Any]:
    return {row.id: row for row in session.execute(select(*model.__table__.c))}


def _moving(session: Session, after: int) -> tuple[set[str], set[str]]:
    open_works, moving = set(), set()
    for row in session.execute(
        select(Work.id, Work.subject, Work.state, Work.args)
        .where(or_(Work.state.in_(ledger.OPEN), Work.seq > after))
    ):
        moving |= {row.id, row.subject, *UUID.findall(str(row.args))}
        if row.state in ledger.OPEN:
            open_works.add(row.id)
    return open_works, moving


def name_of(volume: Any) -> str:
    """What it is called in its backend."""
    return str(volume.name_id or volume.id)


def backend(volume: Any) -> str | None:
    """host@backend of a row; None where none was chosen."""
    return backend_of(volume.host) if volume.host else None


def is_somebodys(session: Session, kind: str, name: str) -> bool:
    """Whether there is a row of it, or a work that names it is open."""
    last = session.scalar(select(func.max(Work.seq))) or 0
    _, moving = _moving(session, last)
    if kind == "volume":
        row = session.scalar(select(Volume.id).where(
            func.coalesce(Volume.name_id, Volume.id) == name).limit(1))
    elif kind in ("snapshot", "backup"):
        row = session.scalar(select(MODELS[kind].id).where(MODELS[kind].id == name))
    else:
        row = None
    return row is not None or name in moving


def record_of_nobody(id_: str, host: str) -> VolumeRecord:
    """Of what has no row: its driver needs no more than what it is called."""
    return {"id": id_, "name": id_, "size": 1, "host": host, "provider": {}, "encrypted": False,
            "cipher": None, "key_size": None, "specs": {}}
