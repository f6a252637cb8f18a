"""Every filter that the API reference documents is one, of every list; pages and their links."""

import pytest

from cairn.neutron.app import APIS

FILTERS = {
    "/networks": [
        "id=x", "name=x", "admin_state_up=true", "status=ACTIVE", "tenant_id=red",
        "project_id=red", "shared=false", "router:external=False", "mtu=1450",
        "provider:network_type=vxlan", "provider:physical_network=p",
        "provider:segmentation_id=5", "revision_number=1", "is_default=false", "description=x",
        "changed_since=2020-01-01T00:00:00Z"],
    "/subnets": [
        "id=x", "name=x", "ip_version=4", "network_id=x", "subnetpool_id=x", "cidr=10.0.0.0/24",
        "gateway_ip=10.0.0.1", "tenant_id=red", "enable_dhcp=true", "ipv6_ra_mode=slaac",
        "ipv6_address_mode=slaac", "shared=true", "revision_number=1", "description=x",
        "segment_id=x", "router:external=true", "changed_since=2020-01-01T00:00:00"],
    "/ports": [
        "id=x", "name=x", "network_id=x", "admin_state_up=true", "mac_address=x", "device_id=x",
        "fixed_ips=ip_address%3D10.0.0.5", "device_owner=x", "tenant_id=red", "status=DOWN",
        "ip_allocation=immediate", "binding:host_id=x", "revision_number=1", "description=x",
        "security_groups=x"],
    "/routers": ["id=x", "name=x", "admin_state_up=true", "tenant_id=red",
                 "enable_ndp_proxy=false", "revision_number=1", "description=x", "status=ACTIVE"],
    "/floatingips": [
        "id=x", "floating_ip_address=x", "floating_network_id=x", "router_id=x", "port_id=x",
        "fixed_ip_address=x", "tenant_id=red", "status=DOWN", "revision_number=1",
        "description=x"],
    "/security-groups": ["id=x", "name=x", "tenant_id=red", "revision_number=1", "description=x",
                         "shared=false", "stateful=true"],
    "/security-group-rules": [
        "id=x", "security_group_id=x", "remote_group_id=x", "direction=ingress", "protocol=tcp",
        "port_range_min=1", "port_range_max=2", "ethertype=IPv4", "remote_ip_prefix=10.0.0.0/8",
        "tenant_id=red", "revision_number=1", "description=x", "normalized_cidr=10.0.0.0/8",
        "remote_address_group_id=x"],
    "/subnetpools": [
        "id=x", "name=x", "tenant_id=red", "default_quota=1", "ip_version=4",
        "default_prefixlen=8", "min_prefixlen=8", "max_prefixlen=8", "is_default=false",
        "shared=false", "address_scope_id=x", "revision_number=1", "description=x"],
    "/agents": ["agent_type=x", "binary=x", "topic=x", "host=x", "admin_state_up=true",
                "alive=true", "description=x", "availability_zone=x", "id=x"],
    "/network-ip-availabilities": ["network_id=x", "network_name=x", "tenant_id=red",
                                   "ip_version=4"],
    "/availability_zones": ["name=x", "resource=router", "state=available"],
}
LABELLED = ["/networks", "/subnets", "/ports", "/routers", "/floatingips", "/security-groups",
            "/subnetpools"]


@pytest.mark.parametrize("path", FILTERS)
def test_every_documented_filter_is_one(api, hosts, path):
    more = [f"{name}=a,b" for name in ("tags", "tags-any", "not-tags", "not-tags-any")]
    for text in FILTERS[path] + (more if path in LABELLED else []):
        for query in (text, f"{text}&{text}", f"{text}&fields=id"):
            status, document = api("GET", "admin", f"{path}?{query}")
            assert status == 200, (query, document)


DECLARED = {
    e.path: e.query["properties"] for api in APIS for e in api.endpoints
    if e.method == "GET" and e.path in FILTERS}
VALUES = {"changed_since": "2020-01-01T00:00:00Z", "fixed_ips": "ip_address%3D10.0.0.5",
          "sort_key": "id", "sort_dir": "desc&sort_key=id", "marker": ""}


@pytest.mark.parametrize("path", FILTERS)
def test_the_reference_names_every_filter_and_no_other(api, hosts, path):
    declared = DECLARED[path]
    assert {text.partition("=")[0] for text in FILTERS[path]} <= set(declared)
    for name in declared:
        status, document = api("GET", "admin", f"{path}?{name}={VALUES.get(name, '1')}")
        assert status == 200, (name, document)
    for name in ({"limit", "sort", "bogus", "tunnel_ip", "host"} - set(declared)):
        assert api("GET", "admin", f"{path}?{name}=1")[0] == (200 if name == "limit" else 400)


@pytest.mark.parametrize("path", FILTERS)
def test_a_filter_of_any_value_is_answered(api, hosts, path):
    for name in DECLARED[path]:
        for value in ("", "x", "-1", "%00", "1" * 30, "%7B%7D", "2026-11-27T00:00:00Z"):
            status, document = api("GET", "admin", f"{path}?{name}={value}")
            assert status in (200, 400, 404), (name, value, document)


def test_subnets_by_what_their_network_is(api, subnet, public):
    shared = api.made("admin", "/networks", shared=True)
    theirs = api.made("admin", "/subnets", network_id=shared["id"], ip_version=4,
                      cidr="10.9.0.0/24")
    outside, = api.get("admin", f"/networks/{public['id']}")["subnets"]
    ids = lambda query: {s["id"] for s in api.get("alice", f"/subnets?{query}")}  # noqa: E731
    assert ids("shared=true") == {theirs["id"]}
    assert ids("shared=False") == {subnet["id"], outside}
    assert ids("router:external=true") == {outside}
    assert ids("shared=true&shared=false") == {subnet["id"], outside, theirs["id"]}
    assert api("GET", "alice", "/subnets?shared=perhaps")[0] == 400
    assert ids("segment_id=x") == set() and len(ids("segment_id=")) == 3


def test_what_all_have_alike_is_a_filter(api, net, subnet):
    with_one = api.made("alice", "/ports", network_id=net["id"])
    without = api.made("alice", "/ports", network_id=net["id"], fixed_ips=[])
    ids = lambda query: {p["id"] for p in api.get("alice", f"/ports?{query}")}  # noqa: E731
    assert ids("ip_allocation=immediate") == {with_one["id"]}
    assert ids("ip_allocation=none") == {without["id"]}
    assert ids("ip_allocation=deferred") == set()
    assert len(ids("changed_since=2000-01-01T00:00:00Z")) == 2
    assert ids("changed_since=2100-01-01T00:00:00Z") == set()
    assert api("GET", "alice", "/ports?changed_since=lately")[0] == 400


def test_rules_by_their_prefix(api):
    group = api.made("alice", "/security-groups", name="g")
    rule = api.made("alice", "/security-group-rules", security_group_id=group["id"],
                    direction="ingress", remote_ip_prefix="10.1.2.3/8")
    for query in ("normalized_cidr=10.0.0.0/8", "remote_ip_prefix=10.1.2.3/8"):
        found, = api.get("alice", f"/security-group-rules?{query}")
        assert found == rule
    assert api.get("alice", "/security-group-rules?normalized_cidr=10.1.2.3/8") == []


def test_pages_link_both_ways(api):
    names = [api.made("alice", "/networks", name=f"n{i}")["name"] for i in range(5)]

    def page(url):
        status, document = api("GET", "alice", url.partition("/v2.0")[2] or url)
        assert status == 200
        links = {link["rel"]: link["href"] for link in document.get("networks_links", ())}
        return [n["name"] for n in document["networks"]], links

    first, links = page("/networks?limit=2&sort_key=name&fields=name")
    assert first == names[:2] and page(links["previous"]) == ([], {})
    second, links = page(links["next"])
    assert second == names[2:4] and page(links["previous"])[0] == first
    last, links = page(links["next"])
    assert last == names[4:] and "next" not in links
    back, links = page(links["previous"])
    assert back == second
    back, links = page(links["previous"])
    assert back == first and "previous" not in links
    assert page(links["next"])[0] == second


def test_words_of_ours_are_found_in_any_case(api, hosts, net, subnet):
    """MAC addresses, states and types: as upstream's database compares them."""
    port = api.made("alice", "/ports", network_id=net["id"])
    for query in (f"mac_address={port['mac_address'].upper()}", f"id={port['id']}&status=down"):
        assert [one["id"] for one in api.get("alice", f"/ports?{query}")] == [port["id"]], query
    assert [one["id"] for one in api.get("alice", "/networks?status=active")] == [net["id"]]
    agents = api.get("admin", "/agents?agent_type=DHCP%20Agent")
    assert {agent["agent_type"] for agent in agents} == {"DHCP agent"}
