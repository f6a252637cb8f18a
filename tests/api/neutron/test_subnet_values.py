"""A subnet's values fit its IP version, its network, and what a host may have as an address."""

import pytest

BASE = "/subnets"
FOUR = {"ip_version": 4, "cidr": "10.1.0.0/24"}
SIX = {"ip_version": 6, "cidr": "fd01::/64"}


@pytest.mark.parametrize(("kind", "more", "word"), [
    (FOUR, {"dns_nameservers": ["fd00::53"]}, "dns_nameserver 'fd00::53'"),
    (SIX, {"dns_nameservers": ["10.0.0.53"]}, "dns_nameserver '10.0.0.53'"),
    (FOUR, {"host_routes": [{"destination": "fd02::/64", "nexthop": "fd01::2"}]}, "nexthop"),
    (FOUR, {"host_routes": [{"destination": "fd02::/64", "nexthop": "10.1.0.2"}]}, "destination"),
    (SIX, {"host_routes": [{"destination": "10.2.0.0/24", "nexthop": "10.1.0.2"}]}, "nexthop"),
    (FOUR, {"gateway_ip": "fd01::1"}, "gateway_ip 'fd01::1'"),
    (SIX, {"gateway_ip": "10.1.0.1"}, "gateway_ip '10.1.0.1'"),
    (FOUR, {"gateway_ip": "224.0.0.5"}, "Gateway is not valid"),
    (FOUR, {"gateway_ip": "0.0.0.0"}, "Gateway is not valid"),
    (FOUR, {"allocation_pools": [{"start": "fd01::2", "end": "fd01::9"}]}, "allocation pool"),
    (SIX, {"allocation_pools": [{"start": "10.1.0.2", "end": "10.1.0.9"}]}, "allocation pool"),
])
def test_of_another_ip_version(api, net, kind, more, word):
    given = {"network_id": net["id"], **kind}
    refused = api.refused("POST", "alice", BASE, {"subnet": {**given, **more}})
    assert refused[0] == 400 and word in refused[2]
    made = api.made("alice", BASE, **given)
    refused = api.refused("PUT", "alice", f"{BASE}/{made['id']}", {"subnet": more})
    assert refused[0] == 400 and word in refused[2]


@pytest.mark.parametrize("enable_dhcp", [True, False])
@pytest.mark.parametrize(("cidr", "word"), [
    ("224.0.0.0/24", "Multicast"), ("239.1.0.0/16", "Multicast"), ("ff05::/64", "Multicast"),
    ("127.0.0.0/8", "Loopback"), ("127.3.0.0/24", "Loopback"),
])
def test_no_host_has_an_address_of_it(api, net, cidr, word, enable_dhcp):
    refused = api.refused("POST", "alice", BASE, {"subnet": {
        "network_id": net["id"], "ip_version": 6 if ":" in cidr else 4, "cidr": cidr,
        "gateway_ip": None, "enable_dhcp": enable_dhcp}})
    assert refused[:2] == (400, "InvalidInput") and word in refused[2]


def test_no_dhcp_where_the_first_address_is_none(api, net):
    zero = {"network_id": net["id"], "ip_version": 4, "cidr": "0.0.0.0/24"}
    assert "0.0.0.0" in api.refused("POST", "alice", BASE, {"subnet": zero})[2]
    made = api.made("alice", BASE, **zero, enable_dhcp=False)
    assert api("PUT", "alice", f"{BASE}/{made['id']}", {"subnet": {"enable_dhcp": True}})[0] == 400


@pytest.mark.parametrize(("kind", "least"), [(FOUR, 68), (SIX, 1280)])
def test_packets_of_the_network_are_large_enough(api, kind, least):
    small = api.made("alice", "/networks", mtu=least - 1)
    refused = api.refused("POST", "alice", BASE, {"subnet": {"network_id": small["id"], **kind}})
    assert refused[:2] == (409, "NetworkMTUSubnetConflict") and str(least) in refused[2]
    api.changed("alice", f"/networks/{small['id']}", mtu=least)
    api.made("alice", BASE, network_id=small["id"], **kind)
    refused = api.refused("PUT", "alice", f"/networks/{small['id']}", {
        "network": {"mtu": least - 1}})
    assert refused[:2] == (409, "NetworkMTUSubnetConflict") and small["id"] in refused[2]
    assert api.get("alice", f"/networks/{small['id']}")["mtu"] == least
