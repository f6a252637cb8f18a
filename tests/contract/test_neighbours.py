"""Nova's questions are ones that placement and neutron answer: the real ones, not fakes of ours."""

import uuid

import pytest
from fakes.asked import Answer, code_of
from fakes.nova import Cloud, World
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
from cairn.nova.neighbours import over_http
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

    def call(method, path, json=None, who="alice", version="2.96"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"compute {version}"}
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


NONE = str(uuid.uuid4())


def test_security_groups_of_old_are_refused_as_they_were(house):
    world, call, ask = house

    def code(method, path, body=None):
        answer = call(method, f"/v2.1/os-security-group{path}", body, version="2.1")
        [(kind, told)] = answer.json.items() if answer.data else [("", {})]
        assert answer.status_code < 400 or (told["code"], bool(told["message"])) == (
            answer.status_code, True), kind
        return answer.status_code

    def add(**more):
        rule = {"parent_group_id": web, "ip_protocol": "tcp", "from_port": 22, "to_port": 22}
        return code("POST", "-rules", {"security_group_rule": rule | more})

    named = {"security_group": {"name": "web", "description": "d"}}
    made = call("POST", "/v2.1/os-security-groups", named, version="2.1")
    web = made.json["security_group"]["id"]
    assert add() == 200
    assert add() == 400  # There is such a rule.
    for wrong in ({"ip_protocol": "999x"}, {"from_port": 65536}, {"to_port": 65536},
                  {"to_port": 21}, {"cidr": "10.0.0.0/99"}, {"cidr": "x"}, {"group_id": "x"},
                  {"parent_group_id": "x"}, {"from_port": None}):
        assert add(**wrong) == 400, wrong
    assert add(parent_group_id=NONE) == 404
    assert add(group_id=NONE) == 404
    listed = call("GET", "/v2.1/os-security-groups", version="2.1").json["security_groups"]
    default = next(group["id"] for group in listed if group["name"] == "default")
    assert code("DELETE", f"s/{default}") == 400
    for method, body in (("GET", None), ("PUT", named), ("DELETE", None)):
        assert code(method, f"s/{NONE}", body) == 404
        assert code(method, "s/x", body) == 400
    assert code("DELETE", f"-rules/{NONE}") == 404
    assert code("DELETE", "-rules/x") == 400
    assert code("DELETE", f"s/{web}") == 202


def test_security_groups_of_old_are_listed_by_project(house):
    world, call, ask = house

    def names(query="", who="alice"):
        answer = call("GET", f"/v2.1/os-security-groups{query}", who=who, version="2.35")
        return [group["name"] for group in answer.json["security_groups"]]

    for who, name in (("alice", "web"), ("alice", "db"), ("root", "ops")):
        call("POST", "/v2.1/os-security-groups", who=who, version="2.35", json={
            "security_group": {"name": name, "description": "d"}})
    assert names() == names("?all_tenants=true") == ["db", "default", "web"]
    assert names(who="root") == ["default", "ops"]
    assert names("?all_tenants=true", "root") == ["default", "ops", "db", "default", "web"]
    assert names("?limit=1&offset=1") == ["default"]


def test_too_many_security_groups_are_forbidden(house):
    world, call, ask = house
    named = {"security_group": {"name": "web", "description": "d"}}
    for _ in range(9):  # With the default one they are ten, which is the quota.
        assert call("POST", "/v2.1/os-security-groups", named, version="2.1").status_code == 200
    refused = call("POST", "/v2.1/os-security-groups", named, version="2.1")
    assert refused.status_code == 403
    assert "Quota exceeded" in refused.json["forbidden"]["message"]


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


# --- The fakes behave as the real ones do ---


def questions(cloud, network):
    """What nova asks of neutron and placement in the life of a server, with what it reads of the
    answers: in words that no id and no address is part of."""
    alice, nova = PEOPLE["alice"], PEOPLE["service"]
    net, place = cloud.network, cloud.placement
    said = {}
    said["networks"] = [sorted(n) for n in _only(net.list_networks(alice, own=True, id=[network]),
        "id", "name", "mtu", "subnets", "shared", "router:external")]
    port = net.create_port(nova, {
        "network_id": network, "project_id": "red", "tenant_id": "red", "admin_state_up": True,
        "device_id": "vm", "device_owner": "compute:nova", "binding:host_id": "one"})
    said["bound"] = {name: port[name] for name in (
        "device_id", "device_owner", "binding:vif_type", "binding:vnic_type", "status")}
    said["addresses"] = [sorted(f) for f in port["fixed_ips"]]
    said["mac"] = len(port["mac_address"])
    address = port["fixed_ips"][0]["ip_address"]
    said["found"] = [
        len(net.list_ports(nova, **query)) for query in (
            {"device_id": ["vm"]}, {"device_id": ["other"]},
            {"network_id": network, "fixed_ips": f"ip_address={address}"},
            {"network_id": network, "fixed_ips": "ip_address=10.1.0.1"})]
    said["subnets"] = [sorted(s) for s in _only(
        net.list_subnets(nova, id=[port["fixed_ips"][0]["subnet_id"]]), "id", "cidr",
        "ip_version", "gateway_ip", "dns_nameservers", "host_routes", "enable_dhcp")]
    let_go = net.update_port(nova, port["id"], {
        "device_id": "", "device_owner": "", "binding:host_id": ""})
    said["let go"] = {name: let_go[name] for name in ("device_id", "binding:vif_type", "status")}
    net.delete_port(nova, port["id"])
    said["gone"] = [code_of(lambda: net.show_port(nova, port["id"])),
                    code_of(lambda: net.delete_port(nova, port["id"]))]
    said["floating"] = net.list_floating_ips(nova, port_id=[port["id"]])
    provider = str(uuid.uuid4())
    said["no provider"] = [code_of(lambda: place.show_provider(nova, provider)),
                           place.find_provider(nova, "other")]
    place.create_provider(nova, provider, "other")
    said["twice"] = code_of(lambda: place.create_provider(nova, str(uuid.uuid4()), "other"))
    said["by name"] = place.find_provider(nova, "other")["uuid"] == provider
    generation = place.show_inventories(nova, provider)["resource_provider_generation"]
    inventory = {"VCPU": {"total": 2, "reserved": 0, "min_unit": 1, "max_unit": 2,
                          "step_size": 1, "allocation_ratio": 1.0}}
    place.put_inventories(nova, provider, generation, inventory)
    said["stale"] = code_of(lambda: place.put_inventories(nova, provider, generation, inventory))
    traits = place.show_traits(nova, provider)
    place.create_trait(nova, "CUSTOM_RED")
    place.put_traits(nova, provider, traits["resource_provider_generation"], ["CUSTOM_RED"])
    said["traits"] = place.show_traits(nova, provider)["traits"]

    def candidates(amount, required=(), forbidden=()):
        found = place.list_candidates(nova, {"VCPU": amount}, required=list(required),
                                      forbidden=list(forbidden), limit=10)
        return found.get(provider, {}).get("resources")

    said["candidates"] = [candidates(1, ["CUSTOM_RED"]), candidates(3),
                          candidates(1, (), ["CUSTOM_RED"])]
    consumer = str(uuid.uuid4())

    def claim(amount, consumer=consumer):
        place.claim(nova, consumer, provider, {"VCPU": amount}, project_id="red", user_id="alice")

    claim(2)
    said["claimed"] = [place.list_claimed(nova, consumer) == {provider},
                       place.show_usages(nova, provider), candidates(1)]
    said["refused"] = [code_of(lambda: claim(1)), code_of(lambda: claim(1, str(uuid.uuid4())))]
    place.release(nova, consumer)
    place.release(nova, consumer)
    said["released"] = [place.list_claimed(nova, consumer), place.show_usages(nova, provider)]
    return said


def _only(documents, *names):
    return [{name: document[name] for name in names} for document in documents]


def test_the_fakes_answer_as_the_real_ones_do(house):
    world, call, ask = house
    network = ask("POST", "/networks", {"network": {"name": "private"}})["network"]["id"]
    ask("POST", "/subnets", {"subnet": {
        "network_id": network, "cidr": "10.1.0.0/24", "ip_version": 4}})
    real = questions(world.nova.cloud, network)
    fake = Cloud()
    fake.plugs = False  # No agent runs here.
    assert questions(over_http(fake), fake.network("red")) == real
    assert real["bound"]["binding:vif_type"] == "bridge"
