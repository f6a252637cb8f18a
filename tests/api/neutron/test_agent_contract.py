"""What the server tells an agent is what the agent's parts understand."""

from pathlib import Path

from cairn.common.context import Context
from cairn.neutron.agent import advertising, dhcp, firewall, router
from cairn.neutron.agent.l2 import Networks
from cairn.neutron.agent.loop import statuses
from cairn.neutron.settings import HostSettings


def test_every_part_of_the_agent_reads_its_part(api, manager, hosts, public, net, subnet):
    six = api.made("alice", "/subnets", network_id=net["id"], ip_version=6, cidr="2001:db8::/64",
                   ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    port = api.made("nova", "/ports", network_id=net["id"], project_id="red", device_id="vm",
                    device_owner="compute:nova", **{"binding:host_id": "net1"})
    api.changed("alice", f"/ports/{port['id']}", allowed_address_pairs=[{
        "ip_address": "10.8.0.128/25"}])
    leader = api.made("alice", "/routers", external_gateway_info={"network_id": public["id"]})
    for inside in (subnet, six):
        api("PUT", "alice", f"/routers/{leader['id']}/add_router_interface",
            {"subnet_id": inside["id"]})
    floating = api.made("alice", "/floatingips", floating_network_id=public["id"],
                        port_id=port["id"])
    group, = port["security_groups"]
    api.made("alice", "/security-group-rules", security_group_id=group, direction="ingress",
             ethertype="IPv4", protocol="tcp", port_range_min=22, port_range_max=22)

    state = manager.wanted(Context(), "net1", None)["state"]

    agent = Networks(HostSettings(bridge_mappings="physnet1:br-ex"))
    bridges = {id: agent.bridge_of(id, network) for id, network in state["networks"].items()}
    assert bridges == {net["id"]: f"brq{net['id'][:11]}", public["id"]: "br-ex"}
    assert set(statuses(state).values()) <= {"ACTIVE", "DOWN", "BUILD"}
    tables = firewall.ruleset(state, bridges)
    plain = group.replace("-", "")
    assert "meta nfproto ipv4 tcp dport 22 accept" in tables["inet", f"isg_{plain}"].rules
    assert tables["inet", f"m4_{plain}"].elements == {
        port["fixed_ips"][0]["ip_address"], "10.8.0.128/25"}
    served = state["dhcp"][net["id"]]
    assert "dhcp-range=" in dhcp.conf(served, Path("/d"), "ns-1")
    assert port["mac_address"] in dhcp.hosts(served)
    assert "option:router,10.0.0.1\n" in dhcp.options(served)
    wanted = state["routers"][leader["id"]]
    assert f"{floating['floating_ip_address']} : {floating['fixed_ip_address']}" in (
        router.ruleset(wanted))
    assert "ra-only" in advertising.conf(wanted, Path("/p"))
