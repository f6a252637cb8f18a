"""What a component forgets: each thing it would keep for ever has an age, and goes by itself.

A component's `core/purge.py` has PROCESS, the process that does it, `declare(settings, db, ...)`,
which makes its Purge, and KEPT, which says of every other table what bounds it.
"""

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from cairn.common.db import Database
from cairn.common.errors import Problem
from cairn.common.settings import PurgeSettings

log = logging.getLogger(__name__)

DAY = 86400.0
PAUSE = 0.05  # Seconds between two batches, for others who wait for the same rows.
TIME = 120.0  # Seconds that one purge lasts at most; the next goes on where it ended.
ASKED = 200  # Projects that keystone is asked about by one purge.


@dataclass(frozen=True)
class Age:
    """`remove(session, before, limit)` removes at most so many of `what` that ended before then,
    the oldest first, with all that is theirs; how many. An age of 0 is for ever."""

    what: str
    tables: tuple[str, ...]
    seconds: float
    remove: Callable[[Session, dt.datetime, int], int]


class Identity(Protocol):
    """Whom to ask whether a project is still there: common.client.Neighbours."""

    def get(self, service: str, path: str, **options: Any) -> Any: ...


@dataclass(frozen=True)
class Orphans:
    """What is a project's, and of use to nobody when the project is gone.

    `owners(session)` are the projects that have some; `remove(session, projects)` removes it."""

    what: str
    tables: tuple[str, ...]
    owners: Callable[[Session], Iterable[str]]
    remove: Callable[[Session, Sequence[str]], int]


class Purge:
    """All that a component forgets."""

    def __init__(
        self, db: Database, settings: PurgeSettings, ages: Sequence[Age],
        orphans: Sequence[Orphans] = (), cloud: Identity | None = None,
    ) -> None:
        self.db, self.settings, self.cloud = db, settings, cloud
        self.ages, self.orphans = ages, orphans

    def run(self, pretend: bool = False) -> dict[str, int]:
        """Forget what is old enough, in batches; how many of each. With `pretend` nothing goes."""
        end = time.monotonic() + TIME
        gone = {age.what: self._age(age, end, pretend)
                for age in self.ages if age.seconds > 0}
        for orphans in self.orphans:
            gone[orphans.what] = self._orphans(orphans, pretend)
        if not pretend and any(gone.values()):
            log.info("forgotten: %s", ", ".join(f"{n} {what}" for what, n in gone.items() if n))
        return gone

    def _age(self, age: Age, end: float, pretend: bool) -> int:
        before = self.db.now(-age.seconds)
        if pretend:
            return self._try(lambda session: age.remove(session, before, self.settings.most), True)
        gone = 0
        while gone < self.settings.most and time.monotonic() < end:
            some = self._try(lambda s: age.remove(s, before, self.settings.batch), False)
            gone += some
            if some < self.settings.batch:
                break
            time.sleep(PAUSE)
        return gone

    def _orphans(self, orphans: Orphans, pretend: bool) -> int:
        if self.cloud is None:
            return 0
        with self.db.reading() as session:
            owners = list(orphans.owners(session))
        asked = random.sample(owners, min(ASKED, len(owners)))
        dead = [project for project in asked if gone(self.cloud, project)]
        return self._try(lambda session: orphans.remove(session, dead), pretend) if dead else 0

    def _try(self, remove: Callable[[Session], int], pretend: bool) -> int:
        if not pretend:
            return self.db.write(remove)
        with self.db.writing() as session:
            many = remove(session)
            session.rollback()
        return many


def gone(cloud: Identity, project: str) -> bool:
    """Whether keystone says that there is no such project: it, not a proxy on the way."""
    try:
        cloud.get("identity", f"/projects/{project}")
    except Problem as problem:
        return problem.code == 404 and project in str(problem)
    return False


def ended(
    table: Any, key: Any, moment: Any, *conditions: Any
) -> Callable[[Session, dt.datetime, int], int]:
    """The `remove` of an Age whose things are rows of one table, with what hangs on them."""

    def remove(session: Session, before: dt.datetime, limit: int) -> int:
        old = (moment < before, *conditions)
        keys = session.scalars(select(key).where(*old).order_by(moment).limit(limit)).all()
        return drop(session, table, key.in_(keys), *old) if keys else 0

    return remove


def drop(session: Session, table: Any, *which: Any) -> int:
    """Delete rows, whatever the session knows of them; how many."""
    done = session.execute(
        delete(table).where(*which), execution_options={"synchronize_session": False})
    assert isinstance(done, CursorResult)
    return int(done.rowcount)
