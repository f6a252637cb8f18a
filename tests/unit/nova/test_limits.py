"""Limits hold when many ask at once: what is counted is still so when it is added to.

The locks are rows, written first: MariaDB has the others wait for that row, SQLite for the file.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.common.db import utcnow
from cairn.common.errors import Invalid
from cairn.nova.core import boot, groups, keypairs
from cairn.nova.db.models import Keypair, Quota, ServerGroup, ServerGroupMember
from cairn.nova.errors import LimitReached

from .conftest import ALICE

AT_ONCE, ALLOWED = 6, 2
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g a"


@pytest.fixture
def limited(db):
    with db.writing() as session:
        for resource in ("server_group_members", "server_groups", "key_pairs"):
            session.add(Quota(project_id="red", resource=resource, hard_limit=ALLOWED))


def at_once(func):
    """What of AT_ONCE calls, func(number), that begin together was not refused."""
    barrier = threading.Barrier(AT_ONCE)

    def one(number):
        barrier.wait()
        try:
            func(number)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


def count(db, kind):
    with db.reading() as session:
        return session.query(kind).count()


def group_of(world, name="g"):
    return groups.create(world.nova, ALICE, name, "affinity", {}).group.id


def test_members_of_a_group(world, alice, limited):
    group = group_of(world)
    nova = world.nova
    body = {"name": "web", "flavorRef": "m1", "imageRef": alice.image,
            "networks": [{"uuid": alice.network}]}
    # All of them are allowed to, before the first of them does.
    plans = [boot.plan(nova, ALICE, body, {"group": group}) for _ in range(AT_ONCE)]
    times = {"received": utcnow(), "allowed": utcnow()}

    def join(number):
        nova.db.write(lambda session: boot.record(nova, session, ALICE, plans[number], times))

    assert at_once(join) == ALLOWED
    assert count(world.db, ServerGroupMember) == ALLOWED


def test_a_group_that_goes_meanwhile_is_not_found(world, alice):
    group = group_of(world)
    nova = world.nova
    plan = boot.plan(nova, ALICE, {"name": "web", "flavorRef": "m1", "imageRef": alice.image,
                                   "networks": [{"uuid": alice.network}]}, {"group": group})
    groups.remove(nova, ALICE, group)
    times = {"received": utcnow(), "allowed": utcnow()}
    with pytest.raises(Invalid, match="could not be found"):
        nova.db.write(lambda session: boot.record(nova, session, ALICE, plan, times))


def test_groups_of_a_project(world, limited):
    def make(number):
        groups.create(world.nova, ALICE, f"g{number}", "affinity", {})

    assert at_once(make) == ALLOWED
    assert count(world.db, ServerGroup) == ALLOWED


def test_keys_of_a_user(world, limited):
    def make(number):
        keypairs.create(world.nova, ALICE, "alice", f"k{number}", "ssh", KEY)

    assert at_once(make) == ALLOWED
    assert count(world.db, Keypair) == ALLOWED
