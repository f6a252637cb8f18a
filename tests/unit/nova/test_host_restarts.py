"""A host goes down and comes back: what ran there runs again, and nothing else does."""

import pytest
from sqlalchemy import select, update

from cairn.common.errors import Remote, Unavailable
from cairn.nova.compute import boots
from cairn.nova.core import actions, works
from cairn.nova.core import volumes as server_volumes
from cairn.nova.core.flows import reboot, start, stop
from cairn.nova.db.models import Service, Work
from cairn.nova.drivers.base import RUNNING, SHUTDOWN
from cairn.nova.errors import ServerBusy

SOON = 5.0  # Seconds for which servers of these hosts are waited for.


@pytest.fixture
def boot(monkeypatch):
    """Makes it another boot than before."""
    count = iter(range(100))

    def again():
        name = f"boot {next(count)}"
        monkeypatch.setattr(boots, "current", lambda: name)

    again()
    return again


@pytest.fixture
def host(world, boot):
    """Lets the host go down, with all that ran there, and come back."""
    world.add_host("one", settings={"resume_timeout": SOON})
    assert world.cleanups["one"].recover()

    def restart(**settings):
        driver = world.drivers["one"]
        driver.domains = dict.fromkeys(driver.domains, SHUTDOWN)
        boot()
        world.add_host("one", driver=driver, settings={"resume_timeout": SOON, **settings})
        return world.cleanups["one"]

    return restart


def server(world, alice, *, volume=True):
    """A running one, and its volume."""
    server_id = alice.boot()
    world.settle()
    if not volume:
        return server_id, None
    volume_id = world.cloud.cinder.volume()
    server_volumes.attach(world.nova, alice.ctx, server_id, {"volumeId": volume_id})
    world.settle()
    return server_id, volume_id


def starts(world, server_id):
    with world.db.reading() as session:
        return session.scalars(select(Work).where(
            Work.subject == server_id, Work.kind == start.ACTION.kind).order_by(Work.seq)).all()


def wait(world):
    """The time comes for what was put off."""
    with world.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    world.settle()


def state(alice, server_id):
    row = alice.row(server_id)
    return row.vm_state, row.task_state, row.power_state


def test_what_ran_runs_again_and_what_was_off_stays_off(world, alice, host):
    ran, volume_id = server(world, alice)
    off, _ = server(world, alice, volume=False)
    works.ask(world.nova, alice.ctx, off, stop.ACTION)
    world.settle()
    cleanup = host()
    assert cleanup.recover()
    assert state(alice, ran) == ("active", "powering-on", SHUTDOWN)
    world.settle()
    assert state(alice, ran) == ("active", None, RUNNING)
    assert state(alice, off) == ("stopped", None, SHUTDOWN)
    assert world.drivers["one"].domains == {ran: RUNNING, off: SHUTDOWN}
    assert [id_ for id_, _ in world.drivers["one"].volumes[ran].values()] == [volume_id]


def test_its_owner_reads_what_was_done_and_that_nobody_asked_for_it(world, alice, host):
    server_id, _ = server(world, alice)
    for _ in range(2):
        host().recover()
        world.settle()
    shown = [a for a in actions.list_actions(world.nova, alice.ctx, server_id)
             if a.kind == "start"]
    assert [(a.user_id, a.project_id, a.failed) for a in shown] == [("", "", False)] * 2
    assert len({a.request_id for a in shown}) == 2


def test_only_a_restart_of_the_host_starts_servers(world, alice, host):
    server_id, _ = server(world, alice)
    driver = world.drivers["one"]
    driver.domains[server_id] = SHUTDOWN
    world.add_host("one", driver=driver)  # The process alone.
    assert world.cleanups["one"].recover()
    assert starts(world, server_id) == []


def test_a_host_may_be_told_to_leave_them_off(world, alice, host):
    server_id, _ = server(world, alice)
    assert host(resume_guests=False).recover()
    for _ in range(2):
        world.conductor.sync_power(alice.ctx, "one", world.drivers["one"].power_states())
    assert state(alice, server_id) == ("stopped", None, SHUTDOWN)
    assert starts(world, server_id) == []


def test_a_volume_that_comes_later_than_the_host_is_waited_for(world, alice, host):
    server_id, volume_id = server(world, alice)
    world.drivers["one"].away.add(volume_id)
    host().recover()
    world.settle()
    wait(world)
    assert state(alice, server_id) == ("active", "powering-on", SHUTDOWN)
    world.drivers["one"].away.clear()
    wait(world)
    assert state(alice, server_id) == ("active", None, RUNNING)
    assert alice.row(server_id).fault is None


def test_a_tap_that_comes_later_than_the_host_is_waited_for(world, alice, host):
    server_id, _ = server(world, alice, volume=False)
    port = next(iter(world.cloud.ports.values()))
    port["status"] = "DOWN"
    host().recover()
    world.settle()
    assert state(alice, server_id) == ("active", "powering-on", SHUTDOWN)
    port["status"] = "ACTIVE"
    wait(world)
    assert state(alice, server_id) == ("active", None, RUNNING)


def test_a_server_that_waits_keeps_no_other_from_running(world, alice, host):
    waits, volume_id = server(world, alice)
    other, _ = server(world, alice)
    world.drivers["one"].away.add(volume_id)
    host().recover()
    world.settle()
    assert state(alice, other) == ("active", None, RUNNING)
    assert state(alice, waits) == ("active", "powering-on", SHUTDOWN)


def test_a_volume_that_never_comes_leaves_the_server_off_and_says_why(world, alice, host):
    server_id, volume_id = server(world, alice)
    world.drivers["one"].away.add(volume_id)
    host().recover()
    for _ in range(6):
        wait(world)
    assert state(alice, server_id) == ("stopped", None, SHUTDOWN)
    assert "not there within 5 s" in alice.row(server_id).fault["message"]
    work, = starts(world, server_id)
    shown, _ = actions.get_action(world.nova, alice.ctx, server_id, work.request_id)
    assert shown.failed and "not there within 5 s" in shown.error
    assert volume_id not in shown.error.partition("\n")[0]
    # Its owner starts it when the volume is back.
    world.drivers["one"].away.clear()
    works.ask(world.nova, alice.ctx, server_id, start.ACTION)
    world.settle()
    assert state(alice, server_id) == ("active", None, RUNNING)


def test_a_start_that_a_user_asks_for_fails_at_once(world, alice, host):
    server_id, volume_id = server(world, alice)
    works.ask(world.nova, alice.ctx, server_id, stop.ACTION)
    world.settle()
    world.drivers["one"].away.add(volume_id)
    works.ask(world.nova, alice.ctx, server_id, start.ACTION)
    world.settle()
    assert state(alice, server_id) == ("stopped", None, SHUTDOWN)


def test_a_conductor_that_does_not_answer_is_asked_again(world, alice, host, monkeypatch):
    """Dead, host or conductor, before the works are written: nothing is noted, nothing is lost."""
    server_id, _ = server(world, alice)
    cleanup = host()

    def dead(*_, **__):
        raise Unavailable(reason="no answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.conductor, "host_restarted", dead)
        with pytest.raises(Remote):
            cleanup.recover()
    world.add_host("one", driver=world.drivers["one"])
    assert world.cleanups["one"].recover()
    world.settle()
    assert state(alice, server_id) == ("active", None, RUNNING)


def test_a_host_that_dies_before_it_noted_its_boot_makes_no_second_work(world, alice, host):
    server_id, _ = server(world, alice)
    cleanup = host()
    cleanup.boots.note = lambda: None
    assert cleanup.recover()
    world.add_host("one", driver=world.drivers["one"])
    assert world.cleanups["one"].recover()
    assert len(starts(world, server_id)) == 1


def test_two_reports_at_once_make_one_work(world, alice, host, monkeypatch):
    server_id, _ = server(world, alice)
    host()
    report = {"service_host": "one", "stopped": [server_id]}
    claim = works.claim

    def late(session, row, action, entry):
        monkeypatch.setattr(works, "claim", claim)
        assert world.conductor.host_restarted(alice.ctx, **report) == {"busy": []}
        claim(session, row, action, entry)

    monkeypatch.setattr(works, "claim", late)
    assert world.conductor.host_restarted(alice.ctx, **report) == {"busy": []}
    assert len(starts(world, server_id)) == 1


def test_a_host_starts_no_server_of_another(world, alice, host):
    server_id, _ = server(world, alice)
    world.add_host("two")
    world.conductor.host_restarted(alice.ctx, "two", [server_id])
    assert starts(world, server_id) == []


def test_a_host_that_is_forced_down_comes_back_all_the_same(world, alice, host):
    server_id, _ = server(world, alice)
    cleanup = host()
    with world.db.writing() as session:
        session.execute(update(Service).values(forced_down=True))
    assert cleanup.recover()
    world.settle()
    assert state(alice, server_id) == ("active", None, RUNNING)


def test_a_deletion_calls_it_off_at_once(world, alice, host):
    server_id, volume_id = server(world, alice)
    world.drivers["one"].away.add(volume_id)
    host().recover()
    world.settle()
    alice.delete(server_id)
    world.settle()  # Nobody waits for the next try.
    assert alice.row(server_id).deleted
    assert alice.open_works() == 0
    assert world.drivers["one"].domains == {}


@pytest.mark.parametrize("asked", [stop.ACTION, reboot.ACTION, start.ACTION])
def test_meanwhile_nothing_else_is_done_to_it(world, alice, host, asked):
    server_id, volume_id = server(world, alice)
    world.drivers["one"].away.add(volume_id)
    host().recover()
    world.settle()
    with pytest.raises(ServerBusy):
        works.ask(world.nova, alice.ctx, server_id, asked)


def test_a_server_that_was_being_worked_on_runs_when_that_is_over(world, alice, host):
    """Its snapshot goes on, and does not start it."""
    server_id, _ = server(world, alice, volume=False)
    other, _ = server(world, alice, volume=False)
    alice.snapshot(server_id)
    cleanup = host()
    assert not cleanup.recover()
    assert starts(world, server_id) == []
    world.settle()
    assert state(alice, other) == ("active", None, RUNNING)
    world.drivers["one"].domains[other] = SHUTDOWN  # Of itself: that is nobody's to undo.
    assert cleanup.recover()
    world.settle()
    assert state(alice, server_id) == ("active", None, RUNNING)
    assert len(starts(world, other)) == 1


def test_a_reboot_that_the_host_died_in_waits_for_the_volume_too(world, alice, host):
    server_id, volume_id = server(world, alice)
    works.ask(world.nova, alice.ctx, server_id, reboot.ACTION)
    runner = "compute.one"
    assert world.workers[runner].ledger.take(runner, "one", True) is not None
    world.drivers["one"].away.add(volume_id)
    cleanup = host()
    assert not cleanup.recover()
    world.settle()
    assert state(alice, server_id)[:2] == ("active", "rebooting")
    world.drivers["one"].away.clear()
    wait(world)
    assert state(alice, server_id) == ("active", None, RUNNING)
    assert cleanup.recover()
    assert starts(world, server_id) == []


def test_a_domain_that_cannot_be_ended_keeps_no_server_from_running(world, alice, host):
    server_id, _ = server(world, alice)
    world.drivers["one"].domains["0c2b9d8e-0000-4000-8000-000000000000"] = RUNNING
    assert not host().recover()
    world.settle()
    assert state(alice, server_id) == ("active", None, RUNNING)
