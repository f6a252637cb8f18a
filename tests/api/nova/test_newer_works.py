"""Works of a kind that only a newer release knows: they end, and say why."""

import pytest
from sqlalchemy import select, update

from cairn.common.context import Context
from cairn.nova.db.models import Work
from cairn.nova.rpc import CONDUCTOR, runner_of

UNKNOWN = "This release does not know the work of_a_newer_release."
RUNNERS = [CONDUCTOR, runner_of("one")]


@pytest.fixture
def become_newer(world):
    """become_newer(server_id, runner): its open work is of a kind that nothing here knows."""
    def become_newer(server_id, runner):
        with world.db.writing() as session:
            session.execute(
                update(Work).where(Work.subject == server_id, Work.state == "queued")
                .values(kind="of_a_newer_release", runner=runner))

    return become_newer


def shown(call, server_id):
    return call("GET", f"/v2.1/servers/{server_id}", who="admin").json["server"]


def works(world, server_id):
    with world.db.reading() as session:
        return session.execute(
            select(Work.kind, Work.state, Work.error, Work.lease_holder)
            .where(Work.subject == server_id).order_by(Work.seq)).all()


@pytest.mark.parametrize("runner", RUNNERS)
def test_an_action_of_a_newer_release_ends_and_the_next_is_done(world, call, server, become_newer,
                                                                runner):
    assert call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None}).status_code == 202
    become_newer(server, runner)
    assert shown(call, server)["OS-EXT-STS:task_state"] is not None
    world.settle()
    assert works(world, server)[-1] == ("of_a_newer_release", "failed", UNKNOWN, None)
    seen = shown(call, server)
    assert (seen["status"], seen["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    assert call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None}).status_code == 202
    world.settle()
    assert shown(call, server)["status"] == "SHUTOFF"


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_server_that_a_newer_release_was_to_build_is_in_error(world, call, create, become_newer,
                                                                runner):
    server = create().json["server"]["id"]
    become_newer(server, runner)
    world.settle()
    seen = shown(call, server)
    assert (seen["status"], seen["OS-EXT-STS:task_state"]) == ("ERROR", None)
    assert seen["fault"]["message"] == UNKNOWN
    assert call("DELETE", f"/v2.1/servers/{server}").status_code == 204
    world.settle()
    assert call("GET", f"/v2.1/servers/{server}").status_code == 404


def test_an_unknown_work_of_a_server_that_nobody_remembers_ends(world, call):
    with world.db.writing() as session:
        session.add(Work(kind="of_a_newer_release", subject="gone", runner=CONDUCTOR, args={},
                         project_id="red", user_id="alice", request_id="req-1",
                         context=Context("alice").to_wire()))
    world.settle()
    assert works(world, "gone") == [("of_a_newer_release", "failed", UNKNOWN, None)]
