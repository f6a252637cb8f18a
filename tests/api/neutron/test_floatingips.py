import pytest

from cairn.common.context import Context

BASE = "/floatingips"


@pytest.fixture
def inside(api, net, subnet, public):
    """A port behind a router that leads out."""
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    status, _ = api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
                    {"subnet_id": subnet["id"]})
    assert status == 200
    port = api.made("alice", "/ports", network_id=net["id"])
    return {"port": port, "router": router}


def test_from_birth_to_death(api, public, inside):
    port, router = inside["port"], inside["router"]
    made = api.made("alice", BASE, floating_network_id=public["id"], description="d")
    assert made["status"] == "DOWN" and made["port_id"] is None and made["router_id"] is None
    path = f"{BASE}/{made['id']}"
    on = api.changed("alice", path, port_id=port["id"])
    assert on["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert on["router_id"] == router["id"]
    assert on["port_details"]["mac_address"] == port["mac_address"]
    assert api.refused("DELETE", "alice", f"/routers/{router['id']}")[0] == 409
    gateway = {"router": {"external_gateway_info": {}}}
    assert api.refused("PUT", "alice", f"/routers/{router['id']}", gateway)[1] == (
        "RouterExternalGatewayInUseByFloatingIp")
    unplug = {"subnet_id": port["fixed_ips"][0]["subnet_id"]}
    assert api.refused("PUT", "alice", f"/routers/{router['id']}/remove_router_interface",
                       unplug)[1] == "RouterInterfaceInUseByFloatingIP"
    off = api.changed("alice", path, port_id=None)
    assert (off["port_id"], off["fixed_ip_address"], off["router_id"]) == (None, None, None)
    api.gone("alice", path)
    assert api("GET", "alice", path)[0] == 404
    assert api.get("admin", "/ports?device_owner=network:floatingip") == []


def test_with_a_port_at_once(api, public, inside):
    port = inside["port"]
    made = api.made("alice", BASE, floating_network_id=public["id"], port_id=port["id"],
                    fixed_ip_address=port["fixed_ips"][0]["ip_address"])
    assert made["port_id"] == port["id"]
    again = api.refused("POST", "alice", BASE, {"floatingip": {
        "floating_network_id": public["id"], "port_id": port["id"]}})
    assert again[:2] == (409, "FloatingIPPortAlreadyAssociated")
    api.gone("alice", f"/ports/{port['id']}")
    left = api.get("alice", f"{BASE}/{made['id']}")
    assert (left["port_id"], left["router_id"]) == (None, None)


def test_an_address_that_goes_takes_the_association(api, public, inside):
    port = inside["port"]
    api.changed("alice", f"/ports/{port['id']}", fixed_ips=[{"ip_address": "10.0.0.76"}])
    made = api.made("alice", BASE, floating_network_id=public["id"], port_id=port["id"])
    api.changed("alice", f"/ports/{port['id']}", fixed_ips=[{"ip_address": "10.0.0.77"}])
    assert api.get("alice", f"{BASE}/{made['id']}")["port_id"] is None


def test_what_cannot_be_reached(api, net, subnet, public):
    port = api.made("alice", "/ports", network_id=net["id"])
    refused = api.refused("POST", "alice", BASE, {"floatingip": {
        "floating_network_id": public["id"], "port_id": port["id"]}})
    assert refused[:2] == (404, "ExternalGatewayForFloatingIPNotFound")
    assert api.get("alice", BASE) == []
    private = api.refused("POST", "alice", BASE, {"floatingip": {
        "floating_network_id": net["id"]}})
    assert private[:2] == (400, "BadRequest")
    lost = api.refused("POST", "alice", BASE, {"floatingip": {
        "floating_network_id": public["id"], "fixed_ip_address": "10.0.0.9"}})
    assert lost[:2] == (400, "BadRequest")


def test_the_address_is_for_operators_to_choose(api, public):
    wish = {"floating_network_id": public["id"], "floating_ip_address": "172.31.0.111"}
    assert api("POST", "alice", BASE, {"floatingip": wish})[0] == 403
    assert api.made("admin", BASE, **wish)["floating_ip_address"] == "172.31.0.111"


def test_two_addresses_need_a_choice(api, public, inside):
    port = api.changed("alice", f"/ports/{inside['port']['id']}", fixed_ips=[
        {"ip_address": "10.0.0.20"}, {"ip_address": "10.0.0.21"}])
    made = api.made("alice", BASE, floating_network_id=public["id"])
    path = f"{BASE}/{made['id']}"
    assert api.refused("PUT", "alice", path, {"floatingip": {"port_id": port["id"]}})[0] == 400
    on = api.changed("alice", path, port_id=port["id"], fixed_ip_address="10.0.0.20")
    assert on["fixed_ip_address"] == "10.0.0.20"
    on = api.changed("alice", path, port_id=port["id"], fixed_ip_address="10.0.0.21")
    assert on["fixed_ip_address"] == "10.0.0.21"


def test_other_projects_and_readers(api, public, inside):
    made = api.made("alice", BASE, floating_network_id=public["id"])
    path = f"{BASE}/{made['id']}"
    assert api("GET", "bob", path)[0] == 404 and api("DELETE", "bob", path)[0] == 404
    assert api("DELETE", "rita", path)[0] == 403
    theirs = {"floatingip": {"floating_network_id": public["id"],
                             "port_id": inside["port"]["id"]}}
    assert api("POST", "bob", BASE, theirs)[0] == 404
    assert api("POST", "rita", BASE, theirs)[0] == 403


def test_addresses_run_out(api, public):
    for _ in range(21):
        api.made("admin", BASE, floating_network_id=public["id"])
    refused = api.refused("POST", "admin", BASE, {"floatingip": {
        "floating_network_id": public["id"]}})
    assert refused[:2] == (409, "IpAddressGenerationFailure")


def test_without_a_host_for_its_router_it_is_down(api, hosts, manager, public, net, subnet):
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    port = api.made("alice", "/ports", network_id=net["id"])
    floating = api.made("alice", "/floatingips", floating_network_id=public["id"],
                        port_id=port["id"])
    path = f"/floatingips/{floating['id']}"
    manager.floating_ips_set(Context(), "net1", {floating["id"]: "ACTIVE"})
    assert api.get("alice", path)["status"] == "ACTIVE"
    agent, = api.get("admin", f"/routers/{router['id']}/l3-agents")
    assert api("DELETE", "admin", f"/agents/{agent['id']}/l3-routers/{router['id']}")[0] == 204
    assert api.get("alice", path)["status"] == "DOWN"
