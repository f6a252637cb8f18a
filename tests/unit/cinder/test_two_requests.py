"""Two who ask at once for what can not both be, on a real database: one gets it, the other is told
why."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.cinder import World

from cairn.cinder.core import (
    connections,
    extending,
    group_snapshots,
    groups,
    metadata,
    quotas,
    snapshots,
    unified_limits,
    volumes,
)
from cairn.cinder.db.models import Base, Group, GroupSnapshot, GroupType, Quota, Volume
from cairn.common.context import Context
from cairn.common.errors import Problem

ALICE = Context("alice", project_id="red", roles=frozenset({"member", "reader"}),
                version=(3, 71))


@pytest.fixture
def world(mariadb, tmp_path):
    unified_limits._remembered.clear()
    return World(mariadb(Base, pool_size=16), tmp_path)


@pytest.fixture
def volume(world):
    made = volumes.create(world.cinder, ALICE, volumes.Order(1)).id
    world.settle()
    return made


def at_once(*asked):
    """Who was refused, and how, by their places."""
    gate, refused = threading.Barrier(len(asked)), {}

    def run(place, ask):
        gate.wait()
        try:
            ask()
        except Problem as problem:
            refused[place] = problem

    threads = [threading.Thread(target=run, args=each) for each in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def assert_one_was_refused(refused, many=2):
    assert len(refused) == many - 1
    for problem in refused.values():
        assert problem.code in (400, 409) and str(problem)


def test_delete_and_attach(world, volume):
    refused = at_once(lambda: volumes.delete(world.cinder, ALICE, volume),
                      lambda: connections.create(world.cinder, ALICE, volume, None))
    assert_one_was_refused(refused)
    world.settle()
    row = world.row(Volume, volume)
    assert row is None if 1 in refused else row.status == "reserved"


def test_extend_four_times(world, volume):
    refused = at_once(*[lambda size=size: extending.extend(world.cinder, ALICE, volume, size)
                        for size in (2, 3, 4, 5)])
    assert_one_was_refused(refused, 4)
    world.settle()
    (winner,) = {0, 1, 2, 3} - refused.keys()
    row = world.row(Volume, volume)
    assert (row.status, row.size) == ("available", winner + 2)


def test_extend_and_snapshot(world, volume):
    """A snapshot that was first does not keep it from growing: their works are in line."""
    refused = at_once(
        lambda: extending.extend(world.cinder, ALICE, volume, 3),
        lambda: snapshots.create(world.cinder, ALICE, snapshots.Order(volume)))
    assert set(refused) <= {1}
    for problem in refused.values():
        assert problem.code == 400 and "extending" in str(problem)
    world.settle()
    assert world.row(Volume, volume).size == 3
    assert world.open_works() == 0


def test_delete_and_snapshot(world, volume):
    refused = at_once(
        lambda: volumes.delete(world.cinder, ALICE, volume),
        lambda: snapshots.create(world.cinder, ALICE, snapshots.Order(volume)))
    assert len(refused) == 1 and refused.popitem()[1].code in (400, 404)
    world.settle()
    assert world.open_works() == 0


def test_metadata_of_all_stays(world, volume):
    assert not at_once(*[lambda key=key: metadata.merge(
        world.cinder, ALICE, "volume", volume, {key: "x"}) for key in "abcd"])
    assert set(world.row(Volume, volume).meta) == set("abcd")


@pytest.fixture
def group(world, volume):
    """A group with the volume in it."""
    type_id = world.row(Volume, volume).type_id
    with world.db.writing() as session:
        session.add(GroupType(name="together"))
    made = groups.create(world.cinder, ALICE, groups.Order("together", [type_id]))
    groups.update(world.cinder, ALICE, made, {}, [volume], [])
    return made


def join(world, group, volume):
    return volumes.create(world.cinder, ALICE, volumes.Order(
        1, type=world.row(Volume, volume).type_id, group_id=group)).id


def test_a_group_goes_and_a_volume_comes_to_it(world, group, volume):
    groups.update(world.cinder, ALICE, group, {}, [], [volume])
    refused = at_once(
        lambda: groups.delete(world.cinder, ALICE, group, with_volumes=False),
        lambda: join(world, group, volume))
    assert len(refused) == 1
    world.settle()
    inside = [] if world.row(Group, group) is None else [group]
    with world.db.reading() as session:
        assert [row.group_id for row in session.query(Volume) if row.group_id] == inside


def test_a_group_is_snapshotted_twice_and_deleted(world, group):
    refused = at_once(
        lambda: groups.delete(world.cinder, ALICE, group, with_volumes=True),
        lambda: group_snapshots.create(world.cinder, ALICE, group_snapshots.Order(group)),
        lambda: group_snapshots.create(world.cinder, ALICE, group_snapshots.Order(group)))
    world.settle()
    gone = world.row(Group, group) is None
    assert refused.keys() == ({1, 2} if gone else {0})
    with world.db.reading() as session:
        taken = [row.status for row in session.query(GroupSnapshot)]
    assert taken == ([] if gone else ["available"] * 2)


def test_the_last_two_volumes_of_a_group_end_at_once(world, group, volume):
    for _ in range(3):
        join(world, group, volume)
    world.settle()
    made = groups.copy(world.cinder, ALICE, groups.Copy(source_group_id=group))
    at_once(*[world.settle] * 3)
    world.settle()
    assert world.row(Group, made).status == "available"
    groups.delete(world.cinder, ALICE, made, with_volumes=True)
    at_once(*[world.settle] * 3)
    world.settle()
    assert world.row(Group, made) is None and world.open_works() == 0


def test_a_hundred_creations_and_room_for_sixty(world):
    with world.db.writing() as session:
        session.add(Quota(project_id="red", resource="volumes", hard_limit=60))

    def create(number):
        try:
            return volumes.create(world.cinder, ALICE, volumes.Order(1)).status
        except Problem as problem:
            return problem.code

    # As many at a time as the world has connections for.
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(create, range(100)))
    assert Counter(answers) == {"creating": 60, 413: 40}
    with world.db.reading() as session:
        assert session.query(Volume).count() == 60
        used = quotas.usage(session, "red", world.cinder.quota)
    assert (used["volumes"], used["gigabytes"]) == (60, 60) and world.open_works() == 60
