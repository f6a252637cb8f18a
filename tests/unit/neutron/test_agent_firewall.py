"""What the agent tells nftables of ports and groups, as text."""

import pytest

from cairn.neutron.agent import firewall
from cairn.neutron.agent.isolated import isolate, report
from cairn.neutron.agent.nft import Chain, Set, change, replace
from cairn.neutron.agent.rules import (
    PORT,
    link_local,
    numbered,
    ruleset,
    text,
    unreadable,
    zone,
)

NETWORK = "2d3a02c6-54ab-59d0-a7c1-4a16f936b7f8"
PORT_ID = "4f3f2898-69e3-5a0d-820a-c4e87987dbce"
OTHER_ID = "5f3f2898-69e3-5a0d-820a-c4e87987dbcf"
GROUP = "916180a7-0b43-5c08-b3c8-c738826880bb"


def rule(**more):
    return {"direction": "ingress", "ethertype": "IPv4", "protocol": None, "port_range_min": None,
            "port_range_max": None, "remote_ip_prefix": None, "remote_group_id": None, **more}


def port(**more):
    return {"network_id": NETWORK, "tap": f"tap{PORT_ID[:11]}", "mac": "fa:16:3e:00:00:0d",
            "fixed_ips": [{"ip": "10.0.0.5", "subnet_id": "s", "cidr": "10.0.0.5/24"}],
            "allowed_address_pairs": [], "port_security_enabled": True,
            "security_groups": [GROUP], **more}


def state(ports, groups=None, members=None):
    return {"ports": ports, "security_groups": groups or {GROUP: {"rules": []}},
            "members": members or {}}


@pytest.mark.parametrize(("given", "said"), [
    ({}, "meta nfproto ipv4 accept"),
    ({"ethertype": "IPv6"}, "meta nfproto ipv6 accept"),
    ({"remote_ip_prefix": "0.0.0.0/0"}, "meta nfproto ipv4 accept"),
    ({"remote_ip_prefix": "10.1.2.3/8"}, "meta nfproto ipv4 ip saddr 10.0.0.0/8 accept"),
    ({"direction": "egress", "ethertype": "IPv6", "remote_ip_prefix": "2001:db8::/32"},
     "meta nfproto ipv6 ip6 daddr 2001:db8::/32 accept"),
    ({"remote_group_id": GROUP},
     f"meta nfproto ipv4 ip saddr @m4_{GROUP.replace('-', '')} accept"),
    ({"protocol": 6, "port_range_min": 22, "port_range_max": 22},
     "meta nfproto ipv4 tcp dport 22 accept"),
    ({"protocol": 17, "port_range_min": 1, "port_range_max": 65535},
     "meta nfproto ipv4 udp dport 1-65535 accept"),
    ({"protocol": 6}, "meta nfproto ipv4 meta l4proto 6 accept"),
    ({"protocol": 47, "port_range_min": 5}, "meta nfproto ipv4 meta l4proto 47 accept"),
    ({"protocol": 1, "port_range_min": 8, "port_range_max": 0},
     "meta nfproto ipv4 meta l4proto 1 icmp type 8 icmp code 0 accept"),
    ({"protocol": 58, "ethertype": "IPv6", "port_range_min": 128},
     "meta nfproto ipv6 meta l4proto 58 icmpv6 type 128 accept"),
    ({"protocol": 1, "ethertype": "IPv6", "port_range_min": 128},
     "meta nfproto ipv6 meta l4proto 58 icmpv6 type 128 accept"),
    ({"protocol": 0, "ethertype": "IPv6"}, "meta nfproto ipv6 accept"),
    ({"protocol": 43, "ethertype": "IPv6"}, "meta nfproto ipv6 exthdr rt exists accept"),
    ({"protocol": 51, "ethertype": "IPv6"}, "meta nfproto ipv6 ip6 nexthdr 51 accept"),
    ({"protocol": 51}, "meta nfproto ipv4 meta l4proto 51 accept"),
])
def test_a_rule_is_one_line(given, said):
    assert text(rule(**given)) == said


def test_a_port_sends_from_its_own_addresses_only():
    tables = ruleset(state({PORT_ID: port()}), {NETWORK: f"brq{NETWORK[:11]}"})
    (name,) = [name for family, name in tables if name.startswith("as_")]
    rules = tables["bridge", name].rules
    assert rules[0] == "ether saddr != { fa:16:3e:00:00:0d } drop"
    assert "ip saddr { 10.0.0.5 } return" in rules
    assert f"ip6 saddr {{ {link_local('fa:16:3e:00:00:0d')} }} return" in rules
    assert rules[-1] == "drop"


def test_pairs_that_overlap_are_merged():
    pairs = [{"ip_address": ip, "mac_address": "fa:16:3e:00:00:0d"}
             for ip in ("10.0.0.0/24", "10.0.0.5", "10.0.0.128/25", "10.0.1.1")]
    tables = ruleset(state({PORT_ID: port(allowed_address_pairs=pairs)}), {})
    (name,) = [name for family, name in tables if name.startswith("as_")]
    assert "ip saddr { 10.0.0.0/24, 10.0.1.1 } return" in tables["bridge", name].rules


def test_members_of_a_group_nobody_told_of_are_none():
    groups = {GROUP: {"rules": [rule(remote_group_id="another")]}}
    tables = ruleset(state({PORT_ID: port()}, groups), {})
    assert tables["inet", "m4_another"] == Set("ipv4_addr", interval=True)


def test_a_port_without_security_is_in_no_filter():
    tables = ruleset(state({PORT_ID: port(port_security_enabled=False)}),
                     {NETWORK: f"brq{NETWORK[:11]}"})
    assert tables["bridge", "senders"].elements == frozenset()
    assert tables["inet", "arriving"].elements == frozenset()
    assert tables["bridge", "tenants"].elements == {f'"tap{PORT_ID[:11]}"'}


def test_a_physical_network_has_no_zone_and_its_guests_reach_the_host():
    tables = ruleset(state({PORT_ID: port()}), {NETWORK: "br-ex"})
    assert tables["inet", "zones"].rules == ()
    assert tables["bridge", "tenants"].elements == frozenset()
    (element,) = tables["inet", "routed_ip"].elements
    assert element.startswith('"br-ex" . 10.0.0.5 : jump i_')


@pytest.mark.parametrize("spoil", [
    {"mac": "x"}, {"fixed_ips": [{"ip": "fe80::1%x"}]}, {"allowed_address_pairs": [
        {"ip_address": "10.0.0.1 ", "mac_address": "fa:16:3e:00:00:0d"}]}])
def test_a_port_with_no_plain_addresses_is_shut_in(spoil):
    whole = state({PORT_ID: port(**spoil), OTHER_ID: port(tap="tapother")})
    assert list(unreadable(whole)) == [(PORT, PORT_ID)]
    tables = ruleset(whole, {}, {(PORT, PORT_ID)})
    shut = numbered([PORT_ID, OTHER_ID])[PORT_ID]
    for key in (("bridge", f"as_{shut}"), ("bridge", f"to_{shut}"), ("inet", f"e_{shut}"),
                ("inet", f"i_{shut}")):
        assert tables[key] == Chain(("drop",))
    assert sum(len(t.rules) > 1 for (_, n), t in tables.items() if n.startswith("as_")) == 1


def test_what_is_isolated_is_told_in_one_line_each():
    isolated = {}
    isolate(isolated, PORT, "p", ValueError("a\nb\x1b[31m" + "x" * 500))
    isolate(isolated, "router", "r", "no")
    told = report(isolated, "l2")
    assert told["isolated_count"] == 1
    found, = told["isolated"]
    assert (found["kind"], found["id"]) == ("port", "p")
    assert found["reason"].isprintable() and len(found["reason"]) == 200
    assert [f["id"] for f in report(isolated, "l3")["isolated"]] == ["r"]
    assert report(isolated, "metadata") == {"isolated": [], "isolated_count": 0}


def test_numbers_stay_and_never_meet():
    ids = [f"00000000-0000-0000-0000-0000{n % 7:08x}" for n in range(7)]
    ids += [f"10000000-0000-0000-0000-0000{n:08x}" for n in range(7)]
    numbers = numbered(ids)
    assert len(set(numbers.values())) == 14
    assert numbered(reversed(ids)) == numbers
    assert all(0 < number < 65536 for number in numbers.values())


def test_zones_are_within_what_conntrack_has():
    assert zone("ffffffff-ffff-ffff-ffff-ffffffffffff") in range(1, 65536)
    assert zone("00000000-0000-0000-0000-000000000000") in range(1, 65536)


def test_nothing_is_taken_away_while_it_is_named():
    old = {("inet", "gone"): Chain(("drop",)), ("inet", "users"): Chain(("jump gone",)),
           ("inet", "map"): Set("mark : verdict", frozenset({"0x1 : jump gone"}), "map"),
           ("inet", "old"): Set("ipv4_addr")}
    new = {("inet", "users"): Chain(("jump new",)),
           ("inet", "map"): Set("mark : verdict", frozenset({"0x1 : jump new"}), "map"),
           ("inet", "new"): Chain(("accept",))}
    assert change("t", old, new).splitlines() == [
        "add chain inet t new",
        "flush chain inet t users", "add rule inet t users jump new",
        "delete element inet t map { 0x1 : jump gone }",
        "add element inet t map { 0x1 : jump new }",
        "add rule inet t new accept",
        "flush chain inet t gone",
        "delete chain inet t gone", "delete set inet t old",
    ]


def test_what_is_the_same_is_not_spoken_of():
    tables = ruleset(state({PORT_ID: port()}), {})
    assert change("t", tables, dict(tables)) == ""


def test_intervals_are_replaced_as_a_whole():
    old = {("inet", "s"): Set("ipv4_addr", frozenset({"10.0.0.5"}), interval=True)}
    new = {("inet", "s"): Set("ipv4_addr", frozenset({"10.0.0.0/24"}), interval=True)}
    assert change("t", old, new) == (
        "flush set inet t s\nadd element inet t s { 10.0.0.0/24 }\n")


def test_a_table_is_made_anew_from_anything():
    assert replace("t", {("inet", "c"): Chain(("accept",), "type filter hook input priority 0")}
                   ).splitlines() == [
        "add table inet t", "delete table inet t", "add table inet t",
        "add chain inet t c { type filter hook input priority 0; policy accept; }",
        "add rule inet t c accept",
    ]


class TestApplying:
    """With an nft that remembers what it was given."""

    @pytest.fixture
    def given(self, monkeypatch):
        given = []

        def run(*command, stdin=None, namespace=None):
            if command[:2] == ("nft", "list"):
                if not given or command[-1] not in given[-1]:
                    raise firewall.CommandFailed("No such file or directory")
            else:
                given.append(stdin)
            return ""

        monkeypatch.setattr(firewall, "run", run)
        monkeypatch.setattr(firewall, "_hand_over_bridged_packets", lambda: None)
        return given

    def test_the_same_is_not_loaded_twice(self, given):
        wall = firewall.Firewall()
        wall.apply(state({PORT_ID: port()}), {})
        wall.apply(state({PORT_ID: port()}), {})
        assert len(given) == 1

    def test_a_change_is_loaded_as_such(self, given):
        wall = firewall.Firewall()
        wall.apply(state({PORT_ID: port()}), {})
        wall.apply(state({PORT_ID: port(), PORT_ID[::-1]: port(tap="tapother")}), {})
        assert "delete table" not in given[1]
        assert len(given[1]) < len(given[0])

    def test_a_restart_takes_over_what_is_in_force(self, given):
        firewall.Firewall().apply(state({PORT_ID: port()}), {})
        firewall.Firewall().apply(state({PORT_ID: port()}), {})
        assert len(given) == 1

    def test_what_was_taken_away_is_loaded_as_a_whole(self, given):
        wall = firewall.Firewall()
        wall.apply(state({PORT_ID: port()}), {})
        first = given.pop()
        given.append("flush ruleset")
        wall.apply(state({PORT_ID: port()}), {})
        assert given[-1] == first
