"""Nova's questions are ones that placement and neutron answer: the real ones, not fakes of ours."""

import pytest
from sqlalchemy import update

from cairn.common.client import refusal
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.neutron.app import create_app as neutron_app
from cairn.neutron.component import Neutron
from cairn.neutron.db import models as neutron_models
from cairn.neutron.policy import RULES as NEUTRON_RULES
from cairn.neutron.rpc_server.manager import Manager
from cairn.nova.app import create_app as nova_app
from cairn.nova.db import models as nova_models
from cairn.nova.fakes import Cloud, World
from cairn.placement.app import create_app as placement_app
from cairn.placement.component import make as make_placement
from cairn.placement.db import models as placement_models
from cairn.placement.policy import RULES as PLACEMENT_RULES

PEOPLE = {
    "service": Context("nova", project_id="service",
                       roles=frozenset({"admin", "service", "member", "reader"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"}),
                     token="alice"),
    "root": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"}),
                    token="root"),
}


def authenticate(headers):
    return PEOPLE.get(headers.get("X-Auth-Token"))


class Silence:
    """Stands for the doorbell to network agents."""

    def __getattr__(self, name):
        return lambda *args, **more: None


class Answer:
    """A test client's answer in requests' words."""

    def __init__(self, response):
        self.status_code, self.content = response.status_code, response.data
        self.text, self.json = response.text, response.get_json


class Real(Cloud):
    """Glance is still the fake; neutron and placement are themselves."""

    def __init__(self, neutron, placement):
        super().__init__()
        self.clients = {"network": (neutron, "/v2.0"), "placement": (placement, "")}

    def request(self, service, method, path, **options):
        if service not in self.clients:
            return super().request(service, method, path, **options)
        client, prefix = self.clients[service]
        headers = {"X-Auth-Token": "service", **options.get("headers", {})}
        if options.get("version"):
            headers["OpenStack-API-Version"] = f"{service} {options['version']}"
        answer = Answer(client.open(
            prefix + path, method=method, json=options.get("json"), headers=headers))
        if answer.status_code >= 400:
            raise refusal(service, answer)
        return answer


def database(folder, name, models):
    db = Database(f"sqlite:///{folder}/{name}.db")
    models.Base.metadata.create_all(db.engine)
    return db


@pytest.fixture
def house(tmp_path):
    """(nova's world, call, ask neutron): one host, and alice's network."""
    neutron_db = database(tmp_path, "neutron", neutron_models)
    neutron = Neutron(db=neutron_db, policy=Policy(NEUTRON_RULES), agents=Silence())
    Manager(neutron).report_state(Context(), "one", "10.9.0.1", True, [{
        "agent_type": "Linux bridge agent", "binary": "neutron-agent", "configurations": {}}])
    neutron_client = neutron_app(neutron, authenticate, {}).test_client()
    placement_db = database(tmp_path, "placement", placement_models)
    placement = make_placement(placement_db, Policy(PLACEMENT_RULES))
    cloud = Real(neutron_client, placement_app(placement, authenticate, {}).test_client())
    nova_db = database(tmp_path, "nova", nova_models)
    world = World(nova_db, cloud=cloud)
    client = nova_app(world.nova, authenticate, {}).test_client()

    def call(method, path, json=None, who="alice"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": "compute 2.96"}
        return client.open(path, method=method, json=json, headers=headers)

    def plug():
        """What the network agent says when the taps are there."""
        with neutron_db.writing() as session:
            session.execute(update(neutron_models.Port).values(status="ACTIVE"))

    def ask(method, path, json=None):
        headers = {"X-Auth-Token": "alice"}
        return neutron_client.open(f"/v2.0{path}", method=method, json=json, headers=headers).json

    world.plug = plug
    yield world, call, ask
    for db in (neutron_db, placement_db, nova_db):
        db.engine.dispose()


def settle(world):
    """The agent plugs ports once the host is asked to wait for them."""
    world.workers["compute.one"].probe = lambda moment, job, step: world.plug()
    world.settle()


def test_a_server_comes_and_goes_and_leaves_nothing(house):
    world, call, ask = house
    network = ask("POST", "/networks", {"network": {"name": "private"}})["network"]["id"]
    ask("POST", "/subnets", {"subnet": {
        "network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}})
    ask("POST", "/security-groups", {"security_group": {"name": "web"}})
    call("POST", "/v2.1/flavors", who="root", json={"flavor": {
        "id": "m1", "name": "m1", "ram": 64, "vcpus": 1, "disk": 1}})
    made = call("POST", "/v2.1/servers", {"server": {
        "name": "web", "flavorRef": "m1", "imageRef": world.cloud.image(),
        "networks": [{"uuid": network}], "security_groups": [{"name": "web"}]}})
    assert made.status_code == 202, made.json
    path = f"/v2.1/servers/{made.json['server']['id']}"
    settle(world)
    shown = call("GET", path).json["server"]
    assert shown["status"] == "ACTIVE", shown
    claim = world.cloud.get("placement", f"/allocations/{made.json['server']['id']}",
                            version="1.38").json()
    assert claim["consumer_type"] == "INSTANCE"
    assert shown["addresses"]["private"][0]["addr"].startswith("10.1.0.")
    port = ask("GET", "/ports?device_owner=compute:nova")["ports"][0]
    assert port["device_id"] == made.json["server"]["id"]
    attached = call("POST", f"{path}/os-interface", {"interfaceAttachment": {"net_id": network}})
    assert attached.status_code == 200, attached.json
    action = {"addSecurityGroup": {"name": "default"}}
    assert call("POST", f"{path}/action", action).status_code == 202
    shown = call("GET", path).json["server"]
    assert [g["name"] for g in shown["security_groups"]] == ["default", "web"]
    assert len(shown["addresses"]["private"]) == 2
    call("DELETE", path)
    settle(world)
    assert call("GET", path).status_code == 404
    assert ask("GET", "/ports?device_owner=compute:nova")["ports"] == []
    left = world.cloud.get("placement", f"/allocations/{made.json['server']['id']}",
                           version="1.36").json()
    assert left["allocations"] == {}


def test_no_room_is_told_in_placements_numbers(house):
    world, call, ask = house
    call("PUT", "/v2.1/os-quota-sets/red", {"quota_set": {"ram": -1}}, who="root")
    call("POST", "/v2.1/flavors", who="root", json={"flavor": {
        "id": "huge", "name": "huge", "ram": 1 << 22, "vcpus": 1, "disk": 1}})
    made = call("POST", "/v2.1/servers", {"server": {
        "name": "web", "flavorRef": "huge", "imageRef": world.cloud.image(), "networks": "none"}})
    world.settle()
    path = f"/v2.1/servers/{made.json['server']['id']}"
    fault = call("GET", path, who="root").json["server"]["fault"]
    assert "MEMORY_MB wants 4194304" in fault["details"]
    assert "It would fit now with at most" in fault["message"]
