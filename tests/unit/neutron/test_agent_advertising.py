"""What a router advertises to IPv6 guests."""

from pathlib import Path

import pytest

from cairn.neutron.agent.advertising import conf


def router(*subnets):
    return {"interfaces": [{"id": "4f3f2898-69e3", "mtu": 1450, "subnets": list(subnets)}]}


def subnet(mode, cidr="2001:db8::/64", **more):
    return {"id": "six", "cidr": cidr, "ip_version": 6 if ":" in cidr else 4,
            "ipv6_ra_mode": mode, "dns_nameservers": [], **more}


@pytest.mark.parametrize(("mode", "word"), [
    ("slaac", "ra-only"), ("dhcpv6-stateless", "ra-stateless"), ("dhcpv6-stateful", "static")])
def test_each_mode_has_its_word(mode, word):
    assert f"dhcp-range=set:subnet-six,2001:db8::,{word},64\n" in conf(
        router(subnet(mode)), Path("/p"))


def test_name_servers_are_told():
    text = conf(router(subnet("slaac", dns_nameservers=["2001:db8::53"])), Path("/p"))
    assert "dhcp-option=tag:subnet-six,option6:dns-server,[2001:db8::53]\n" in text


def test_two_subnets_of_an_interface_are_two_ranges_and_one_interface():
    text = conf(router(subnet("slaac"), subnet("slaac", "2001:db8:1::/64")), Path("/p"))
    assert text.count("dhcp-range=") == 2
    assert text.count("interface=qr-") == 1


def test_nothing_is_said_where_nobody_asked_for_it():
    assert conf(router(subnet(None), subnet(None, "10.0.0.0/24")), Path("/p")) is None
