"""os-interface: a request waits until the guest has the interface, and undoes what failed."""

from dataclasses import replace

import pytest

from cairn.common.context import Context
from cairn.common.errors import Remote
from cairn.nova.core import interfaces
from cairn.nova.errors import StillAttaching
from cairn.nova.settings import ApiSettings

ALICE = Context("alice", project_id="red", roles=frozenset({"member", "reader"}))


@pytest.fixture
def path(server):
    return f"/v2.1/servers/{server}/os-interface"


@pytest.fixture
def second(world):
    return world.cloud.network("red", "second")


def by_net(network, **more):
    return {"interfaceAttachment": {"net_id": network, **more}}


def make_port(world, network):
    return world.cloud.post("network", "/ports", json={
        "port": {"network_id": network}}).json()["port"]["id"]


def test_interfaces_come_and_go(world, call, server, path, second):
    answer = call("POST", path, by_net(second, tag="back"))
    assert answer.status_code == 200
    made = answer.json["interfaceAttachment"]
    assert (made["net_id"], made["tag"], made["port_state"]) == (second, "back", "ACTIVE")
    assert made["port_id"] in world.drivers["one"].vifs[server]
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert "second" in shown["addresses"]
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    assert len(call("GET", path).json["interfaceAttachments"]) == 2
    assert call("GET", f"{path}/{made['port_id']}").json["interfaceAttachment"] == made
    assert call("DELETE", f"{path}/{made['port_id']}").status_code == 202
    world.settle()
    assert made["port_id"] not in world.drivers["one"].vifs[server]
    assert made["port_id"] not in world.cloud.ports
    assert "second" not in call("GET", f"/v2.1/servers/{server}").json["server"]["addresses"]
    assert call("DELETE", f"{path}/{made['port_id']}").status_code == 404


def test_its_steps_are_events(call, server, path, second):
    call("POST", path, by_net(second))
    actions = f"/v2.1/servers/{server}/os-instance-actions"
    action = call("GET", actions).json["instanceActions"][0]
    assert action["action"] == "attach_interface"
    events = call("GET", f"{actions}/{action['request_id']}").json["instanceAction"]["events"]
    assert [event["event"] for event in events] == [
        "work_taken", "port_bound", "port_plugged", "interface_attached"]


def test_a_port_of_the_users_own_is_let_go_again(world, call, server, path, second):
    port_id = make_port(world, second)
    body = {"interfaceAttachment": {"port_id": port_id}}
    assert call("POST", path, body).json["interfaceAttachment"]["port_id"] == port_id
    assert call("POST", path, body).status_code == 409  # It is in use.
    call("DELETE", f"{path}/{port_id}")
    world.settle()
    assert world.cloud.ports[port_id]["device_id"] == ""


def test_one_that_is_never_plugged_is_taken_back(world, call, server, path, second):
    world.cloud.plugs = False
    refused = call("POST", path, by_net(second))
    assert refused.status_code == 500
    sentence = refused.json["computeFault"]["message"]
    assert sentence.startswith(f"Failed to attach network adapter device to {server}: Port ")
    assert "DOWN, not ACTIVE" in sentence
    assert len(world.cloud.ports) == len(world.drivers["one"].vifs[server]) == 1
    shown = call("GET", f"/v2.1/servers/{server}").json["server"]
    assert shown["status"] == "ACTIVE" and "second" not in shown["addresses"]


def test_it_waits_until_the_port_is_plugged(world, call, server, path, second):
    """The agent makes the tap some time after the port is bound; then the guest gets it."""
    world.cloud.plugs = False
    driver, plugged, naps = world.add_host("one", plugging_timeout=60.0), [], []
    driver.plug = lambda spec, vif: plugged.append(world.cloud.ports[vif["id"]]["status"])

    def agent(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            for port in world.cloud.ports.values():
                port["status"] = "ACTIVE"

    world.nap = agent
    assert call("POST", path, by_net(second)).status_code == 200
    assert (plugged, len(naps)) == (["ACTIVE"], 3)


def test_a_request_does_not_wait_for_ever(world, call, server, path, second):
    busy = replace(world.nova, api=ApiSettings(attach_timeout=0.0), pause=lambda seconds: None)
    with pytest.raises(StillAttaching, match="actions say"):
        interfaces.attach(busy, ALICE, server, [{"uuid": second}])
    world.settle()
    assert len(call("GET", path).json["interfaceAttachments"]) == 2


def test_what_neutron_refuses_is_said_in_its_words(world, call, path, second):
    def full(service, method, path):
        if (service, method) == ("network", "POST"):
            raise Remote("network 409", 409, "Quota exceeded for resources: ['port'].")

    world.cloud.before = full
    refused = call("POST", path, by_net(second))
    assert refused.status_code == 403
    assert "Quota exceeded" in refused.json["forbidden"]["message"]


@pytest.mark.parametrize(("asked", "code"), [
    ({"fixed_ips": [{"ip_address": "10.0.0.9"}]}, 400),
    ({"net_id": "00000000-0000-4000-8000-000000000001"}, 404),
    ({"port_id": "00000000-0000-4000-8000-000000000001"}, 404),
    ({"port_id": "00000000-0000-4000-8000-000000000001",
      "net_id": "00000000-0000-4000-8000-000000000001"}, 400),
    ({"net_id": "second", "fixed_ips": [{"ip_address": "bad"}]}, 400),
    ({"net_id": "second", "fixed_ips": [{"ip_address": "10.1.0.99"}]}, 409),
])
def test_what_cannot_be_is_refused_before_anything_is_made(
    world, call, server, path, second, asked, code
):
    world.cloud.post("network", "/ports", json={"port": {
        "network_id": second, "fixed_ips": [{"ip_address": "10.1.0.99"}]}})
    asked = {key: second if value == "second" else value for key, value in asked.items()}
    ports = dict(world.cloud.ports)
    assert call("POST", path, {"interfaceAttachment": asked}).status_code == code
    assert world.cloud.ports == ports


def test_without_a_network_there_must_be_one_only(world, call, path, second):
    assert call("POST", path, {}).status_code == 400  # There are two.


@pytest.mark.parametrize("state", ["error", "suspended", "building"])
def test_a_server_in_another_state_is_left_alone(world, call, server, path, second, state):
    world.set(server, vm_state=state)
    refused = call("POST", path, by_net(second))
    assert refused.status_code == 409
    assert f"vm_state {state}" in refused.json["conflictingRequest"]["message"]


def test_a_server_with_a_task_is_left_alone(call, server, path, second):
    call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    assert call("POST", path, by_net(second)).status_code == 409


def test_a_locked_server_and_a_host_that_is_down_refuse(world, call, server, path, second):
    call("POST", f"/v2.1/servers/{server}/action", {"lock": None})
    assert call("POST", path, by_net(second)).status_code == 409
    call("POST", f"/v2.1/servers/{server}/action", {"unlock": None})
    world.down("one")
    assert call("POST", path, by_net(second)).status_code == 409


def test_several_at_once_on_one_server_all_come(world, call, server, path):
    """Nothing is attached yet when the last is asked for."""
    networks = [world.cloud.network("red", f"net{number}") for number in range(4)]
    for network in networks:
        interfaces.ask_attach(world.nova, ALICE, server, [{"uuid": network}])
    world.settle()
    attached = call("GET", path).json["interfaceAttachments"]
    assert {interface["net_id"] for interface in attached} >= set(networks)
    assert len(world.drivers["one"].vifs[server]) == 5


def test_a_fixed_address_that_is_none_boots_nothing(create, second):
    refused = create(networks=[{"uuid": second, "fixed_ip": "bad"}])
    assert refused.status_code == 400
