"""Two who change parts of one thing at once, on a real database: neither is lost."""

import threading

import pytest

from cairn.nova.core import aggregates, flavors, server_metadata, server_tags
from cairn.nova.db.models import Aggregate, Base, Flavor, Server

from .conftest import ALICE

WRITERS, ROUNDS = 4, 5


@pytest.fixture
def db(mariadb):
    return mariadb(Base, pool_size=16)


@pytest.fixture
def server(world, alice):
    server_id = alice.boot()
    alice.set(server_id, vm_state="active", task_state=None)
    return server_id


def write_at_once(write):
    """write(text) of different texts by several writers; all the texts."""
    gate, troubles = threading.Barrier(WRITERS), []

    def run(writer):
        gate.wait()
        for number in range(ROUNDS):
            try:
                write(f"w{writer}n{number}")
            except Exception as trouble:
                troubles.append(trouble)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    return {f"w{writer}n{number}" for writer in range(WRITERS) for number in range(ROUNDS)}


def read(db, kind, column):
    with db.reading() as session:
        return getattr(session.query(kind).one(), column)


def test_metadata_of_a_server(world, server):
    written = write_at_once(
        lambda key: server_metadata.update(world.nova, ALICE, server, {key: "x"}))
    assert set(read(world.db, Server, "meta")) == written


def test_metadata_goes_while_other_comes(world, server):
    keys = {f"w{writer}n{number}": "old" for writer in range(WRITERS) for number in range(ROUNDS)}
    server_metadata.replace(world.nova, ALICE, server, keys)

    def swap(key):
        server_metadata.remove(world.nova, ALICE, server, key)
        server_metadata.update(world.nova, ALICE, server, {f"{key}-new": "x"})

    written = write_at_once(swap)
    assert set(read(world.db, Server, "meta")) == {f"{key}-new" for key in written}


def test_tags_of_a_server(world, server):
    written = write_at_once(lambda tag: server_tags.add(world.nova, ALICE, server, tag))
    assert set(read(world.db, Server, "tags")) == written


def test_extra_specs_of_a_flavor(world, alice):
    written = write_at_once(
        lambda key: flavors.set_specs(world.nova, ALICE, "m1", {key: "x"}))
    assert set(read(world.db, Flavor, "extra_specs")) == written


def test_metadata_of_an_aggregate(world):
    number = str(aggregates.create(world.nova, ALICE, "rack", None).aggregate.number)
    written = write_at_once(
        lambda key: aggregates.set_metadata(world.nova, ALICE, number, {key: "x"}))
    assert set(read(world.db, Aggregate, "meta")) == written
