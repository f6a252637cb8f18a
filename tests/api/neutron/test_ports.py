import pytest

from cairn.common.context import Context
from cairn.neutron.core import addresses

BASE = "/ports"
NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.


def test_a_port_gets_an_address_a_mac_and_the_default_group(api, net, subnet):
    made = api.made("alice", BASE, network_id=net["id"], name="p")
    fixed, = made["fixed_ips"]
    assert fixed["subnet_id"] == subnet["id"] and fixed["ip_address"].startswith("10.0.0.")
    assert made["mac_address"].startswith("fa:16:3e:") and made["status"] == "DOWN"
    group, = made["security_groups"]
    assert api.get("alice", f"/security-groups/{group}")["name"] == "default"
    host = "host-" + fixed["ip_address"].replace(".", "-")
    assert made["dns_assignment"] == [{
        "ip_address": fixed["ip_address"], "hostname": host, "fqdn": f"{host}.openstacklocal."}]
    assert api.get("rita", f"{BASE}/{made['id']}") == made
    assert not [name for name in made if name.startswith("binding:") and "vnic" not in name]


def test_addresses_by_wish(api, net, subnet):
    one = api.made("alice", BASE, network_id=net["id"], fixed_ips=[{"ip_address": "10.0.0.50"}])
    assert one["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.50"}]
    again = api.refused("POST", "alice", BASE, {"port": {
        "network_id": net["id"], "fixed_ips": [{"ip_address": "10.0.0.50"}]}})
    assert again[:2] == (409, "IpAddressAlreadyAllocated")
    two = api.made("alice", BASE, network_id=net["id"],
                   fixed_ips=[{"subnet_id": subnet["id"]}, {"ip_address": "10.0.0.60"}])
    assert len(two["fixed_ips"]) == 2
    none = api.made("alice", BASE, network_id=net["id"], fixed_ips=[])
    assert none["fixed_ips"] == []


def test_any_address_is_never_the_one_asked_for_beside(api, net, subnet, monkeypatch):
    monkeypatch.setattr(addresses.random, "randint", lambda first, last: first + 58)
    port = api.made("alice", BASE, network_id=net["id"],
                    fixed_ips=[{"subnet_id": subnet["id"]}, {"ip_address": "10.0.0.60"}])
    assert [f["ip_address"] for f in port["fixed_ips"]] == ["10.0.0.61", "10.0.0.60"]


@pytest.mark.parametrize(("more", "status", "word"), [
    ({"fixed_ips": [{"ip_address": "10.9.9.9"}]}, 400, "10.9.9.9"),
    ({"fixed_ips": [{"ip_address": "10.0.0.255"}]}, 400, "10.0.0.255"),
    ({"fixed_ips": [{"ip_address": "nonsense"}]}, 400, "fixed_ips"),
    ({"fixed_ips": [{"subnet_id": "nosuch"}]}, 400, "nosuch"),
    ({"fixed_ips": [{}]}, 400, "fixed IP"),
    ({"mac_address": "nonsense"}, 400, "mac_address"), ({"network_id": "nosuch"}, 400, "nosuch"),
    ({"network_id": NONE}, 404, NONE), ({"security_groups": ["nosuch"]}, 400, "nosuch"),
    ({"security_groups": [NONE]}, 404, NONE),
    ({"allowed_address_pairs": [{"ip_address": "x1"}]}, 400, "allowed_address_pairs"),
    ({"allowed_address_pairs": [{"ip_address": "10.0.0.9"}] * 2}, 400, "twice"),
    ({"port_security_enabled": False, "security_groups": [NONE]}, 400, "security"),
    ({"binding:vnic_type": "direct"}, 400, "vnic_type"), ({"nonsense": 1}, 400, "nonsense"),
    ({"extra_dhcp_opts": [{"opt_value": "x"}]}, 400, "opt_name"),
])
def test_bad_input_is_named(api, net, subnet, more, status, word):
    refused = api.refused("POST", "alice", BASE, {"port": {"network_id": net["id"], **more}})
    assert refused[0] == status and word in refused[2]


def test_a_full_subnet_says_so(api, net):
    api.made("alice", "/subnets", network_id=net["id"], ip_version=4, cidr="10.3.0.0/29")
    ports = [api.made("alice", BASE, network_id=net["id"]) for _ in range(5)]
    assert len({p["fixed_ips"][0]["ip_address"] for p in ports}) == 5
    refused = api.refused("POST", "alice", BASE, {"port": {"network_id": net["id"]}})
    assert refused[:2] == (409, "IpAddressGenerationFailure")
    api.gone("alice", f"{BASE}/{ports[2]['id']}")
    api.made("alice", BASE, network_id=net["id"])


def test_a_mac_is_on_a_network_once(api, net):
    mac = "fa:16:3e:00:00:01"
    api.made("alice", BASE, network_id=net["id"], mac_address=mac.upper())
    refused = api.refused("POST", "alice", BASE, {"port": {
        "network_id": net["id"], "mac_address": mac}})
    assert refused[:2] == (409, "MacAddressInUse")


def test_addresses_change(api, net, subnet):
    port = api.made("alice", BASE, network_id=net["id"], fixed_ips=[{"ip_address": "10.0.0.7"}])
    path = f"{BASE}/{port['id']}"
    two = api.changed("alice", path, fixed_ips=[{"subnet_id": subnet["id"]},
                                                {"ip_address": "10.0.0.8"}])
    assert {f["ip_address"] for f in two["fixed_ips"]} == {"10.0.0.7", "10.0.0.8"}
    one = api.changed("alice", path, fixed_ips=[{"ip_address": "10.0.0.9"}])
    assert [f["ip_address"] for f in one["fixed_ips"]] == ["10.0.0.9"]
    api.made("alice", BASE, network_id=net["id"], fixed_ips=[{"ip_address": "10.0.0.7"}])
    refused = api.refused("PUT", "alice", path, {"port": {"fixed_ips": [
        {"ip_address": "10.0.0.7"}]}})
    assert refused[:2] == (409, "IpAddressAlreadyAllocated")
    assert api.get("alice", path)["fixed_ips"] == one["fixed_ips"]


def test_security(api, net, subnet):
    port = api.made("alice", BASE, network_id=net["id"])
    path = f"{BASE}/{port['id']}"
    off = {"port": {"port_security_enabled": False}}
    assert api.refused("PUT", "alice", path, off)[:2] == (409, "PortSecurityPortHasSecurityGroup")
    open_port = api.changed("alice", path, port_security_enabled=False, security_groups=[])
    assert open_port["port_security_enabled"] is False
    pairs = {"port": {"allowed_address_pairs": [{"ip_address": "10.0.0.9"}]}}
    assert api.refused("PUT", "alice", path, pairs)[:2] == (
        409, "AddressPairAndPortSecurityRequired")
    secured = api.changed("alice", path, port_security_enabled=True, **pairs["port"])
    assert secured["allowed_address_pairs"] == [
        {"ip_address": "10.0.0.9", "mac_address": port["mac_address"]}]


def test_dhcp_options_are_merged(api, net):
    port = api.made("alice", BASE, network_id=net["id"], extra_dhcp_opts=[
        {"opt_name": "bootfile-name", "opt_value": "a"}, {"opt_name": "mtu", "opt_value": 9000}])
    assert {"opt_name": "mtu", "opt_value": "9000", "ip_version": 4} in port["extra_dhcp_opts"]
    changed = api.changed("alice", f"{BASE}/{port['id']}", extra_dhcp_opts=[
        {"opt_name": "mtu", "opt_value": None}, {"opt_name": "bootfile-name", "opt_value": "b"}])
    assert changed["extra_dhcp_opts"] == [
        {"opt_name": "bootfile-name", "opt_value": "b", "ip_version": 4}]


def test_binding_is_for_services(api, net, subnet, hosts):
    wanted = {"port": {"network_id": net["id"], "binding:host_id": "cmp1"}}
    assert api.refused("POST", "alice", BASE, wanted)[:2] == (403, "PolicyNotAuthorized")
    port = api.made("nova", BASE, network_id=net["id"], project_id="red", device_id="server",
                    device_owner="compute:nova", **{"binding:host_id": "cmp1"})
    assert port["project_id"] == "red" and port["binding:vif_type"] == "bridge"
    assert port["binding:vif_details"]["bridge_name"] == f"brq{net['id'][:11]}"
    moved = api.changed("nova", f"{BASE}/{port['id']}", **{"binding:host_id": ""})
    assert moved["binding:vif_type"] == "unbound"
    lost = api.changed("nova", f"{BASE}/{port['id']}", **{"binding:host_id": "nowhere"})
    assert lost["binding:vif_type"] == "binding_failed"


def test_binding_needs_the_physical_network(api, public, hosts):
    port = api.made("admin", BASE, network_id=public["id"], **{"binding:host_id": "cmp2"})
    assert port["binding:vif_type"] == "binding_failed"
    port = api.made("admin", BASE, network_id=public["id"], **{"binding:host_id": "cmp1"})
    assert port["binding:vif_details"]["bridge_name"] == "br-ex"


def test_a_binding_that_failed_heals_when_the_host_reports(api, net, manager):
    port = api.made("nova", BASE, network_id=net["id"], project_id="red",
                    **{"binding:host_id": "late"})
    assert port["binding:vif_type"] == "binding_failed"
    manager.report_state(Context(), "late", "10.9.0.9", True, [
        {"agent_type": "Linux bridge agent", "binary": "x", "configurations": {}}])
    assert api.get("nova", f"{BASE}/{port['id']}")["binding:vif_type"] == "bridge"


def test_bound_ports_keep_their_mac(api, net, hosts):
    port = api.made("nova", BASE, network_id=net["id"], project_id="red",
                    **{"binding:host_id": "cmp1"})
    new = {"port": {"mac_address": "fa:16:3e:00:00:02"}}
    assert api.refused("PUT", "alice", f"{BASE}/{port['id']}", new)[0] == 403
    assert api.refused("PUT", "admin", f"{BASE}/{port['id']}", new)[:2] == (409, "PortBound")


def test_other_projects(api, net, subnet):
    port = api.made("alice", BASE, network_id=net["id"])
    path = f"{BASE}/{port['id']}"
    for method, body in (("GET", None), ("PUT", {"port": {"name": "x"}}), ("DELETE", None)):
        assert api(method, "bob", path, body)[0] == 404
    assert api("DELETE", "rita", path)[0] == 403
    assert api("POST", "bob", BASE, {"port": {"network_id": net["id"]}})[0] == 404


def test_on_a_shared_network_only_the_owner_says_which_address(api):
    shared = api.made("admin", "/networks", shared=True)
    subnet = api.made("admin", "/subnets", network_id=shared["id"], ip_version=4,
                      cidr="10.7.0.0/24")
    port = {"network_id": shared["id"], "fixed_ips": [{"ip_address": "10.7.0.9"}]}
    assert api("POST", "bob", BASE, {"port": port})[0] == 403
    assert api("POST", "bob", BASE, {"port": {
        "network_id": shared["id"], "device_owner": "network:x"}})[0] == 403
    made = api.made("bob", BASE, network_id=shared["id"])
    assert made["fixed_ips"][0]["subnet_id"] == subnet["id"]
    assert api("GET", "alice", f"{BASE}/{made['id']}")[0] == 404


def test_filters(api, net, subnet):
    one = api.made("alice", BASE, network_id=net["id"], device_id="d1",
                   fixed_ips=[{"ip_address": "10.0.0.11"}])
    api.made("alice", BASE, network_id=net["id"], device_owner="compute:nova",
             fixed_ips=[{"ip_address": "10.0.0.112"}])
    ids = lambda query: [p["id"] for p in api.get("alice", f"{BASE}?{query}")]  # noqa: E731
    assert ids("fixed_ips=ip_address%3D10.0.0.11") == [one["id"]]
    assert ids("fixed_ips=ip_address_substr%3D0.0.11&device_id=d1") == [one["id"]]
    assert len(ids("fixed_ips=ip_address_substr%3D0.0.11")) == 2
    assert len(ids(f"fixed_ips=subnet_id%3D{subnet['id']}")) == 2
    assert len(ids(f"security_groups={one['security_groups'][0]}")) == 2
    assert ids("device_owner=") == [one["id"]]
    assert ids("network_id=other") == []
    assert len(ids("device_owner=compute:nova&status=DOWN&admin_state_up=true")) == 1


def test_several_at_once(api, net, subnet):
    status, document = api("POST", "alice", BASE, {"ports": [
        {"network_id": net["id"], "name": "a"}, {"network_id": net["id"], "name": "b"}]})
    assert status == 201 and len(document["ports"]) == 2


def test_quota_holds_and_is_given_back(limited):
    api = limited(port=2)
    net = api.made("alice", "/networks")
    ports = [api.made("alice", BASE, network_id=net["id"]) for _ in range(2)]
    refused = api.refused("POST", "alice", BASE, {"port": {"network_id": net["id"]}})
    assert refused[:2] == (409, "OverQuota") and "port" in refused[2]
    api.gone("alice", f"{BASE}/{ports[0]['id']}")
    api.made("alice", BASE, network_id=net["id"])
    two = {"networks": [{"name": "x"}] * 2}
    assert api("POST", "bob", "/networks", two)[0] == 201


@pytest.mark.parametrize(("name", "said"), [("Web", "web"), ("web.openstacklocal.", "web"),
                                            ("a.b", "a.b"), ("", None)])
def test_a_name_of_its_own(api, net, subnet, name, said):
    made = api.made("alice", BASE, network_id=net["id"], dns_name=name)
    assert made["dns_name"] == name.lower()
    if said:
        assert made["dns_assignment"][0]["fqdn"] == f"{said}.openstacklocal."


BAD_NAMES = ["a b", "-a", "a\n10.0.0.1 bank", "a,b", "www.google.com.", "a_b", "a" * 64, "a.5"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_have_a_grammar(api, net, subnet, public, name):
    port = api.made("alice", BASE, network_id=net["id"])
    for method, path, body in (
        ("POST", BASE, {"port": {"network_id": net["id"], "dns_name": name}}),
        ("PUT", f"{BASE}/{port['id']}", {"port": {"dns_name": name}}),
    ):
        refused = api.refused(method, "alice", path, body)
        assert refused[0] == 400 and "dns_name" in refused[2]
    if name.endswith("."):
        return
    for method, path, body in (
        ("PUT", f"{BASE}/{port['id']}", {"port": {"dns_domain": name}}),
        ("POST", "/networks", {"network": {"dns_domain": name}}),
        ("PUT", f"/networks/{net['id']}", {"network": {"dns_domain": name}}),
        ("POST", "/floatingips", {"floatingip": {
            "floating_network_id": public["id"], "dns_name": name}}),
        ("POST", "/floatingips", {"floatingip": {
            "floating_network_id": public["id"], "dns_domain": name}}),
    ):
        refused = api.refused(method, "alice", path, body)
        assert refused[0] == 400 and "dns_" in refused[2]


@pytest.mark.parametrize("option", [
    {"opt_name": "router,10.0.0.66", "opt_value": "x"}, {"opt_name": "x", "opt_value": "y"},
    {"opt_name": "mtu", "opt_value": "1\n2"}, {"opt_name": "mtu", "opt_value": ""},
    {"opt_name": "mtu", "opt_value": "1", "ip_version": 6}, {"opt_name": "0", "opt_value": "1"}])
def test_options_have_a_grammar(api, net, option):
    for method, path, body in (("POST", BASE, {"network_id": net["id"]}), (
            "PUT", f"{BASE}/{api.made('alice', BASE, network_id=net['id'])['id']}", {})):
        refused = api.refused(method, "alice", path, {"port": {
            **body, "extra_dhcp_opts": [option]}})
        assert refused[0] == 400 and "extra_dhcp_opts" in refused[2]


def test_on_a_shared_network_nobody_takes_anothers_name(api, manager, hosts):
    shared = api.made("admin", "/networks", shared=True)
    api.made("admin", "/subnets", network_id=shared["id"], ip_version=4, cidr="10.7.0.0/24")
    early = api.made("bob", BASE, network_id=shared["id"], dns_name="early")
    bank = api.made("alice", BASE, network_id=shared["id"], dns_name="bank")
    api.changed("bob", f"{BASE}/{early['id']}", dns_name="bank")
    late = api.made("bob", BASE, network_id=shared["id"], dns_name="BANK")
    state = manager.wanted(Context(), "net1", None)["state"]
    called = {h["port_id"]: h["hostname"] for h in state["dhcp"][shared["id"]]["hosts"]}
    assert called[bank["id"]] == "bank"
    assert all(called[p["id"]].startswith("host-10-7-0-") for p in (early, late))
    api.gone("alice", f"{BASE}/{bank['id']}")
    state = manager.wanted(Context(), "net1", None)["state"]
    called = {h["port_id"]: h["hostname"] for h in state["dhcp"][shared["id"]]["hosts"]}
    assert called[early["id"]] == called[late["id"]] == "bank"


def test_a_port_switched_off_is_down(api, net, subnet, hosts, manager):
    port = api.made("nova", BASE, network_id=net["id"], project_id="red",
                    **{"binding:host_id": "cmp1"})
    path = f"{BASE}/{port['id']}"
    manager.ports_up(Context(), "cmp1", [port["id"]])
    assert api.get("alice", path)["status"] == "ACTIVE"
    assert api.changed("alice", path, admin_state_up=False)["status"] == "DOWN"
    manager.ports_up(Context(), "cmp1", [port["id"]])
    assert api.get("alice", path)["status"] == "DOWN"
    api.changed("alice", path, admin_state_up=True)
    manager.ports_up(Context(), "cmp1", [port["id"]])
    assert api.get("alice", path)["status"] == "ACTIVE"


@pytest.fixture
def slaac(api, net, subnet):
    return api.made("alice", "/subnets", network_id=net["id"], ip_version=6, cidr="fd00::/64",
                    ipv6_ra_mode="slaac", ipv6_address_mode="slaac")


def test_what_a_host_makes_up_is_its_ports_in_any_case(api, net, subnet, slaac):
    mac = "fa:16:3e:00:00:01"
    own = {"subnet_id": slaac["id"], "ip_address": "fd00::f816:3eff:fe00:1"}
    for given in ([{"subnet_id": subnet["id"]}], [{"ip_address": "10.0.0.9"}], [],
                  [{"subnet_id": slaac["id"]}], None):
        more = {} if given is None else {"fixed_ips": given}
        port = api.made("alice", BASE, network_id=net["id"], mac_address=mac, **more)
        assert own in port["fixed_ips"] and port["fixed_ips"].count(own) == 1
        path = f"{BASE}/{port['id']}"
        for again in ([{"subnet_id": subnet["id"]}], [{"subnet_id": slaac["id"]}], []):
            fixed = api.changed("alice", path, fixed_ips=again)["fixed_ips"]
            assert own in fixed and len(fixed) == 1 + (again[:1] == [{"subnet_id": subnet["id"]}])
        moved = api.changed("admin", path, mac_address="fa:16:3e:00:00:02")
        assert moved["fixed_ips"] == [{**own, "ip_address": "fd00::f816:3eff:fe00:2"}]
        api.gone("alice", path)


def test_a_port_that_was_there_before_gets_it_on_update(api, neutron, net, subnet):
    port = api.made("alice", BASE, network_id=net["id"], device_owner="compute:nova")
    slaac = api.made("admin", "/subnets", network_id=net["id"], ip_version=6, cidr="fd00::/64",
                     ipv6_ra_mode="slaac", ipv6_address_mode="slaac", service_types=["compute:x"])
    path = f"{BASE}/{port['id']}"
    api.changed("admin", f"/subnets/{slaac['id']}", service_types=[])
    fixed = api.changed("alice", path, fixed_ips=[{"subnet_id": subnet["id"]}])["fixed_ips"]
    assert {f["subnet_id"] for f in fixed} == {subnet["id"], slaac["id"]}
