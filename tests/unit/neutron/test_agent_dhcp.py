"""What the agent writes for dnsmasq."""

from pathlib import Path

import pytest

from cairn.neutron.agent.dhcp import conf, hosts, known_names, options, plain

FOUR, SIX = "4444", "6666"


def subnet(cidr, gateway, **more):
    return {"cidr": cidr, "ip_version": 6 if ":" in cidr else 4, "gateway_ip": gateway,
            "dns_nameservers": [], "host_routes": [], "ipv6_ra_mode": None,
            "ipv6_address_mode": None, "enable_dhcp": True, "metadata_port": None, **more}


def network(subnets=None, hosts=()):
    return {"port": {"id": "p", "mac": "fa:16:3e:00:00:01", "fixed_ips": [
        {"ip": "10.0.0.2", "subnet_id": FOUR, "cidr": "10.0.0.2/24"}]}, "mtu": 1450,
        "dns_domain": "example.org", "hosts": list(hosts),
        "subnets": subnets or {FOUR: subnet("10.0.0.0/24", "10.0.0.1")}}


def host(*addresses, **more):
    return {"port_id": "h", "mac": "fa:16:3e:00:00:05", "hostname": "web", "extra_dhcp_opts": [],
            "fixed_ips": [{"ip": ip, "subnet_id": FOUR} for ip in addresses], **more}


def test_each_subnet_with_dhcp_is_a_range_of_known_guests_only():
    text = conf(network({
        FOUR: subnet("10.0.0.0/24", None),
        SIX: subnet("2001:db8::/64", None, ipv6_address_mode="dhcpv6-stateful"),
        "off": subnet("10.1.0.0/24", None, enable_dhcp=False),
        "slaac": subnet("2001:db8:1::/64", None, ipv6_address_mode="slaac"),
    }), Path("/d"), "ns-1")
    assert [line for line in text.splitlines() if "dhcp-range" in line] == [
        "dhcp-range=set:subnet-4444,10.0.0.0,static,255.255.255.0,86400s",
        "dhcp-range=set:subnet-6666,2001:db8::,static,64,86400s",
    ]
    assert "dhcp-option-force=option:mtu,1450\n" in text
    assert "interface=ns-1\n" in text


def test_a_guest_has_a_line_for_each_address():
    text = hosts(network(hosts=[host("10.0.0.5", "2001:db8::5")]))
    assert text.splitlines() == [
        "fa:16:3e:00:00:05,web.example.org,10.0.0.5",
        "fa:16:3e:00:00:05,web.example.org,[2001:db8::5]",
    ]


@pytest.mark.parametrize(("device", "mark"), [
    ("0b1c", "set:device-0b1c,"), ("", ""), ("x,y", ""), ("x\ny", ""), (None, "")])
def test_a_line_says_whose_server_the_port_is_of(device, mark):
    served, left_out = plain(network(hosts=[host("10.0.0.5", device=device)]))
    assert hosts(served) == f"fa:16:3e:00:00:05,{mark}web.example.org,10.0.0.5\n"
    assert left_out == []


def test_a_subnet_without_name_servers_has_the_dhcp_port_for_one():
    text = options(network())
    assert "tag:subnet-4444,option:dns-server,10.0.0.2\n" in text
    assert "tag:subnet-4444,option:router,10.0.0.1\n" in text
    assert "classless" not in text


def test_a_subnet_without_gateway_announces_no_router():
    assert "tag:subnet-4444,option:router\n" in options(
        network({FOUR: subnet("10.0.0.0/24", None)}))


def test_routes_come_with_the_default_one_since_guests_then_ignore_the_router_option():
    text = options(network({FOUR: subnet(
        "10.0.0.0/24", "10.0.0.1", metadata_port="10.0.0.2",
        host_routes=[{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}])}))
    flat = "10.9.0.0/16,10.0.0.9,169.254.169.254/32,10.0.0.2,0.0.0.0/0,10.0.0.1"
    assert f"tag:subnet-4444,option:classless-static-route,{flat}\n" in text
    assert f"tag:subnet-4444,249,{flat}\n" in text


def test_options_of_a_port_are_its_own():
    one = host("10.0.0.5", extra_dhcp_opts=[
        {"opt_name": "bootfile-name", "opt_value": "x.0", "ip_version": 4},
        {"opt_name": "150", "opt_value": "10.0.0.9", "ip_version": 4}])
    assert "fa:16:3e:00:00:05,set:port-h,web.example.org,10.0.0.5\n" == hosts(network(hosts=[one]))
    text = options(network(hosts=[one]))
    assert "tag:port-h,option:bootfile-name,x.0\n" in text
    assert "tag:port-h,150,10.0.0.9\n" in text


@pytest.mark.parametrize(("name", "value"), [
    ("tftp-server", "x\ntag:port-other,option:router,10.0.0.66"),
    ("tftp-server", "x\rtag:port-other,option:router,10.0.0.66"),
    ("tftp-server", "x\u2028tag:port-other,option:router,10.0.0.66"),
    ("router,10.0.0.66", "x"), ("x,tag:port-other,option:router", "10.0.0.66"),
    ("6,10.0.0.66", "x"), ("", "10.0.0.66"), ("255", "10.0.0.66"), ("\u0666", "10.0.0.66"),
    ("vendor:x,6", "10.0.0.66"), ("dns-server\n6", "10.0.0.66")])
def test_an_option_is_its_ports_or_none(name, value):
    one = host("10.0.0.5", extra_dhcp_opts=[
        {"opt_name": name, "opt_value": value, "ip_version": 4}])
    served, left_out = plain(network(hosts=[one, host("10.0.0.7", hostname="other")]))
    assert "10.0.0.66" not in options(served)
    assert len(left_out) == 1 and "option" in left_out[0]
    assert hosts(served).count("\n") == 2


@pytest.mark.parametrize("name", [
    "x\n10.0.0.66 bank", "a b", "a,10.0.0.66", "a/24", "#", "-a", "a-", "a_b", "A\u0130", "a..b",
    "www.google.com.", "a" * 64, "", "a\0"])
def test_a_name_that_dnsmasq_would_read_otherwise_is_not_written(name):
    served, left_out = plain(network(hosts=[
        host("10.0.0.5", hostname=name), host("10.0.0.7", hostname="other")]))
    assert known_names(served).splitlines() == [
        "10.0.0.5 host-10-0-0-5.example.org host-10-0-0-5", "10.0.0.7 other.example.org other"]
    assert hosts(served).splitlines() == [
        "fa:16:3e:00:00:05,host-10-0-0-5.example.org,10.0.0.5",
        "fa:16:3e:00:00:05,other.example.org,10.0.0.7"]
    assert len(left_out) == 1 and "name" in left_out[0]


def test_a_guest_without_a_plain_address_is_not_served_and_others_are():
    served, left_out = plain(network(hosts=[
        host("fe80::1%x"), host("10.0.0.6", mac="x,set:port-h"), host("10.0.0.7")]))
    assert [h["fixed_ips"][0]["ip"] for h in served["hosts"]] == ["10.0.0.7"]
    assert len(left_out) == 2


@pytest.mark.parametrize("spoil", [
    {"cidr": "10.0.0.0/24%x"}, {"gateway_ip": "fe80::1%x"}, {"dns_nameservers": ["1.1.1.1\nx"]},
    {"host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9,1.2.3.4/0,6.6.6.6"}]}])
def test_a_subnet_is_served_as_it_is_or_not_at_all(spoil):
    with pytest.raises(ValueError):
        plain(network({FOUR: {**subnet("10.0.0.0/24", "10.0.0.1"), **spoil}}))


def test_what_is_of_the_other_ip_version_is_left_out():
    served, left_out = plain(network({
        FOUR: subnet("10.0.0.0/24", "10.0.0.1", dns_nameservers=["9.9.9.9", "2001:db8::9"],
                     host_routes=[{"destination": "2001:db8::/48", "nexthop": "2001:db8::1"},
                                  {"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}])}))
    text = options(served)
    assert "tag:subnet-4444,option:dns-server,9.9.9.9\n" in text
    assert "10.9.0.0/16,10.0.0.9" in text and "2001:db8" not in text
    assert len(left_out) == 2 and all("is not IPv4" in why for why in left_out)


def test_a_name_with_periods_is_known_in_our_domain_only():
    served, _ = plain(network(hosts=[host("10.0.0.5", hostname="www.google.com")]))
    assert known_names(served) == "10.0.0.5 www.google.com.example.org\n"


def test_names_are_known_with_and_without_their_domain():
    assert known_names(network(hosts=[host("10.0.0.5", "2001:db8::5")])).splitlines() == [
        "10.0.0.5 web.example.org web", "2001:db8::5 web.example.org web"]
