"""A server that goes from one host to another: killed and failed at each step, it is there, or
where it was; what it has of the cloud is there once."""

import datetime as dt

import pytest
from fakes.nova.sweeps import fail, kill_once, settle
from fakes.nova.world import World
from sqlalchemy import update
from unit.nova import test_crashes as crashes

from cairn.common.context import Context
from cairn.common.errors import Problem
from cairn.nova.core import hosts, moves, quotas
from cairn.nova.core.flows import confirm_resize, migrate, revert_resize
from cairn.nova.db.models import Flavor, Migration, Quota, Usage
from cairn.nova.rpc import CONDUCTOR, DESTINATION, SOURCE

RUNNERS = {CONDUCTOR: CONDUCTOR, SOURCE: "compute.one", DESTINATION: "compute.two"}


def steps_of(action):
    return [(RUNNERS[step.room], step.name) for step in action.steps]


@pytest.fixture
def world(db, tmp_path):
    return World(db, ("one",), folder=tmp_path)


@pytest.fixture
def server(world, alice):
    """On host one, with a volume; there is a host two."""
    server_id = alice.boot()
    settle(world)
    crashes.get_volume(world, alice, server_id)
    settle(world)
    world.add_host("two")
    return server_id


def go(world, alice, server_id, host="two"):
    world.beat()
    moves.migrate_server(world.nova, alice.ctx, server_id, host)


def status(world, server_id):
    with world.db.reading() as session:
        return [row.status for row in session.query(Migration).filter_by(server_id=server_id)]


def assert_is_at(world, alice, server_id, host, state, *, faulty=False):
    row = alice.row(server_id)
    assert (row.host, row.vm_state, row.task_state) == (host, state, None)
    assert (row.fault is not None) == faulty
    other = {"one": "two", "two": "one"}[host]
    here, there = world.drivers[host], world.drivers[other]
    assert (server_id in here.domains, server_id in there.domains) == (True, False)
    assert (server_id in here.disks, server_id in there.disks) == (True, False)
    assert there.aside == ({server_id} if state == "resized" else set()) and not here.aside
    assert [port["binding:host_id"] for port in world.cloud.ports.values()] == [host]
    [attachment] = world.cloud.cinder.attachments.values()
    assert attachment["connector"]["host"] == host
    providers = {key: [*claim] for key, claim in world.cloud.allocations.items()}
    assert len(providers) == 1 + (state == "resized")
    with world.db.reading() as session:
        ours = {h.host: h.id for h in hosts.hypervisors(session)}
        assert quotas.recount(session) == 0
        assert session.get(Usage, "red").cores == 1
    assert providers[server_id] == [ours[host]]
    assert alice.open_works() == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), steps_of(migrate.ACTION))
def test_it_arrives_whoever_dies(world, alice, server, runner, step, moment):
    kill_once(world.workers[runner], moment, step)
    go(world, alice, server)
    settle(world)
    assert_is_at(world, alice, server, "two", "resized")


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), [
    s for s in steps_of(migrate.ACTION) if s[1] != "resize_finished"])
def test_where_a_step_fails_it_runs_where_it_was(world, alice, server, runner, step, moment):
    world.workers[runner].probe = fail(step, moment=moment)
    go(world, alice, server)
    settle(world)
    assert alice.row(server).fault["message"] == f"{step} broke"
    assert_is_at(world, alice, server, "one", "active", faulty=True)
    assert status(world, server) == ["error"]


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), steps_of(confirm_resize.ACTION))
def test_confirming_survives_a_death(world, alice, server, runner, step, moment):
    go(world, alice, server)
    settle(world)
    kill_once(world.workers[runner], moment, step)
    moves.confirm(world.nova, alice.ctx, server)
    settle(world)
    assert_is_at(world, alice, server, "two", "active")
    assert status(world, server) == ["confirmed"]


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), steps_of(revert_resize.ACTION))
def test_reverting_survives_a_death(world, alice, server, runner, step, moment):
    go(world, alice, server)
    settle(world)
    kill_once(world.workers[runner], moment, step)
    moves.revert(world.nova, alice.ctx, server)
    settle(world)
    assert_is_at(world, alice, server, "one", "active")
    assert status(world, server) == ["reverted"]


@pytest.mark.parametrize("step", [name for _, name in steps_of(migrate.ACTION)])
def test_it_is_deleted_on_its_way(world, alice, server, step):
    def probe(moment, job, name):
        if (moment, name, job.kind) == ("done", step, "migrate"):
            alice.delete(server)

    for worker in world.workers.values():
        worker.probe = probe
    go(world, alice, server)
    settle(world)
    assert alice.row(server).deleted
    crashes.assert_nothing_is_left(world, alice)


@pytest.mark.parametrize("settled", [False, True])
def test_one_that_arrived_is_deleted_with_what_it_left(world, alice, server, settled):
    go(world, alice, server)
    settle(world)
    if settled:
        moves.confirm(world.nova, alice.ctx, server)
        settle(world)
    alice.delete(server)
    settle(world)
    crashes.assert_nothing_is_left(world, alice)
    assert status(world, server) == ["confirmed"]


def test_a_host_that_is_gone_is_not_waited_for(world, alice, server):
    go(world, alice, server)
    settle(world)
    world.down("one")
    for settles in (moves.confirm, moves.revert):
        with pytest.raises(Problem, match="does not answer"):
            settles(world.nova, alice.ctx, server)
    alice.delete(server)
    settle(world)
    assert alice.row(server).deleted


def bigger(world, **more):
    with world.db.writing() as session:
        session.add(Flavor(id="m2", name="m2", **{"ram": 1024, "vcpus": 3, "disk": 1,
                                                  "extra_specs": {}, **more}))


@pytest.mark.parametrize(("settles", "cores"), [(moves.confirm, 3), (moves.revert, 1)])
def test_quotas_count_the_larger_flavor_until_it_is_settled(world, alice, settles, cores):
    bigger(world)
    server = alice.boot()
    settle(world)
    for _ in range(2):  # There, and to the smaller one where it stayed there.
        flavor = "m2" if alice.row(server).flavor_id == "m1" else "m1"
        moves.resize_server(world.nova, alice.ctx, server, flavor, None)
        settle(world)
        with world.db.writing() as session:
            assert session.get(Usage, "red").cores == 3
            assert quotas.recount(session) == 0
        settles(world.nova, alice.ctx, server)
        settle(world)
        with world.db.writing() as session:
            assert session.get(Usage, "red").cores == alice.row(server).flavor["vcpus"]
            assert quotas.recount(session) == 0
        if settles is moves.revert:
            break


def test_a_resize_over_quota_changes_nothing(world, alice):
    bigger(world, vcpus=30)
    server = alice.boot()
    settle(world)
    with pytest.raises(Problem, match="Quota exceeded for cores"):
        moves.resize_server(world.nova, alice.ctx, server, "m2", None)
    assert (alice.row(server).task_state, status(world, server)) == (None, [])


def test_where_nobody_has_room_it_stays_and_the_fault_says_why(world, alice):
    bigger(world, vcpus=2, ram=500_000)
    with world.db.writing() as session:
        session.add(Quota(project_id="red", resource="ram", hard_limit=-1))
    server = alice.boot()
    settle(world)
    moves.resize_server(world.nova, alice.ctx, server, "m2", None)
    settle(world)
    row = alice.row(server)
    assert (row.vm_state, row.task_state) == ("active", None)
    assert row.fault["message"].startswith("No valid host was found")


def test_what_waits_too_long_is_confirmed_by_itself(world, alice, server):
    go(world, alice, server)
    settle(world)
    root = Context("root", roles=frozenset({"admin"}))
    assert moves.confirm_old(world.nova, root, 60) == 0
    with world.db.writing() as session:
        session.execute(update(Migration).values(updated_at=dt.datetime(2020, 1, 1)))
    assert moves.confirm_old(world.nova, root, 60) == 1
    settle(world)
    assert_is_at(world, alice, server, "two", "active")
