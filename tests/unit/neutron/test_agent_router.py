"""A router's translation, and names on a host."""

import pytest

from cairn.neutron.agent import names
from cairn.neutron.agent.router import ruleset

GATEWAY = {"id": "8b180fec-ca10-528c-b2f2-6429eaac298f",
           "fixed_ips": [{"ip": "2001:db8::1"}, {"ip": "203.0.113.9"}]}


def router(**more):
    return {"gateway": GATEWAY, "enable_snat": True, "floating_ips": [], **more}


FLOATING = [{"floating_ip_address": "203.0.113.20", "fixed_ip_address": "10.0.0.5"}]


def test_what_comes_from_inside_leaves_with_the_routers_address():
    assert 'oifname "qg-8b180fec-ca" meta mark 0x1 snat to 203.0.113.9' in ruleset(router())


def test_without_snat_only_floating_ips_are_translated():
    text = ruleset(router(enable_snat=False, floating_ips=FLOATING))
    assert "snat to 203.0.113.9" not in text
    assert 'oifname "qg-8b180fec-ca" snat to ip saddr map { 10.0.0.5 : 203.0.113.20 }' in text


def test_a_floating_ip_is_translated_both_ways_and_before_the_routers_own():
    text = ruleset(router(floating_ips=FLOATING))
    assert "dnat to ip daddr map { 203.0.113.20 : 10.0.0.5 }" in text
    assert text.index("snat to ip saddr map") < text.index("snat to 203.0.113.9")


def test_a_router_without_a_gateway_translates_nothing_but_metadata():
    text = ruleset(router(gateway=None))
    assert "snat" not in text.replace("srcnat", "")
    assert 'iifname "qr-*" ip daddr 169.254.169.254 tcp dport 80 redirect to :9697' in text


def test_connections_by_a_floating_ip_that_is_gone_end():
    assert "ct status dnat drop" in ruleset(router())
    assert ("ct status dnat ct original ip daddr . ct reply ip saddr "
            "!= { 203.0.113.20 . 10.0.0.5 } drop") in ruleset(router(floating_ips=FLOATING))


@pytest.mark.parametrize("make", [
    names.bridge, names.vxlan, names.vlan, names.router_outside, names.gateway_outside,
    names.dhcp_outside])
def test_names_of_links_fit_and_are_known_as_ours(make):
    name = make(GATEWAY["id"])
    assert len(name) <= 15
    assert names.HOST_LINK.match(name)


@pytest.mark.parametrize("name", ["br-ex", "eth0", "tap0", "brq1", "vnet3", "virbr0", "docker0"])
def test_links_of_others_are_left_alone(name):
    assert not names.HOST_LINK.match(name)


def test_names_of_namespaces_are_known_as_ours():
    assert names.NAMESPACE.match(names.dhcp_namespace(GATEWAY["id"]))
    assert names.NAMESPACE.match(names.router_namespace(GATEWAY["id"]))
    assert not names.NAMESPACE.match("qdhcp-mine")
