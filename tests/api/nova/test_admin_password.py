"""changePassword and trigger_crash_dump: what is done to a guest that goes on."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from cairn.nova.core import specs
from cairn.nova.core.servers import find_any
from cairn.nova.db.models import Event, Server, Work, WorkStep
from cairn.nova.settings import ApiSettings

SECRET = "correct horse"


@pytest.fixture
def guest(world, create):
    """guest(**properties) -> the id of a server whose image has an agent, and these properties."""

    def guest(**properties):
        image = world.cloud.image(**{"hw_qemu_guest_agent": "yes", **properties})
        made = create(imageRef=image).json["server"]["id"]
        world.settle()
        return made

    return guest


@pytest.fixture
def ask(call):
    def ask(server, body=None, **more):
        return call("POST", f"/v2.1/servers/{server}/action",
                    {"changePassword": body or {"adminPass": SECRET}}, **more)

    return ask


def message(answer):
    [fault] = answer.json.values()
    return fault["message"]


@pytest.mark.parametrize(("properties", "user"), [
    ({}, "root"), ({"os_admin_user": "core"}, "core"), ({"os_type": "windows"}, "Administrator")])
def test_the_guest_has_it_when_the_answer_comes(world, call, guest, ask, properties, user):
    server = guest(**properties)
    assert ask(server).status_code == 202
    assert world.drivers["one"].passwords == {server: (user, SECRET)}
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)


def test_it_is_kept_nowhere(world, guest, ask, caplog):
    server = guest()
    for silent in (set(), {server}):
        world.drivers["one"].silent = silent
        ask(server)
    with world.db.reading() as session:
        rows = [dict(row._mapping) for table in (Server, Work, WorkStep, Event)
                for row in session.execute(select(*table.__table__.c))]
        assert specs.spec(find_any(session, server), ApiSettings())["admin_pass"] is None
    assert len(rows) > 5
    assert SECRET not in str(rows) and SECRET not in caplog.text


def test_while_it_is_set(world, call, guest, ask):
    server = guest()
    world.nova.__dict__["pause"] = lambda seconds: None
    world.nova.__dict__["api"] = replace(world.nova.api, password_timeout=0.0)
    assert ask(server).status_code == 202
    assert call("GET", f"/v2.1/servers/{server}").json["server"]["status"] == "PASSWORD"
    assert ask(server).status_code == 409
    world.settle()
    assert world.drivers["one"].passwords == {server: ("root", SECRET)}


def test_of_an_image_without_an_agent_there_is_nobody_to_ask(world, ask, server):
    refused = ask(server)
    assert (refused.status_code, "guest agent is not enabled" in message(refused)) == (409, True)
    assert world.drivers["one"].passwords == {}


def test_an_agent_that_does_not_answer(world, call, guest, ask):
    server = guest()
    world.drivers["one"].silent.add(server)
    refused = ask(server)
    assert (refused.status_code, message(refused)) == (501, "Unable to set password on instance")
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)


def test_a_guest_that_is_off_in_secret(world, guest, ask):
    server = guest()
    world.drivers["one"].domains[server] = 4
    refused = ask(server)
    assert refused.status_code == 409
    assert message(refused) == (f"Failed to set admin password on {server} because it is not "
                                "running")


def test_who_may_not(world, call, guest, ask):
    server = guest()
    assert (ask(server, who="bob").status_code, ask(server, who="rita").status_code) == (404, 403)
    for body in ({"adminPass": 1}, {"adminPass": "x" * 256}, {"adminPass": "x", "bogus": "x"}):
        refused = ask(server, body)
        assert (refused.status_code, [*body][-1] in message(refused)) == (400, True)
    call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    world.settle()
    assert ask(server).status_code == 409
    assert world.drivers["one"].passwords == {}


# --- trigger_crash_dump --------------------------------------------------------------------


def dump(call, server, **more):
    return call("POST", f"/v2.1/servers/{server}/action", {"trigger_crash_dump": None}, **more)


@pytest.mark.parametrize("state", ["active", "paused", "rescued", "error"])
def test_a_guest_is_interrupted(world, call, server, state):
    world.set(server, vm_state=state)
    assert dump(call, server, version="2.17").status_code == 202
    world.settle()
    assert world.drivers["one"].interrupted == [server]
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert (actions[0]["action"], actions[0]["message"]) == ("trigger_crash_dump", None)


@pytest.mark.parametrize("state", ["stopped", "suspended", "building", "soft-delete"])
def test_a_guest_that_is_not_there_is_not(world, call, server, state):
    world.set(server, vm_state=state)
    assert dump(call, server).status_code == 409
    world.set(server, vm_state="active", task_state="rebooting")
    assert dump(call, server).status_code == 409


def test_a_crash_dump_is_its_owners_to_ask_for(call, server):
    assert dump(call, server, version="2.16").status_code == 404
    assert (dump(call, server, who="bob").status_code, dump(call, server, who="rita").status_code
            ) == (404, 403)
    body = {"trigger_crash_dump": {}}
    assert call("POST", f"/v2.1/servers/{server}/action", body).status_code == 400


def test_a_hypervisor_that_cannot_leaves_it_as_it_was(world, call, server):
    world.drivers["one"].domains.clear()
    dump(call, server)
    world.set(server, task_state="rebooting")
    world.settle()
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert shown["OS-EXT-STS:task_state"] == "rebooting"
    actions = call("GET", f"/v2.1/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["message"] == "Error"
