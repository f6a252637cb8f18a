"""Several who write a server's ports at once: nobody loses what another wrote."""

import threading

import pytest

from cairn.nova.core import network, vifs
from cairn.nova.core.servers import find_any
from cairn.nova.db.models import Base, Server
from cairn.nova.errors import ServerNotFound


def add_server(db):
    with db.writing() as session:
        session.add(Server(
            id="vm", project_id="red", user_id="alice", reservation_id="r", name="vm",
            hostname="vm", vm_state="active", flavor_id="m1", flavor={}))


def row(db):
    with db.reading() as session:
        return find_any(session, "vm")


def at_once(works):
    gate, errors = threading.Barrier(len(works)), []

    def run(work):
        gate.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_writers_at_once_lose_nothing(mariadb):
    db = mariadb(Base, pool_size=20)
    add_server(db)
    for number in range(4):
        vifs.add(db, "vm", {"id": f"old{number}"})

    def write(number):
        return lambda: [vifs.add(db, "vm", {"id": f"new{number}", "tag": f"t{number}"}),
                        vifs.remove(db, "vm", f"old{number % 4}")]

    at_once([write(number) for number in range(8)])
    kept = row(db)
    assert {(vif["id"], vif["tag"]) for vif in kept.vifs} == {
        (f"new{number}", f"t{number}") for number in range(8)}
    assert kept.vifs_revision == 4 + 16


def test_what_is_not_the_last_is_not_written_over(db):
    add_server(db)
    with db.writing() as session:
        assert vifs.replace(session, "vm", 0, [{"id": "a"}])
        assert not vifs.replace(session, "vm", 0, [{"id": "b"}])
    assert [vif["id"] for vif in row(db).vifs] == ["a"]


def test_a_port_of_a_server_that_is_gone_is_not_kept(db):
    with pytest.raises(ServerNotFound):
        vifs.add(db, "vm", {"id": "a"})


def test_a_look_at_neutron_that_another_overtakes_is_taken_again(world, alice):
    """The tag that was given while Neutron was asked is still there."""
    server_id = alice.boot()
    world.settle()
    stale = alice.row(server_id)
    port_id = stale.vifs[0]["id"]
    tagged = []

    def tag_it(service, method, path):
        if not tagged:
            tagged.append(port_id)
            vifs.change(world.db, server_id, lambda kept: [{**kept[0], "tag": "front"}])

    world.cloud.before = tag_it
    said = network.refresh(world.nova, alice.ctx, [stale])[server_id]
    assert [vif["tag"] for vif in said] == ["front"]
    assert [vif["tag"] for vif in alice.row(server_id).vifs] == ["front"]
