"""What nova forgets: servers that are long gone, actions beyond count, limits of nobody."""

import datetime as dt

import pytest
from sqlalchemy import select, update

from cairn.common import ledger
from cairn.common.db import utcnow
from cairn.common.errors import Remote
from cairn.nova.core import purge
from cairn.nova.db.models import (
    FlavorAccess,
    Quota,
    Server,
    Usage,
    UserQuota,
    Work,
    WorkStep,
)
from cairn.nova.settings import ConductorProcess, PurgeSettings


class Keystone:
    def get(self, service, path, **options):
        if "dead" in path:
            raise Remote("identity 404", 404, f"Could not find project: {path.split('/')[-1]}.")


@pytest.fixture
def forget(world):
    def forget(**settings):
        wanted = ConductorProcess(purge=PurgeSettings(**settings))
        return {what: n for what, n in purge.make(wanted, world.db, Keystone()).run().items() if n}

    return forget


def age(world, model, column, days, **which):
    with world.db.writing() as session:
        session.execute(update(model).filter_by(**which).values(
            {column: utcnow() - dt.timedelta(days=days)}))


def kinds(world, server_id):
    with world.db.reading() as session:
        return list(session.scalars(
            select(Work.kind).where(Work.subject == server_id).order_by(Work.seq)))


def test_a_server_is_forgotten_long_after_it_is_gone(world, alice, forget):
    kept, gone, late = alice.boot(), alice.boot(), alice.boot()
    world.settle()
    alice.delete(gone)
    alice.delete(late)
    world.settle()
    assert forget() == {}
    age(world, Server, "terminated_at", 91, id=gone)
    age(world, Server, "terminated_at", 89, id=late)
    assert forget() == {"deleted servers": 1}
    assert (alice.row(gone), kinds(world, gone)) == (None, [])
    assert alice.row(late) is not None
    assert alice.row(kept).vm_state == "active" and kinds(world, kept) == ["create"]
    with world.db.reading() as session:
        works = set(session.scalars(select(Work.id)))
        assert set(session.scalars(select(WorkStep.work_id))) <= works
    assert forget(deleted_days=0) == {}


def test_a_server_that_is_still_being_ended_is_not(world, alice, forget):
    server_id = alice.boot()
    world.settle()
    alice.delete(server_id)
    world.settle()
    age(world, Server, "terminated_at", 91, id=server_id)
    with world.db.writing() as session:
        ledger.add(session, alice.ctx, Work, kind="delete", subject=server_id, runner="x")
    forget()
    assert alice.row(server_id) is not None
    assert kinds(world, server_id) == ["create", "delete", "delete"]


def test_a_living_server_keeps_its_last_actions_and_its_first(world, alice, forget):
    server_id = alice.boot()
    world.settle()
    with world.db.writing() as session:
        for n in range(8):
            row = ledger.add(session, alice.ctx, Work, kind=f"reboot{n}", subject=server_id,
                             runner="x")
            if n < 7:
                row.state = ledger.DONE
    assert forget(actions=3, batch=2) == {"actions of servers that live": 4}
    assert kinds(world, server_id) == ["create", "reboot4", "reboot5", "reboot6", "reboot7"]
    assert forget(actions=0) == {}


def test_works_of_what_is_forgotten_go_too(world, alice, forget):
    with world.db.writing() as session:
        row = ledger.add(session, alice.ctx, Work, kind="delete", subject="nobody", runner="x")
        row.state, row.finished_at = ledger.FAILED, utcnow() - dt.timedelta(days=91)
    assert forget() == {"works of no server": 1}


def test_usage_of_nothing_goes_and_comes_again(world, alice, forget):
    server_id = alice.boot()
    world.settle()
    assert forget() == {}
    alice.delete(server_id)
    world.settle()
    assert forget() == {"usages of nothing": 1}
    alice.boot()
    with world.db.reading() as session:
        assert session.get(Usage, "red").instances == 1


def test_limits_of_projects_that_are_gone(world, alice, forget):
    with world.db.writing() as session:
        for project in ("dead1", "red", "class:default"):
            session.add(Quota(project_id=project, resource="cores", hard_limit=1))
        session.add(FlavorAccess(flavor_id="m1", project_id="dead2"))
        session.add(FlavorAccess(flavor_id="m1", project_id="red"))
        for project in ("dead3", "red"):
            session.add(UserQuota(project_id=project, user_id="alice", resource="cores",
                                  hard_limit=1))
    assert forget() == {"quotas and flavors of gone projects": 3}
    with world.db.reading() as session:
        assert set(session.scalars(select(Quota.project_id))) == {"red", "class:default"}
        assert set(session.scalars(select(FlavorAccess.project_id))) == {"red"}
        assert set(session.scalars(select(UserQuota.project_id))) == {"red"}
