"""What is old goes, in batches; what was a project's goes once keystone says that it is gone."""

import datetime as dt

import pytest
from sqlalchemy import String, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from cairn.common import purge as purges
from cairn.common.db import Moment, new_metadata, utcnow
from cairn.common.errors import Remote, Unavailable
from cairn.common.purge import DAY, Age, Orphans, Purge, drop, ended
from cairn.common.settings import PurgeSettings


class Base(DeclarativeBase):
    metadata = new_metadata()


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    owner: Mapped[str] = mapped_column(String(64), default="red")


AGE = Age("things", ("things",), 10 * DAY, ended(Thing, Thing.id, Thing.ended_at))


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(purges, "PAUSE", 0)


@pytest.fixture(params=["sqlite", "mariadb"])
def db(request):
    db = request.getfixturevalue(request.param)(Base)
    with db.writing() as session:
        for days in (5, 9, 11, 12, 13, 14, 15):
            session.add(Thing(ended_at=utcnow() - dt.timedelta(days=days), owner=f"p{days}"))
        session.add(Thing(ended_at=None, owner="living"))
    return db


def left(db):
    with db.reading() as session:
        return set(session.scalars(select(Thing.owner)))


def test_what_is_old_goes_in_batches(db):
    batches = []

    def remove(session, before, limit):
        batches.append(AGE.remove(session, before, limit))
        return batches[-1]

    purge = Purge(db, PurgeSettings(batch=2), [Age("things", ("things",), 10 * DAY, remove)])
    assert purge.run(pretend=True) == {"things": 5}
    assert len(left(db)) == 8
    batches.clear()
    assert purge.run() == {"things": 5}
    assert batches == [2, 2, 1]
    assert left(db) == {"p5", "p9", "living"}
    assert purge.run() == {"things": 0}


def test_one_purge_removes_no_more_than_its_bound_the_oldest_first(db):
    purge = Purge(db, PurgeSettings(batch=2, most=2), [AGE])
    assert purge.run() == {"things": 2}
    assert left(db) == {"p5", "p9", "p11", "p12", "p13", "living"}


def test_no_age_is_for_ever(db):
    ages = [Age("things", ("things",), 0.0, AGE.remove)]
    assert Purge(db, PurgeSettings(), ages).run() == {}
    assert len(left(db)) == 8


class Keystone:
    """Knows some projects, or cannot be reached, or not it but a proxy answers."""

    def __init__(self, projects, error=None):
        self.projects, self.error = projects, error

    def get(self, service, path, **options):
        project = path.rpartition("/")[2]
        assert service == "identity"
        if self.error is not None:
            raise self.error
        if project not in self.projects:
            raise Remote("identity 404", 404, f"Could not find project: {project}.")


@pytest.mark.parametrize(("keystone", "gone"), [
    (Keystone({"p5", "living"}), 6), (None, 0),
    (Keystone(set(), Unavailable(reason="away")), 0),
    (Keystone(set(), Remote("identity 404", 404, "<html>Not Found</html>")), 0),
    (Keystone(set(), Remote("identity 403", 403, "You are not authorized")), 0),
])
def test_only_keystone_says_that_a_project_is_gone(db, keystone, gone):
    orphans = Orphans("things of gone projects", ("things",),
                      lambda session: session.scalars(select(Thing.owner)),
                      lambda session, projects: drop(session, Thing, Thing.owner.in_(projects)))
    purge = Purge(db, PurgeSettings(), [], [orphans], keystone)
    assert purge.run(pretend=True) == purge.run() == {orphans.what: gone}
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Thing)) == 8 - gone
