import pytest

BASE = "/subnets"


def body(net, **more):
    return {"subnet": {"network_id": net["id"], "ip_version": 4, "cidr": "10.1.0.0/24", **more}}


def test_defaults(api, net, subnet):
    assert subnet["gateway_ip"] == "10.0.0.1" and subnet["enable_dhcp"] is True
    assert subnet["allocation_pools"] == [{"start": "10.0.0.2", "end": "10.0.0.254"}]
    assert api.get("alice", f"/networks/{net['id']}")["subnets"] == [subnet["id"]]


def test_without_gateway_and_with_one_in_the_middle(api, net):
    none = api.made("alice", BASE, **body(net, gateway_ip=None)["subnet"])
    assert none["gateway_ip"] is None
    assert none["allocation_pools"] == [{"start": "10.1.0.1", "end": "10.1.0.254"}]
    wanted = body(net, cidr="10.2.0.0/24", gateway_ip="10.2.0.9")["subnet"]
    middle = api.made("alice", BASE, **wanted)
    assert middle["allocation_pools"] == [
        {"start": "10.2.0.1", "end": "10.2.0.8"}, {"start": "10.2.0.10", "end": "10.2.0.254"}]


def test_ipv6(api, net):
    made = api.made("alice", BASE, network_id=net["id"], ip_version=6, cidr="fd00::/64",
                    ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    assert made["gateway_ip"] == "fd00::1"
    port = api.made("alice", "/ports", network_id=net["id"])
    address = port["fixed_ips"][0]["ip_address"]
    assert address.startswith("fd00::") and "ff:fe" in address


@pytest.mark.parametrize(("more", "status", "word"), [
    ({"cidr": "10.1.0.0/99"}, 400, "cidr"), ({"cidr": "nonsense"}, 400, "cidr"),
    ({"cidr": None}, 400, "cidr"), ({"ip_version": 6}, 400, "ip_version"),
    ({"ip_version": 5}, 400, "ip_version"), ({"gateway_ip": "x1"}, 400, "gateway_ip"),
    ({"gateway_ip": "10.1.0.0"}, 400, "Gateway"),
    ({"dns_nameservers": ["dns"]}, 400, "dns_nameservers"),
    ({"dns_nameservers": ["1.1.1.1"] * 2}, 400, "dns_nameservers"),
    ({"host_routes": [{"destination": "x1", "nexthop": "10.1.0.2"}]}, 400, "host_routes"),
    ({"allocation_pools": [{"start": "10.1.0.9", "end": "10.1.0.2"}]}, 400, "10.1.0.9-10.1.0.2"),
    ({"allocation_pools": [{"start": "10.9.0.2", "end": "10.9.0.9"}]}, 400, "10.9.0.2-10.9.0.9"),
    ({"allocation_pools": [{"start": "10.1.0.1", "end": "10.1.0.9"}]}, 409, "10.1.0.1"),
    ({"allocation_pools": [{"start": "10.1.0.2", "end": "10.1.0.9"},
                           {"start": "10.1.0.8", "end": "10.1.0.20"}]}, 409, "overlapping"),
    ({"ipv6_ra_mode": "slaac"}, 400, "ipv6_ra_mode"), ({"cidr": "10.1.0.0/32"}, 400, "small"),
    ({"nonsense": 1}, 400, "nonsense"),
])
def test_bad_input_is_named(api, net, more, status, word):
    refused = api.refused("POST", "alice", BASE, body(net, **more))
    assert refused[0] == status and word in refused[2]


def test_no_overlap_on_one_network(api, net, subnet):
    refused = api.refused("POST", "alice", BASE, body(net, cidr="10.0.0.128/25"))
    assert refused[0] == 400 and "overlaps with another subnet" in refused[2]
    other = api.made("alice", "/networks")
    api.made("alice", BASE, **body(other, cidr="10.0.0.128/25")["subnet"])


def test_changes(api, subnet):
    path = f"{BASE}/{subnet['id']}"
    changed = api.changed(
        "alice", path, name="s", gateway_ip="10.0.0.254",
        allocation_pools=[{"start": "10.0.0.5", "end": "10.0.0.9"}],
        dns_nameservers=["9.9.9.9"], host_routes=[
            {"destination": "10.8.0.0/16", "nexthop": "10.0.0.7"}])
    assert changed["gateway_ip"] == "10.0.0.254" and changed["dns_nameservers"] == ["9.9.9.9"]
    refused = api.refused("PUT", "alice", path, {"subnet": {"gateway_ip": "10.0.0.6"}})
    assert refused[:2] == (409, "GatewayConflictWithAllocationPools")
    assert api("PUT", "alice", path, {"subnet": {"cidr": "10.5.0.0/24"}})[0] == 400


def test_a_used_subnet_stays(api, net, subnet):
    port = api.made("alice", "/ports", network_id=net["id"])
    refused = api.refused("DELETE", "alice", f"{BASE}/{subnet['id']}")
    assert refused[:2] == (409, "SubnetInUse")
    api.gone("alice", f"/ports/{port['id']}")
    api.gone("alice", f"{BASE}/{subnet['id']}")


def test_other_projects_and_readers(api, net, subnet):
    path = f"{BASE}/{subnet['id']}"
    assert api("GET", "bob", path)[0] == 404 and api("DELETE", "bob", path)[0] == 404
    assert api("POST", "bob", BASE, body(net))[0] == 404
    assert api("DELETE", "rita", path)[0] == 403
    assert api.get("rita", path)["id"] == subnet["id"]


def test_nobody_adds_subnets_to_a_network_that_is_only_shared(api):
    shared = api.made("admin", "/networks", shared=True)
    assert api("POST", "bob", BASE, body(shared))[0] == 403
    made = api.made("admin", BASE, **body(shared)["subnet"])
    assert api.get("bob", f"{BASE}/{made['id']}")["cidr"] == "10.1.0.0/24"


def test_the_subnets_of_an_external_network_are_seen_by_all(api, public):
    seen, = api.get("bob", f"{BASE}?network_id={public['id']}")
    assert seen["router:external"] is True and seen["cidr"] == "172.31.0.0/24"
    assert {"alias": "subnet-external-network"}.items() <= api.get(
        "bob", "/extensions/subnet-external-network").items()


def test_cut_from_a_pool(api, net):
    pool = api.made("alice", "/subnetpools", name="p", prefixes=["10.64.0.0/16"],
                    default_prefixlen=26, min_prefixlen="24")
    assert (pool["ip_version"], pool["min_prefixlen"], pool["max_prefixlen"]) == (4, "24", "32")
    one = api.made("alice", BASE, network_id=net["id"], ip_version=4, subnetpool_id=pool["id"])
    two = api.made("alice", BASE, network_id=net["id"], ip_version=4, subnetpool_id=pool["id"],
                   prefixlen=25)
    assert (one["cidr"], two["cidr"]) == ("10.64.0.0/26", "10.64.0.128/25")
    three = api.made("alice", BASE, network_id=net["id"], ip_version=4, subnetpool_id=pool["id"],
                     cidr="10.64.9.0/24")
    assert three["cidr"] == "10.64.9.0/24"
    wide = {"subnet": {"network_id": net["id"], "ip_version": 4, "subnetpool_id": pool["id"],
                       "prefixlen": 20}}
    assert api.refused("POST", "alice", BASE, wide)[1] == "MinPrefixSubnetAllocationError"
    path = f"/subnetpools/{pool['id']}"
    assert api.refused("DELETE", "alice", path)[:2] == (409, "SubnetPoolInUse")
    assert api.changed("alice", path, name="q")["name"] == "q"
    assert api("GET", "bob", path)[0] == 404
    assert api("POST", "alice", "/subnetpools", {"subnetpool": {
        "name": "s", "prefixes": ["10.0.0.0/8"], "shared": True}})[0] == 403
    bad = api.refused("POST", "alice", "/subnetpools", {"subnetpool": {
        "name": "s", "prefixes": ["x"]}})
    assert bad[0] == 400 and "prefixes" in bad[2]
