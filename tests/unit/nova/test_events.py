"""What is told of servers: each action's start with its request, its end with its work."""

import pytest
from sqlalchemy import select

from cairn.common.errors import Invalid
from cairn.nova.core import interfaces, locks, works
from cairn.nova.core.flows import actions, reboot, start, stop
from cairn.nova.db.models import Event
from cairn.nova.rpc import CONDUCTOR


def told(world, server_id):
    """(what, payload) of each, without the common beginning of types."""
    with world.db.reading() as session:
        rows = session.scalars(
            select(Event).where(Event.resource_id == server_id).order_by(Event.id)).all()
    assert {row.resource_type for row in rows} <= {"server"}
    return [(row.type.removeprefix("compute.instance."), row.payload) for row in rows]


def types(world, server_id):
    return [type_ for type_, _ in told(world, server_id)]


@pytest.fixture
def server_id(world, alice):
    server_id = alice.boot()
    world.settle()
    return server_id


def test_a_server_that_is_made_and_deleted(world, alice, server_id):
    alice.delete(server_id)
    world.settle()
    events = told(world, server_id)
    assert [type_ for type_, _ in events] == [
        "create.start", "create.end", "delete.start", "delete.end"]
    begun, made, _, gone = [payload for _, payload in events]
    assert (begun["state"], begun["host"]) == ("building", None)
    assert (made["state"], made["host"], made["tenant_id"]) == ("active", "one", "red")
    assert (made["memory_mb"], made["vcpus"], made["disk_gb"]) == (512, 1, 1)
    assert made["launched_at"] and made["fixed_ips"][0]["address"].startswith("10.0.0.")
    assert gone["state"] == "deleted" and gone["deleted_at"]
    assert "admin_pass" not in made and "user_data" not in made


def test_every_action_has_a_start_and_an_end(world, alice, server_id):
    nova, ctx = world.nova, alice.ctx
    for action in (stop, start, reboot):
        works.ask(nova, ctx, server_id, action.ACTION)
        world.settle()
    image_id = alice.snapshot(server_id)
    world.settle()
    interfaces.ask_attach(nova, ctx, server_id, [{"uuid": alice.network}])
    world.settle()
    port_id = alice.row(server_id).vifs[1]["id"]
    interfaces.detach(nova, ctx, server_id, port_id)
    world.settle()
    events = told(world, server_id)[2:]
    assert [type_ for type_, _ in events] == [
        f"{verb}.{moment}" for verb in (
            "power_off", "power_on", "reboot", "snapshot", "interface_attach",
            "interface_detach") for moment in ("start", "end")]
    payloads = dict(events)
    assert payloads["power_off.end"]["state"] == "stopped"
    for moment in ("start", "end"):
        assert payloads[f"snapshot.{moment}"]["snapshot_image_id"] == image_id
    assert payloads["interface_attach.end"]["port_id"] == port_id
    assert payloads["interface_detach.end"]["port_id"] == port_id


def test_what_fails_is_told_with_its_reason(world, alice):
    def fail(moment, job, name):
        if (moment, name) == ("begun", "host_selected"):
            raise Invalid(reason="no room\nanywhere on host one")

    world.workers[CONDUCTOR].probe = fail
    server_id = alice.boot()
    world.settle()
    assert types(world, server_id) == ["create.start", "create.error"]
    payload = told(world, server_id)[-1][1]
    assert (payload["message"], payload["state"]) == ("no room", "error")


def test_each_try_of_a_host_is_told(world, alice):
    world.add_host("two")

    def fail(moment, job, name):
        if (moment, name) == ("begun", "disks_prepared"):
            raise Invalid(reason="broke")

    for host in ("one", "two"):
        world.workers[f"compute.{host}"].probe = fail
    server_id = alice.boot()
    world.settle()
    assert types(world, server_id) == ["create.start", *["create.error"] * 3]


def test_a_domain_that_its_host_ends_late_is_not_deleted_twice(world, alice, server_id):
    driver = world.drivers["one"]
    world.down("one")
    alice.delete(server_id)
    world.settle()
    told_once = types(world, server_id)
    assert told_once[-1] == "delete.end"
    again = world.add_host("one")
    again.domains, again.disks = driver.domains, driver.disks
    world.conductor.sync_power(alice.ctx, "one", again.power_states())
    world.settle()
    assert again.domains == {}
    assert types(world, server_id) == told_once


def test_types_are_of_servers(world):
    assert {action.event.rpartition(".")[0] for action in actions().values()} == {
        "compute.instance", "compute.instance.resize", "compute.instance.volume"}


def test_locks_and_what_an_admin_says_of_its_state_are_told(world, alice, server_id):
    locks.lock(world.nova, alice.ctx, server_id, "mine")
    locks.unlock(world.nova, alice.ctx, server_id)
    works.reset_state(world.nova, alice.ctx, server_id, "error")
    events = told(world, server_id)[2:]
    assert [type_ for type_, _ in events] == ["lock", "unlock", "update"]
    locked, _, reset = [payload for _, payload in events]
    assert (locked["locked_reason"], locked["state"]) == ("mine", "active")
    assert (reset["old_state"], reset["state"]) == ("active", "error")
