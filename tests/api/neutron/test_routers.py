import pytest

BASE = "/routers"


@pytest.fixture
def router(api, public):
    return api.made("alice", BASE, name="r", external_gateway_info={"network_id": public["id"]})


def plug(api, router, **what):
    status, document = api("PUT", "alice", f"{BASE}/{router['id']}/add_router_interface", what)
    assert status == 200, document
    return document


def unplug(api, router, **what):
    return api("PUT", "alice", f"{BASE}/{router['id']}/remove_router_interface", what)


def test_a_router_with_a_gateway(api, public, router):
    info = router["external_gateway_info"]
    assert info["network_id"] == public["id"] and info["enable_snat"] is True
    assert info["external_fixed_ips"][0]["ip_address"].startswith("172.31.0.1")
    port, = api.get("admin", f"/ports?device_id={router['id']}")
    assert port["device_owner"] == "network:router_gateway"
    assert api.refused("DELETE", "admin", f"/ports/{port['id']}")[:2] == (409, "ServicePortInUse")
    cleared = api.changed("alice", f"{BASE}/{router['id']}", external_gateway_info={})
    assert cleared["external_gateway_info"] is None
    assert api.get("admin", f"/ports?device_id={router['id']}") == []
    again = api.changed("alice", f"{BASE}/{router['id']}",
                        external_gateway_info={"network_id": public["id"]})
    assert again["external_gateway_info"]["network_id"] == public["id"]
    api.gone("alice", f"{BASE}/{router['id']}")


def test_the_gateway_must_be_outside(api, net):
    refused = api.refused("POST", "alice", BASE, {"router": {
        "external_gateway_info": {"network_id": net["id"]}}})
    assert refused[:2] == (400, "BadRequest")


def test_snat_and_addresses_are_for_operators(api, public):
    info = {"network_id": public["id"], "enable_snat": False}
    assert api("POST", "alice", BASE, {"router": {"external_gateway_info": info}})[0] == 403
    fixed = {"network_id": public["id"], "external_fixed_ips": [{"ip_address": "172.31.0.110"}]}
    assert api("POST", "alice", BASE, {"router": {"external_gateway_info": fixed}})[0] == 403
    made = api.made("admin", BASE, external_gateway_info={**fixed, "enable_snat": False})
    got = made["external_gateway_info"]
    assert got["enable_snat"] is False
    assert got["external_fixed_ips"][0]["ip_address"] == "172.31.0.110"


def test_an_interface_by_subnet(api, net, subnet, router):
    added = plug(api, router, subnet_id=subnet["id"])
    assert added["subnet_id"] == subnet["id"] and added["id"] == router["id"]
    port = api.get("alice", f"/ports/{added['port_id']}")
    assert port["device_id"] == router["id"]
    assert port["device_owner"] == "network:router_interface"
    assert port["fixed_ips"][0]["ip_address"] == "10.0.0.1"
    path = f"{BASE}/{router['id']}"
    again = api.refused("PUT", "alice", path + "/add_router_interface", {
        "subnet_id": subnet["id"]})
    assert again[:2] == (400, "BadRequest")
    assert api.refused("DELETE", "alice", path)[:2] == (409, "RouterInUse")
    assert api.refused("DELETE", "alice", f"/subnets/{subnet['id']}")[:2] == (409, "SubnetInUse")
    assert api.refused("PUT", "alice", f"/subnets/{subnet['id']}", {
        "subnet": {"gateway_ip": "10.0.0.9"}})[0] == 409
    assert unplug(api, router, subnet_id=subnet["id"])[0] == 200
    assert unplug(api, router, subnet_id=subnet["id"])[0] == 404
    api.gone("alice", path)


def test_an_interface_by_port(api, net, subnet, router):
    port = api.made("alice", "/ports", network_id=net["id"])
    added = plug(api, router, port_id=port["id"])
    assert added["subnet_ids"] == [subnet["id"]]
    assert api.get("alice", f"/ports/{port['id']}")["device_id"] == router["id"]
    path = f"{BASE}/{router['id']}/add_router_interface"
    assert api.refused("PUT", "alice", path, {"port_id": port["id"]})[:2] == (409, "PortInUse")
    assert unplug(api, router, port_id=port["id"])[0] == 200
    assert api("GET", "alice", f"/ports/{port['id']}")[0] == 404


def test_an_interface_follows_its_ports_addresses(api, net, subnet, router):
    added = plug(api, router, subnet_id=subnet["id"])
    other = api.made("alice", "/subnets", network_id=net["id"], ip_version=4, cidr="10.4.0.0/24")
    api.changed("alice", f"/ports/{added['port_id']}", fixed_ips=[{"ip_address": "10.4.0.9"}])
    assert unplug(api, router, subnet_id=subnet["id"])[0] == 404
    assert unplug(api, router, subnet_id=other["id"])[0] == 200


@pytest.mark.parametrize("body", [{}, {"subnet_id": "a", "port_id": "b"}, {"nonsense": 1}])
def test_an_interface_is_one_thing(api, router, body):
    path = f"{BASE}/{router['id']}/add_router_interface"
    assert api.refused("PUT", "alice", path, body)[0] == 400


def test_interfaces_do_not_overlap(api, router, subnet):
    plug(api, router, subnet_id=subnet["id"])
    other = api.made("alice", "/networks")
    twin = api.made("alice", "/subnets", network_id=other["id"], ip_version=4, cidr="10.0.0.0/25")
    path = f"{BASE}/{router['id']}/add_router_interface"
    assert api.refused("PUT", "alice", path, {"subnet_id": twin["id"]})[:2] == (400, "BadRequest")
    assert len(api.get("alice", f"/ports?device_id={router['id']}")) == 1


def test_static_routes(api, router, subnet):
    plug(api, router, subnet_id=subnet["id"])
    path = f"{BASE}/{router['id']}"
    route = {"destination": "10.50.0.0/16", "nexthop": "10.0.0.9"}
    assert api.changed("alice", path, routes=[route])["routes"] == [route]
    assert unplug(api, router, subnet_id=subnet["id"])[1]["NeutronError"]["type"] == (
        "RouterInterfaceInUseByRoute")
    other = {"destination": "10.51.0.0/16", "nexthop": "10.0.0.9"}
    _, document = api("PUT", "alice", path + "/add_extraroutes", {"router": {"routes": [other]}})
    assert len(document["router"]["routes"]) == 2
    _, document = api("PUT", "alice", path + "/remove_extraroutes", {"router": {"routes": [other]}})
    assert document["router"]["routes"] == [route]
    for bad in ({"destination": "10.50.0.1/16", "nexthop": "10.0.0.9"},
                {"destination": "10.50.0.0/16", "nexthop": "10.77.0.9"},
                {"destination": "10.50.0.0/16", "nexthop": "10.0.0.1"}):
        assert api.refused("PUT", "alice", path, {"router": {"routes": [bad]}})[:2] == (
            400, "InvalidRoutes")
    status, document = api("PUT", "alice", path, {"router": {"routes": None}})
    assert document["router"]["routes"] == []


def test_other_projects_and_readers(api, router, subnet):
    path = f"{BASE}/{router['id']}"
    assert api("GET", "bob", path)[0] == 404
    assert api("PUT", "bob", path, {"router": {"name": "x"}})[0] == 404
    assert api("PUT", "bob", path + "/add_router_interface", {"subnet_id": subnet["id"]})[0] == 404
    assert api("PUT", "rita", path + "/add_router_interface", {"subnet_id": subnet["id"]})[0] == 403
    assert api("DELETE", "rita", path)[0] == 403
    assert api("POST", "alice", BASE, {"router": {"distributed": True}})[0] == 400


def test_a_router_is_carried_by_a_network_node(api, hosts, router, subnet):
    plug(api, router, subnet_id=subnet["id"])
    ports = api.get("admin", f"/ports?device_id={router['id']}")
    assert {p["binding:host_id"] for p in ports} == {"net1"}
    assert {p["binding:vif_type"] for p in ports} == {"bridge"}
    agent, = api.get("admin", f"{BASE}/{router['id']}/l3-agents")
    assert agent["host"] == "net1"
    carried = api.get("admin", f"/agents/{agent['id']}/l3-routers")
    assert [r["id"] for r in carried] == [router["id"]]
    path = f"/agents/{agent['id']}/l3-routers"
    assert api("DELETE", "admin", f"{path}/{router['id']}")[0] == 204
    assert api.get("admin", f"/agents/{agent['id']}/l3-routers") == []
    assert api("POST", "admin", path, {"router_id": router["id"]})[0] == 201
    assert api("GET", "alice", path)[0] == 403


@pytest.fixture
def bare(api):
    """An external network without a subnet."""
    return api.made("admin", "/networks", **{
        "router:external": True, "provider:network_type": "flat",
        "provider:physical_network": "physnet1"})


def test_a_gateway_where_there_is_no_subnet_yet(api, bare):
    made = api.made("alice", BASE, external_gateway_info={"network_id": bare["id"]})
    info = made["external_gateway_info"]
    assert info["network_id"] == bare["id"] and info["external_fixed_ips"] == []
    subnet = api.made("admin", "/subnets", network_id=bare["id"], ip_version=4,
                      cidr="172.31.0.0/24", enable_dhcp=False)
    info = api.get("alice", f"{BASE}/{made['id']}")["external_gateway_info"]
    fixed, = info["external_fixed_ips"]
    assert fixed["subnet_id"] == subnet["id"]
    api.made("admin", "/subnets", network_id=bare["id"], ip_version=4, cidr="172.31.1.0/24",
             enable_dhcp=False)
    api.made("admin", "/subnets", network_id=bare["id"], ip_version=6, cidr="fd31::/64",
             enable_dhcp=False)
    info = api.get("alice", f"{BASE}/{made['id']}")["external_gateway_info"]
    assert len(info["external_fixed_ips"]) == 2 and fixed in info["external_fixed_ips"]
    api.gone("alice", f"{BASE}/{made['id']}")
