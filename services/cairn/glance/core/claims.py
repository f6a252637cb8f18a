"""Who may write an image's bytes now: one upload, held by saying at times that it lives."""

import datetime as dt
import time
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from cairn.common.db import Database, changed, utcnow
from cairn.glance.core import locations
from cairn.glance.db.models import Image
from cairn.glance.errors import Gone, WrongState

# Seconds an upload may be silent before it counts as dead.
SILENCE = 60


def begin(session: Session, image: Image, status: str = "saving") -> str:
    """Take a queued image for one upload. Of two callers the database lets one through."""
    now, claim = utcnow(), str(uuid.uuid4())
    free = or_(Image.status == "queued", and_(
        Image.status.in_(("saving", "uploading")), Image.saving_until < now))
    taken = session.execute(
        update(Image).where(Image.id == image.id, free)
        .values(status=status, saving_until=_soon(now), saving_by=claim)
    )
    if not changed(taken):
        session.refresh(image)
        raise WrongState(status=image.status, wanted=status, reason="")
    locations.forget(session, image.id)
    return claim


def begin_importing(session: Session, image_id: str) -> None:
    """Take a queued image for a work."""
    taken = session.execute(update(Image).where(
        Image.id == image_id, Image.status == "queued").values(status="importing"))
    if not changed(taken):
        raise WrongState(status="importing", wanted="importing", reason="")
    locations.forget(session, image_id)


def end(session: Session, image_id: str, claim: str, status: str, **facts: Any) -> bool:
    """Whether the image still was this upload's to end."""
    ended = session.execute(
        update(Image).where(Image.id == image_id, Image.saving_by == claim, Image.status.in_(
            ("saving", "uploading")))
        .values(status=status, saving_until=None, saving_by=None, **facts)
    )
    return changed(ended)


def heartbeat(db: Database, image_id: str, claim: str) -> Callable[[int], None]:
    """What says that an upload lives. Raises Gone when it was deleted or taken over."""
    last = time.monotonic()

    def alive(size: int) -> None:
        nonlocal last
        if time.monotonic() - last < SILENCE / 6:
            return
        last = time.monotonic()
        with db.writing() as session:
            kept = session.execute(
                update(Image).where(Image.id == image_id, Image.saving_by == claim, Image.status
                                    != "deleted")
                .values(saving_until=_soon(utcnow()))
            )
        if not changed(kept):
            raise Gone(id=image_id)

    return alive


def dead() -> Any:
    """Uploads that went silent: (image id, claim)."""
    return select(Image.id, Image.saving_by).where(
        Image.status.in_(("saving", "uploading")), Image.saving_until < utcnow())


def _soon(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(seconds=SILENCE)
