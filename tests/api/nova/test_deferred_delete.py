"""Servers that are kept for a while after their deletion: restore, forceDelete."""

import datetime as dt
from dataclasses import replace

import pytest

from cairn.common.db import utcnow
from cairn.nova.core import soft_deletes
from cairn.nova.db.models import Server, Usage


@pytest.fixture
def kept(world):
    """From now on deleted servers are kept for an hour."""
    world.nova.__dict__["api"] = replace(world.nova.api, reclaim_instance_interval=3600)


@pytest.fixture
def delete(world, call, server):
    """delete(...) -> the response, after all that comes of it."""

    def delete(**more):
        answer = call("DELETE", f"/v2.1/servers/{server}", **more)
        world.settle()
        return answer

    return delete


@pytest.fixture
def act(world, call, server):
    def act(action, **more):
        answer = call("POST", f"/v2.1/servers/{server}/action", {action: None}, **more)
        world.settle()
        return answer

    return act


def show(call, server):
    return call("GET", f"/v2.1/servers/{server}").json["server"]


def is_gone(call, server):
    return call("GET", f"/v2.1/servers/{server}").status_code == 404


def usage(world):
    with world.db.reading() as session:
        return session.get(Usage, "red").instances


def test_where_nothing_is_kept_it_is_gone(world, call, delete, server):
    delete()
    assert is_gone(call, server)
    assert world.cloud.ports == {}


def test_a_deleted_server_is_off_and_may_be_restored(world, call, kept, delete, act, server):
    assert delete().status_code == 204
    shown = show(call, server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("SOFT_DELETED", None)
    assert shown["OS-EXT-STS:power_state"] == 4
    assert world.drivers["one"].domains == {server: 4}
    assert (len(world.cloud.ports), list(world.cloud.allocations)) == (1, [server])
    assert usage(world) == 1
    assert act("restore").status_code == 202
    assert show(call, server)["status"] == "ACTIVE"
    assert world.drivers["one"].domains == {server: 1}
    assert act("restore").status_code == 409
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [action["action"] for action in actions] == ["restore", "delete", "create"]


def test_one_that_was_off_stays_off(world, call, kept, delete, act, server):
    act("os-stop")
    delete()
    assert act("restore").status_code == 202
    assert show(call, server)["status"] == "SHUTOFF"
    assert world.drivers["one"].domains == {server: 4}


def test_one_that_was_shelved_is_shelved_again(world, call, kept, delete, act, server):
    world.nova.__dict__["api"] = replace(world.nova.api, shelved_offload_time=-1)
    act("shelve")
    delete()
    assert show(call, server)["status"] == "SOFT_DELETED"
    act("restore")
    assert show(call, server)["status"] == "SHELVED"
    act("unshelve")
    assert show(call, server)["status"] == "ACTIVE"


def test_lists_show_it_to_who_asks_for_deleted_ones(world, call, kept, create, delete, server):
    create("other")
    world.settle()
    delete()

    def names(query, who="admin"):
        answer = call("GET", f"/v2.1/servers?all_tenants=1&{query}" if who == "admin" else
                      f"/v2.1/servers?{query}", who=who)
        return sorted(shown["name"] for shown in answer.json["servers"])

    assert (names("", "alice"), names("soft_deleted=true", "alice")) == (["other"], ["other"])
    assert names("status=SOFT_DELETED", "alice") == []
    assert names("changes-since=2000-01-01T00:00:00Z", "alice") == ["other", "web"]
    assert (names(""), names("deleted=false")) == (["other"], ["other"])
    assert (names("deleted=true"), names("deleted=true&soft_deleted=false")) == (["web"], [])
    assert names("soft_deleted=true") == ["other", "web"]
    assert names("status=SOFT_DELETED") == ["web"]


@pytest.mark.parametrize("action", ["os-start", "os-stop", "shelve", "createImage"])
def test_nothing_else_is_done_to_it(world, call, kept, delete, server, action):
    delete()
    body = {action: {"name": "x"} if action == "createImage" else None}
    refused = call("POST", f"/v2.1/servers/{server}/action", body)
    assert refused.status_code == 409
    assert "vm_state soft-delete" in refused.json["conflictingRequest"]["message"]


def test_deleting_it_again_changes_nothing(call, kept, delete, act, server):
    delete()
    assert delete().status_code == 204
    assert show(call, server)["status"] == "SOFT_DELETED"


def test_force_deletes_it_now(world, call, kept, delete, act, server):
    delete()
    assert act("forceDelete", who="bob").status_code == 404
    assert act("forceDelete").status_code == 202
    assert is_gone(call, server)
    assert (world.cloud.ports, world.cloud.allocations, usage(world)) == ({}, {}, 0)


def test_force_deletes_one_that_was_not_deleted(call, kept, act, server):
    assert act("forceDelete").status_code == 202
    assert is_gone(call, server)


def test_after_a_while_it_is_gone(world, call, kept, delete, server):
    delete()
    assert soft_deletes.reclaim(world.nova) == 0
    world.set(server, soft_deleted_at=utcnow() - dt.timedelta(seconds=3601))
    assert soft_deletes.reclaim(world.nova) == 1
    world.settle()
    assert is_gone(call, server)
    assert usage(world) == 0
    assert soft_deletes.reclaim(world.nova) == 0


def test_where_nothing_is_kept_any_more_nothing_is_reclaimed(world, kept, delete, server):
    delete()
    world.set(server, soft_deleted_at=utcnow() - dt.timedelta(days=9))
    world.nova.__dict__["api"] = replace(world.nova.api, reclaim_instance_interval=0)
    assert soft_deletes.reclaim(world.nova) == 0


def test_what_never_ran_or_cannot_be_reached_is_gone_at_once(world, call, kept, create, delete,
                                                            server):
    unborn = create("unborn").json["server"]["id"]
    call("DELETE", f"/v2.1/servers/{unborn}")
    world.settle()
    assert is_gone(call, unborn)
    world.down("one")
    delete()
    assert is_gone(call, server)


def test_an_offloaded_one_is_gone_at_once(call, kept, act, delete, server):
    act("shelve")
    delete()
    assert is_gone(call, server)


def test_what_is_under_way_is_called_off(world, call, kept, server):
    call("POST", f"/v2.1/servers/{server}/action", {"createImage": {"name": "x"}})
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    assert show(call, server)["OS-EXT-STS:task_state"] == "soft-deleting"
    world.settle()
    assert show(call, server)["status"] == "SOFT_DELETED"
    assert [i for i in world.cloud.images.values() if i["name"] == "x"] == []


def test_one_that_cannot_be_stopped_is_not_deleted(world, call, kept, delete, server):
    world.drivers["one"].stop = lambda spec, timeout: 1 / 0
    delete()
    shown = show(call, server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    with world.db.reading() as session:
        assert session.query(Server).one().soft_deleted_at is None


def test_who_may_not(call, kept, delete, act, server):
    delete()
    assert act("restore", who="bob").status_code == 404
    assert act("restore", who="rita").status_code == 403
    call("POST", f"/v2.1/servers/{server}/action", {"lock": None})
    assert act("restore").status_code == 409
