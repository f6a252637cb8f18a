"""`cairn trace` reads what the API says, through the SDK's own resources."""

import pytest
from openstack.compute.v2.server_action import ServerAction

from cairn.deploy import trace

# The SDK's own, of what it does inside.
pytestmark = pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning")


@pytest.fixture
def read(call):
    """read(server, who) -> the Trace of the server's last action."""

    def read(server, who):
        version = ServerAction._max_microversion
        path = f"/v2.1/servers/{server}/os-instance-actions"
        request = call("GET", path, who=who, version=version).json["instanceActions"][0][
            "request_id"]
        body = call("GET", f"{path}/{request}", who=who, version=version).json["instanceAction"]
        target = trace.Target(server, "web", request)
        return trace.read(target, ServerAction.existing(**body), busy=False)

    return read


def test_an_admin_sees_hosts_and_an_owner_tells_them_apart(read, server):
    admin, owner = read(server, "admin"), read(server, "alice")
    names = [step.name for step in admin.steps]
    assert names[:2] == ["token_issued", "request_received"] and names[-1] == "domain_started"
    assert [step.name for step in owner.steps] == names
    assert {step.where for step in admin.steps} == {"api", "conductor", "one"}
    assert len({step.where for step in owner.steps}) == 3
    assert not {step.where for step in owner.steps} & {"api", "conductor", "one"}
    assert admin.over and not admin.failed
    begun = [step.begun for step in admin.steps[1:]]
    assert begun == sorted(begun) and begun[0] == 0


def test_what_failed_is_told(world, call, create, read):
    world.down("one")
    server = create().json["server"]["id"]
    world.settle()
    told = read(server, "alice")
    assert told.failed
    # What was undone has failed as well; why is told once.
    assert {step.name for step in told.steps if step.result == "Error"} >= {"host_selected"}
    [step] = [step for step in told.steps if step.details]
    assert step.name == "host_selected"
