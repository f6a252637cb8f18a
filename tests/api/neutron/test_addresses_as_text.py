"""Addresses that Python reads and other programs do not: refused wherever one may be written."""

import pytest

FOUR = ["10.0.0.010", " 10.0.0.9", "10.0.0.9\n", "10.0.0.9 ", "１0.0.0.9", "10.0.0.٩", "0xa.0.0.9",
        "10.0.0.9\0", "10.0.0.9;", "10.0.0.9,10.0.0.8", "10.9", "167772169", "::ffff:10.0.0.9"]
SIX = ["fe80::1%x", "fe80::1%eth0", "2001:db8::5%\n", "2001:db8::5%25x", "::ffff:a00:9",
       " 2001:db8::5", "[2001:db8::5]", "2001:db8::५"]
TEXTS = FOUR + SIX


@pytest.fixture
def six(api, net):
    return api.made("alice", "/subnets", network_id=net["id"], ip_version=6, cidr="2001:db8::/64")


@pytest.fixture
def port(api, net, subnet, six):
    return api.made("alice", "/ports", network_id=net["id"])


@pytest.fixture
def router(api, subnet, public):
    router = api.made("alice", "/routers")
    api("PUT", "alice", f"/routers/{router['id']}/add_router_interface",
        {"subnet_id": subnet["id"]})
    return router


def bad(api, method, path, body, who="alice"):
    status, kind, message = api.refused(method, who, path, body)
    assert status == 400, message


@pytest.mark.parametrize("text", [*TEXTS, *(f"{text}/24" for text in FOUR[:-1]),
                                  *(f"{text}/120" for text in SIX), "10.0.0.0/٢4"])
def test_where_a_prefix_is_wanted(api, net, subnet, port, router, text):
    group, = port["security_groups"]
    for ethertype in ("IPv4", "IPv6"):
        bad(api, "POST", "/security-group-rules", {"security_group_rule": {
            "security_group_id": group, "direction": "ingress", "ethertype": ethertype,
            "remote_ip_prefix": text}})
    bad(api, "PUT", f"/ports/{port['id']}", {"port": {
        "allowed_address_pairs": [{"ip_address": text}]}})
    bad(api, "POST", "/ports", {"port": {
        "network_id": net["id"], "allowed_address_pairs": [{"ip_address": text}]}})
    route = {"destination": text, "nexthop": "10.0.0.77"}
    bad(api, "PUT", f"/subnets/{subnet['id']}", {"subnet": {"host_routes": [route]}})
    for path in ("", "/add_extraroutes", "/remove_extraroutes"):
        bad(api, "PUT", f"/routers/{router['id']}{path}", {"router": {"routes": [route]}})
    bad(api, "POST", "/subnetpools", {"subnetpool": {"name": "x", "prefixes": [text]}})
    for version in (4, 6):
        bad(api, "POST", "/subnets", {"subnet": {
            "network_id": net["id"], "ip_version": version, "cidr": text}})


@pytest.mark.parametrize("text", [*TEXTS, "10.0.0.9/32"])
def test_where_an_address_is_wanted(api, net, subnet, six, port, router, public, text):
    for fixed in ({"ip_address": text}, {"ip_address": text, "subnet_id": subnet["id"]},
                  {"ip_address": text, "subnet_id": six["id"]}):
        bad(api, "POST", "/ports", {"port": {"network_id": net["id"], "fixed_ips": [fixed]}})
        bad(api, "PUT", f"/ports/{port['id']}", {"port": {"fixed_ips": [fixed]}})
    path = f"/subnets/{subnet['id']}"
    for destination in ("10.9.0.0/16", "2001:db8:9::/64"):
        route = {"destination": destination, "nexthop": text}
        bad(api, "PUT", path, {"subnet": {"host_routes": [route]}})
        bad(api, "PUT", f"/routers/{router['id']}", {"router": {"routes": [route]}})
    bad(api, "PUT", path, {"subnet": {"dns_nameservers": [text]}})
    bad(api, "PUT", path, {"subnet": {"gateway_ip": text}})
    bad(api, "PUT", f"/subnets/{six['id']}", {"subnet": {"gateway_ip": text}})
    for pool in ({"start": text, "end": "10.0.0.50"}, {"start": "10.0.0.5", "end": text}):
        bad(api, "PUT", path, {"subnet": {"allocation_pools": [pool]}})
    bad(api, "POST", "/floatingips", {"floatingip": {
        "floating_network_id": public["id"], "floating_ip_address": text}}, "admin")
    bad(api, "POST", "/floatingips", {"floatingip": {
        "floating_network_id": public["id"], "port_id": port["id"], "fixed_ip_address": text}})
    bad(api, "PUT", f"/routers/{router['id']}", {"router": {"external_gateway_info": {
        "network_id": public["id"], "external_fixed_ips": [{"ip_address": text}]}}}, "admin")


@pytest.mark.parametrize("text", ["fa:16:3e:00:00:0d%x", "fa:16:3e:00:00:0d\n", "fa163e00000d",
                                  "ｆa:16:3e:00:00:0d", "fa:16:3e:00:00:0d,set:x"])
def test_where_a_mac_is_wanted(api, net, port, text):
    bad(api, "POST", "/ports", {"port": {"network_id": net["id"], "mac_address": text}})
    bad(api, "PUT", f"/ports/{port['id']}", {"port": {"allowed_address_pairs": [
        {"ip_address": "10.0.0.8", "mac_address": text}]}})


def test_what_is_read_is_kept_in_one_form(api, net, subnet, six, port, router):
    pairs = [{"ip_address": "2001:0DB8:0:0::5"}, {"ip_address": "10.0.0.8/255.255.255.0"}]
    changed = api.changed("alice", f"/ports/{port['id']}", allowed_address_pairs=pairs)
    assert [p["ip_address"] for p in changed["allowed_address_pairs"]] == [
        "2001:db8::5", "10.0.0.0/24"]
    group, = port["security_groups"]
    rule = api.made("alice", "/security-group-rules", security_group_id=group,
                    direction="ingress", ethertype="IPv6", remote_ip_prefix="2001:DB8::1/32",
                    protocol="0017")
    assert (rule["remote_ip_prefix"], rule["protocol"]) == ("2001:db8::1/32", "17")
    assert rule["normalized_cidr"] == "2001:db8::/32"
    path = f"/routers/{router['id']}"
    route = {"destination": "10.77.0.0/255.255.0.0", "nexthop": "10.0.0.77"}
    kept = {"destination": "10.77.0.0/16", "nexthop": "10.0.0.77"}
    for _ in range(2):
        status, document = api("PUT", "alice", f"{path}/add_extraroutes",
                               {"router": {"routes": [route]}})
        assert status == 200 and document["router"]["routes"] == [kept]
    status, document = api("PUT", "alice", f"{path}/remove_extraroutes",
                           {"router": {"routes": [route]}})
    assert document["router"]["routes"] == []


@pytest.mark.parametrize(("path", "body"), [
    ("/security-group-rules", {"security_group_rule": {"direction": "ingress", "protocol": "²"}}),
    ("/security-group-rules", {"security_group_rule": {"direction": "ingress", "protocol": "٦"}}),
    ("/subnetpools", {"subnetpool": {"name": "x", "prefixes": ["10.0.0.0/8"],
                                     "min_prefixlen": -5}}),
    ("/subnets", {"subnet": {"ip_version": 4, "cidr": "224.0.0.0/24"}}),
    ("/subnets", {"subnet": {"ip_version": 4, "cidr": "127.0.0.0/8"}}),
])
def test_numbers_that_are_none(api, net, port, path, body):
    inner = next(iter(body.values()))
    if "direction" in inner:
        inner["security_group_id"], = port["security_groups"]
    elif "cidr" in inner:
        inner["network_id"] = net["id"]
    bad(api, "POST", path, body)
    assert api("GET", "alice", "/ports?limit=²")[0] == 400
