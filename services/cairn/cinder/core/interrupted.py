"""What requests began whose process died while a storage host was asked: it is ended, for nobody
else would.

A request that lives all the same, only slow, loses nothing by that: what both do may be done twice.
"""

import datetime as dt
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import attachments, connections, messages
from cairn.cinder.core.attachments import ATTACHING, DETACHING, RESERVED
from cairn.cinder.db.models import Attachment
from cairn.common.context import SERVICE, Context
from cairn.common.db import utcnow
from cairn.common.errors import Problem

log = logging.getLogger(__name__)

INTERVAL = 15.0  # Seconds between two looks.
SLOW = 30.0  # Seconds after which a request is no longer waited for.
WORDS = ("The request that connected the volume ended before its storage host had answered. "
         "Connect it again, or delete attachment {id}.")


def settle(cinder: Cinder, seconds: float = SLOW) -> int:
    """Attachments that were being deleted are, and those that were being connected are reserved as
    before. How many."""
    settled = 0
    for row in _left(cinder, seconds):
        try:
            if row.status == DETACHING:
                connections.drop(
                    cinder, Context(roles=frozenset({SERVICE})), row.id, again=True)
            else:
                _put_back(cinder, row.id)
            settled += 1
        except Problem as problem:
            log.warning("attachment %s of volume %s stays %s for now: %s", row.id, row.volume_id,
                        row.status, problem)
    return settled


def _left(cinder: Cinder, seconds: float) -> list[Attachment]:
    with cinder.db.reading() as session:
        rows = session.scalars(
            select(Attachment).where(
                Attachment.status.in_((ATTACHING, DETACHING)),
                Attachment.updated_at < utcnow() - dt.timedelta(seconds=seconds))
            .order_by(Attachment.number)).all()
        return [row for row in rows if row.status == DETACHING or _unanswered(row)]


def _unanswered(row: Attachment) -> bool:
    return row.status == ATTACHING and bool(row.connector) and not row.connection_info


def _put_back(cinder: Cinder, attachment_id: str) -> None:
    """Its connector stays: there may be an export, which ends with the attachment."""

    def write(session: Session) -> None:
        row = session.scalar(select(Attachment).where(Attachment.id == attachment_id))
        if row is None:
            return
        volume = attachments.hold(session, row.volume_id)
        session.refresh(row)
        if not _unanswered(row):
            return
        row.status = RESERVED
        session.flush()
        attachments.settle(session, volume.id)
        messages.add(session, Context(), "attach_volume", "volume", volume.id, volume.project_id,
                     WORDS.format(id=row.id))

    cinder.db.write(write)
