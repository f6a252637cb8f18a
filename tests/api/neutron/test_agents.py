"""What operators see of hosts, and what hosts are told."""

import inspect
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from cairn.common.context import Context
from cairn.common.errors import Invalid, Refused
from cairn.common.rpc import signature
from cairn.neutron import rpc
from cairn.neutron.core import floatingips
from cairn.neutron.core.write import write
from cairn.neutron.db.models import Agent, DhcpServer, Router
from cairn.neutron.rpc_server.manager import Manager

CTX = Context()


def state(manager, node):
    return manager.wanted(CTX, node, None)["state"]


@pytest.fixture
def server(api, net, subnet, hosts):
    """A bound port on cmp1."""
    return api.made("nova", "/ports", network_id=net["id"], project_id="red", device_id="vm",
                    device_owner="compute:nova", dns_name="web", **{"binding:host_id": "cmp1"})


def test_the_manager_serves_what_the_stub_sends():
    for name in [n for n, f in vars(rpc.Controller).items() if inspect.isfunction(f)]:
        sent, served = getattr(rpc.Controller, name), getattr(Manager, name)
        assert signature(sent) == signature(served), name


def test_agents(api, hosts):
    agents = api.get("admin", "/agents")
    assert len(agents) == 6 and all(a["alive"] for a in agents)
    l3, = api.get("admin", "/agents?agent_type=L3%20agent")
    path = f"/agents/{l3['id']}"
    assert api.get("admin", path)["host"] == "net1"
    changed = api.changed("admin", path, admin_state_up=False, description="broken")
    assert (changed["admin_state_up"], changed["description"]) == (False, "broken")
    assert api.get("alice", "/agents") == []
    assert api("GET", "alice", path)[0] == 403
    assert api("GET", "admin", "/agents/nosuch")[0] == 404
    zones = api.get("alice", "/availability_zones")
    assert {(z["resource"], z["state"]) for z in zones} == {
        ("network", "available"), ("router", "unavailable")}
    api.gone("admin", path)


def test_silence_is_death(api, neutron, hosts):
    with neutron.db.writing() as session:
        old = Agent.heartbeat_at.type.python_type(2020, 1, 1)
        session.execute(update(Agent).where(Agent.host == "cmp1").values(heartbeat_at=old))
    dead, = api.get("admin", "/agents?alive=false")
    assert dead["host"] == "cmp1"
    net = api.made("alice", "/networks")
    port = api.made("nova", "/ports", network_id=net["id"], project_id="red",
                    **{"binding:host_id": "cmp1"})
    assert port["binding:vif_type"] == "binding_failed"


def test_a_host_is_told_of_its_ports_and_no_others(manager, net, subnet, server):
    wanted = state(manager, "cmp1")
    port = wanted["ports"][server["id"]]
    address = server["fixed_ips"][0]["ip_address"]
    assert port["tap"] == f"tap{server['id'][:11]}" and port["status"] == "DOWN"
    assert port["fixed_ips"] == [
        {"ip": address, "subnet_id": subnet["id"], "cidr": f"{address}/24"}]
    network = wanted["networks"][net["id"]]
    assert network["network_type"] == "vxlan" and network["peers"] == ["10.9.0.1"]
    group, = server["security_groups"]
    assert {r["direction"] for r in wanted["security_groups"][group]["rules"]} == {
        "ingress", "egress"}
    assert wanted["members"] == {group: {"4": [address], "6": []}}
    assert wanted["dhcp"] == {} and wanted["routers"] == {}
    other = state(manager, "cmp2")
    assert other["ports"] == {} and other["networks"] == {}


def test_what_did_not_change_reads_the_same(api, manager, server):
    first = manager.wanted(CTX, "cmp1", None)
    again = manager.wanted(CTX, "cmp1", first["revision"])
    assert again == {"revision": first["revision"], "state": None}
    api.made("alice", "/networks")
    assert manager.wanted(CTX, "cmp1", first["revision"])["state"] is None
    api.changed("nova", f"/ports/{server['id']}", admin_state_up=False)
    assert manager.wanted(CTX, "cmp1", first["revision"])["state"] is not None


def test_dhcp_is_served_by_a_network_node(api, manager, net, subnet, server):
    served = state(manager, "net1")["dhcp"][net["id"]]
    port, = api.get("admin", "/ports?device_owner=network:dhcp")
    assert served["port"]["id"] == port["id"] and port["binding:host_id"] == "net1"
    assert port["fixed_ips"][0]["ip_address"] == "10.0.0.2"
    host, = served["hosts"]
    assert (host["mac"], host["hostname"]) == (server["mac_address"], "web")
    assert served["subnets"][subnet["id"]]["metadata_port"] == "10.0.0.2"
    agent, = api.get("admin", f"/networks/{net['id']}/dhcp-agents")
    networks = api.get("admin", f"/agents/{agent['id']}/dhcp-networks")
    assert [n["id"] for n in networks] == [net["id"]]
    api.changed("alice", f"/subnets/{subnet['id']}", enable_dhcp=False)
    assert state(manager, "net1")["dhcp"] == {}
    assert api.get("admin", "/ports?device_owner=network:dhcp") == []
    api.changed("alice", f"/subnets/{subnet['id']}", enable_dhcp=True)
    assert len(api.get("admin", "/ports?device_owner=network:dhcp")) == 1


def test_dhcp_comes_when_a_host_does(api, manager, net, subnet, request):
    assert api.get("admin", "/ports") == []
    request.getfixturevalue("hosts")
    port, = api.get("admin", "/ports")
    assert port["device_owner"] == "network:dhcp"
    api.gone("admin", f"/ports/{port['id']}")
    manager.report_state(CTX, "net1", "10.9.0.1", False, [
        {"agent_type": "DHCP agent", "binary": "x", "configurations": {}}])
    assert len(api.get("admin", "/ports")) == 1


def test_a_router_with_all_that_hangs_on_it(api, manager, public, net, subnet, server):
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    floating = api.made("alice", "/floatingips", floating_network_id=public["id"],
                        port_id=server["id"])
    wanted = state(manager, "net1")
    carried = wanted["routers"][router["id"]]
    assert carried["gateway"]["gateway_ips"] == ["172.31.0.1"]
    assert carried["gateway"]["fixed_ips"][0]["cidr"].endswith("/24")
    inside, = carried["interfaces"]
    assert inside["fixed_ips"][0]["cidr"] == "10.0.0.1/24"
    assert inside["subnets"][0]["cidr"] == "10.0.0.0/24"
    assert carried["floating_ips"] == [{
        "id": floating["id"], "floating_ip_address": floating["floating_ip_address"],
        "fixed_ip_address": floating["fixed_ip_address"], "status": "DOWN"}]
    assert wanted["networks"][public["id"]]["network_type"] == "flat"
    assert wanted["dhcp"][net["id"]]["subnets"][subnet["id"]]["metadata_port"] is None
    found = manager.instance_at(CTX, server["fixed_ips"][0]["ip_address"], router["id"], None)
    assert found == {"port_id": server["id"], "device_id": "vm", "project_id": "red"}
    assert manager.instance_at(CTX, "10.0.1.250", router["id"], None) is None
    manager.floating_ips_set(CTX, "net1", {floating["id"]: "ACTIVE"})
    assert api.get("alice", f"/floatingips/{floating['id']}")["status"] == "ACTIVE"
    manager.floating_ips_set(CTX, "cmp1", {floating["id"]: "ERROR"})
    assert api.get("alice", f"/floatingips/{floating['id']}")["status"] == "ACTIVE"


@pytest.fixture
def floating(api, manager, public, net, subnet, server):
    """A floating IP that a living agent made work."""
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    floating = api.made("alice", "/floatingips", floating_network_id=public["id"],
                        port_id=server["id"])
    manager.floating_ips_set(CTX, "net1", {floating["id"]: "ACTIVE"})
    return floating


def test_a_floating_ip_is_active_where_an_agent_lives(api, neutron, manager, floating):
    def status():
        write(neutron, CTX, floatingips.give_up)
        return api.get("alice", f"/floatingips/{floating['id']}")["status"]

    assert status() == "ACTIVE"
    with neutron.db.writing() as session:
        old = Agent.heartbeat_at.type.python_type(2020, 1, 1)
        session.execute(update(Agent).where(Agent.host == "net1").values(heartbeat_at=old))
    assert status() == "DOWN"
    assert neutron.agents.rung[-1]["hosts"] == ["net1"]
    manager.report_state(CTX, "net1", "10.9.0.1", False, [
        {"agent_type": "L3 agent", "binary": "neutron-agent", "configurations": {}}])
    assert neutron.agents.rung[-1]["hosts"] == ["net1"]
    (told,) = [f for router in state(manager, "net1")["routers"].values()
               for f in router["floating_ips"]]
    assert told["status"] == "DOWN"  # So the agent says that it is not.
    manager.floating_ips_set(CTX, "net1", {floating["id"]: "ACTIVE"})
    assert status() == "ACTIVE"


def test_a_floating_ip_is_down_with_its_router_on_no_host(api, floating):
    agent, = api.get("admin", "/agents?agent_type=L3%20agent")
    router = floating["router_id"]
    api("DELETE", "admin", f"/agents/{agent['id']}/l3-routers/{router}")
    assert api.get("alice", f"/floatingips/{floating['id']}")["status"] == "DOWN"


def test_routers_wait_for_a_network_node(api, manager, public, request):
    router = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    request.getfixturevalue("hosts")
    assert router["id"] in state(manager, "net1")["routers"]


def test_ports_come_up_where_they_are(api, manager, server):
    path = f"/ports/{server['id']}"
    manager.ports_up(CTX, "cmp2", [server["id"]])
    assert api.get("alice", path)["status"] == "DOWN"
    manager.ports_up(CTX, "cmp1", [server["id"], "nosuch"])
    assert api.get("alice", path)["status"] == "ACTIVE"
    manager.ports_down(CTX, "cmp1", [server["id"]])
    assert api.get("alice", path)["status"] == "DOWN"
    manager.ports_up(CTX, "cmp1", [server["id"]])
    moved = api.changed("nova", path, **{"binding:host_id": "cmp2"})
    assert moved["status"] == "DOWN"


def test_the_doorbell_rings_for_those_concerned(api, neutron, net, subnet, server):
    rung = neutron.agents.rung
    assert rung[-1]["hosts"] == ["cmp1"] and rung[-1]["networks"] == [net["id"]]
    count = len(rung)
    api.made("alice", "/ports", network_id=net["id"])
    assert len(rung) == count
    group, = server["security_groups"]
    api.made("alice", "/security-group-rules", security_group_id=group, direction="ingress",
             protocol="tcp")
    assert rung[-1] == {"hosts": [], "networks": [], "groups": [group]}
    api.gone("nova", f"/ports/{server['id']}")
    assert rung[-1]["hosts"] == ["cmp1"]


def test_dhcp_networks_by_hand(api, net, subnet, hosts):
    agent, = api.get("admin", "/agents?agent_type=DHCP%20agent")
    path = f"/agents/{agent['id']}/dhcp-networks"
    assert api("POST", "admin", path, {"network_id": net["id"]})[0] == 409
    assert api("DELETE", "admin", f"{path}/{net['id']}")[0] == 204
    assert api.get("admin", path) == []
    assert api("DELETE", "admin", f"{path}/{net['id']}")[0] == 409
    assert api("POST", "admin", path, {"network_id": net["id"]})[0] == 201
    assert len(api.get("admin", "/ports?device_owner=network:dhcp")) == 1


def test_a_host_learns_whose_address_it_is_where_it_serves_only(
    api, net, subnet, server, manager, neutron, hosts
):
    router = api.made("alice", "/routers")
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    with neutron.db.reading() as session:
        at = session.scalar(select(Router.host).where(Router.id == router["id"]))
        served = session.scalar(select(DhcpServer.host))
    address = server["fixed_ips"][0]["ip_address"]
    for place, serving in ((router["id"], None), at), ((None, net["id"]), served):
        assert manager.instance_at(Context(host=serving), address, *place)["device_id"] == "vm"
        assert manager.instance_at(Context(host="cmp1"), address, *place) is None


def test_a_compute_host_is_given_no_routers(neutron, manager, hosts):
    kinds = [{"agent_type": "L3 agent", "binary": "neutron-agent", "configurations": {}}]
    strict = Manager(replace(neutron, settings=replace(neutron.settings, gateway_hosts="net1")))
    with pytest.raises(Refused):
        strict.report_state(Context(host="cmp1"), "cmp1", "10.9.0.9", True, kinds)
    strict.report_state(Context(host="net1"), "net1", "10.9.0.1", True, kinds)


@pytest.mark.parametrize("end", ["nowhere", "fe80::1%eth0", "192.0.2.1/24\n", "192.0.2.1 dev x"])
def test_a_tunnel_that_ends_at_no_address_is_told_to_nobody(manager, end):
    with pytest.raises(Invalid, match="tunnel_ip"):
        manager.report_state(CTX, "cmp1", end, False, [
            {"agent_type": "Linux bridge agent", "binary": "neutron-agent", "configurations": {}}])
