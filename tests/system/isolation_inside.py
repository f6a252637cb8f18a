# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""One tenant's trouble with real links, rules and helpers, and what its neighbours feel of it. Run
by test_neutron_isolation.py, in namespaces where nothing else is."""

from __future__ import annotations

import copy
import runpy
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cairn.neutron.agent import dhcp, firewall, isolated, router, rules
from cairn.neutron.agent.cleanup import clean
from cairn.neutron.agent.commands import CommandFailed
from cairn.neutron.agent.commands import run as really
from cairn.neutron.agent.loop import Loop
from cairn.neutron.core import security_groups
from cairn.neutron.settings import HostSettings

FRAMES = Path(__file__).with_name("agent_frames.py")
frames: Any = SimpleNamespace(**runpy.run_path(str(FRAMES)))
State = dict[str, Any]


def uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def run(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def rule(direction: str = "ingress", **more: Any) -> State:
    return {"direction": direction, "ethertype": "IPv4", "protocol": None, "port_range_min": None,
            "port_range_max": None, "remote_ip_prefix": None, "remote_group_id": None, **more}


class Guest:
    """A namespace whose eth0 has its other end where a tap would be."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.mac = name, f"fa:16:3e:00:00:{number:02x}"
        self.ip, self.tap = f"10.0.0.{number}", f"tap{uid(name)[:11]}"
        run(f"ip netns add {name}; ip link add {self.tap} type veth peer name eth0 netns {name} "
            f"address {self.mac}; ip -n {name} link set lo up; ip -n {name} link set eth0 up; "
            f"ip -n {name} addr add {self.ip}/24 dev eth0")

    def pings(self, other: Guest) -> bool:
        return subprocess.run(["ip", "netns", "exec", self.name, "ping", "-c1", "-W1", other.ip],
                              capture_output=True).returncode == 0


class House:
    """Two tenants on one host: red's guests on one network, blue's on another."""

    def __init__(self, folder: Path) -> None:
        settings = HostSettings(local_ip="127.0.0.1", roles="l2,dhcp,l3", state_dir=str(folder))
        self.loop = Loop(None, settings, "here")  # type: ignore[arg-type]
        self.guests = {name: Guest(name, number) for number, name in enumerate(
            ("red1", "red2", "blue1", "blue2"), start=11)}
        self.state: State = {
            "networks": {}, "ports": {}, "security_groups": {}, "members": {}, "dhcp": {},
            "routers": {}}
        for color, last in (("red", 1), ("blue", 2)):
            network, group, subnet = uid(color), uid(f"group {color}"), uid(f"subnet {color}")
            self.state["networks"][network] = {
                "network_type": "local", "segmentation_id": None, "physical_network": None,
                "mtu": 1450, "admin_state_up": True, "peers": []}
            self.state["security_groups"][group] = {"stateful": True, "rules": [
                rule("egress"), rule(protocol=1), rule(remote_group_id=group)]}
            self.state["members"][group] = {"4": [], "6": []}
            dhcp = self.own(f"dhcp {color}", network, subnet, f"10.0.0.{last}", 100 + last)
            self.state["dhcp"][network] = {
                "port": dhcp, "mtu": 1450, "dns_domain": "example.org", "hosts": [], "subnets": {
                    subnet: {"cidr": "10.0.0.0/24", "ip_version": 4, "gateway_ip": None,
                             "dns_nameservers": [], "host_routes": [], "ipv6_ra_mode": None,
                             "ipv6_address_mode": None, "enable_dhcp": True,
                             "metadata_port": None}}}
            self.state["routers"][uid(f"router {color}")] = {
                "admin_state_up": True, "enable_snat": True, "gateway": None, "routes": [],
                "floating_ips": [], "interfaces": [
                    {**self.own(f"interface {color}", network, subnet, "10.0.0.254", 110 + last),
                     "subnets": []}]}
        for name, guest in self.guests.items():
            color = name[:-1]
            self.state["ports"][uid(name)] = {
                "network_id": uid(color), "tap": guest.tap, "mac": guest.mac,
                "admin_state_up": True, "status": "DOWN", "mtu": 1450,
                "fixed_ips": [{"ip": guest.ip, "subnet_id": uid(f"subnet {color}"),
                               "cidr": f"{guest.ip}/24"}],
                "allowed_address_pairs": [], "port_security_enabled": True,
                "security_groups": [uid(f"group {color}")]}

    def own(self, name: str, network: str, subnet: str, ip: str, number: int) -> State:
        return {"id": uid(name), "network_id": network, "mac": f"fa:16:3e:00:00:{number:02x}",
                "status": "DOWN", "admin_state_up": True, "mtu": 1450,
                "fixed_ips": [{"ip": ip, "subnet_id": subnet, "cidr": f"{ip}/24"}]}

    def apply(self, state: State | None = None) -> set[str]:
        """What is wired."""
        wired, _ = self.loop.apply(copy.deepcopy(state or self.state))
        return set(wired)

    def port(self, state: State, name: str) -> State:
        port: State = state["ports"][uid(name)]
        return port

    def group(self, state: State, color: str) -> State:
        group: State = state["security_groups"][uid(f"group {color}")]
        return group

    def reach(self, *names: str) -> bool:
        one, other = (self.guests[name] for name in names)
        return one.pings(other)

    def whole(self) -> None:
        """Everybody reaches everybody of the same tenant; who was cut off, when ARP has learnt."""
        assert {uid(name) for name in self.guests} <= self.apply()
        assert self.loop.isolated == {}
        end = time.monotonic() + 8
        while not (self.reach("red1", "red2") and self.reach("blue1", "blue2")):
            assert time.monotonic() < end

    def told(self, role: str = "l2") -> list[tuple[str, str]]:
        return [(found["kind"], found["id"])
                for found in isolated.report(self.loop.isolated, role)["isolated"]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("state"))
    yield house
    house.loop.watch.close()
    clean(house.loop.settings)


@pytest.fixture
def state(house: House) -> Iterator[State]:
    """A copy of what is in order; before it and after, all of that works."""
    house.whole()
    yield copy.deepcopy(house.state)
    house.whole()


def news_for_red(house: House, state: State) -> None:
    """Red takes ICMP away: a change that must arrive, whatever blue wrote."""
    red = house.group(state, "red")
    red["rules"] = [r for r in red["rules"] if r["protocol"] != 1]


@pytest.mark.parametrize("spoil", [
    {"allowed_address_pairs": [{"ip_address": "fe80::1%x", "mac_address": "fa:16:3e:00:00:0d"}]},
    {"allowed_address_pairs": [{"ip_address": "10.0.0.9; drop", "mac_address": "x"}]},
    {"fixed_ips": [{"ip": "10.0.0.13 } accept", "subnet_id": "s", "cidr": "10.0.0.13/24"}]},
    {"mac": "fa:16:3e:00:00:0d, fa:16:3e:00:00:0c"},
])
def test_a_port_of_which_no_rules_can_be_made(house: House, state: State, spoil: State) -> None:
    house.port(state, "blue1").update(spoil)
    news_for_red(house, state)
    wired = house.apply(state)
    assert not house.reach("red1", "red2")  # The news arrived.
    assert house.reach("red1", "red1")
    assert not house.reach("blue1", "blue2") and not house.reach("blue2", "blue1")
    assert house.told() == [("port", uid("blue1"))]
    assert uid("blue1") not in wired
    assert {uid("blue2"), uid("red1"), uid("red2")} <= wired
    run(f"ip link show {house.guests['blue1'].tap} | grep -q 'state DOWN'")


def test_a_port_that_only_nft_refuses(
    house: House, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if we had made a mistake for one port."""
    whole = rules.anti_spoof

    def spoilt(port: State) -> list[str]:
        extra = ["ip saddr fe80::1%x drop"] if port["mac"].endswith("0d") else []
        return whole(port) + extra

    monkeypatch.setattr(rules, "anti_spoof", spoilt)
    house.port(state, "blue1")["allowed_address_pairs"] = [
        {"ip_address": "10.0.0.99", "mac_address": "fa:16:3e:00:00:0d"}]
    news_for_red(house, state)
    house.apply(state)
    assert not house.reach("red1", "red2") and not house.reach("blue1", "blue2")
    assert house.told() == [("port", uid("blue1"))]
    # It is not asked about again at every look.
    trials: list[Any] = []
    monkeypatch.setattr(firewall, "_refusal", lambda tables: trials.append(tables))
    state["networks"][uid("red")]["mtu"] = 1400
    house.apply(state)
    assert trials == [] and house.told() == [("port", uid("blue1"))]


@pytest.mark.parametrize("bad", [
    {"remote_ip_prefix": "fe80::1%x", "ethertype": "IPv6"},
    {"remote_ip_prefix": "2001:db8::/32"}, {"protocol": "6; accept"},
    {"protocol": 6, "port_range_min": 99999, "port_range_max": 99999}])
def test_a_group_lets_nothing_through_until_it_is_in_order(
    house: House, state: State, bad: State
) -> None:
    house.group(state, "blue")["rules"].append(rule(**bad))
    news_for_red(house, state)
    wired = house.apply(state)
    assert not house.reach("red1", "red2") and not house.reach("blue1", "blue2")
    assert house.told() == [("security_group", uid("group blue"))]
    assert {uid("red1"), uid("red2")} <= wired
    assert not {uid("blue1"), uid("blue2")} & wired
    text = run(f"nft list chain inet cairn_sg isg_{uid('group blue').replace('-', '')}")
    assert "accept" not in text


def test_a_member_that_is_no_address_is_left_out(house: House, state: State) -> None:
    state["members"][uid("group blue")]["6"] = ["fe80::1%x", "2001:db8::7"]
    news_for_red(house, state)
    house.apply(state)
    assert not house.reach("red1", "red2")
    assert house.reach("blue1", "blue2")
    assert house.told() == [("security_group", uid("group blue"))]
    text = run(f"nft list set inet cairn_sg m6_{uid('group blue').replace('-', '')}")
    assert "2001:db8::7" in text and "fe80" not in text


def test_many_at_once_are_found(
    house: House, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rules.text
    monkeypatch.setattr(rules, "text", lambda rule: whole(rule) + (
        " nonsense" if rule["protocol"] == 50 else ""))
    bad: list[str] = []
    good: list[str] = []
    for number in range(60):
        id_ = uid(f"more {number}")
        spoilt = number % 17 == 3
        (bad if spoilt else good).append(id_)
        state["security_groups"][id_] = {"stateful": True, "rules": [
            rule(protocol=50 if spoilt else 51)]}
        house.port(state, "blue1")["security_groups"].append(id_)
    house.apply(state)
    assert sorted(house.told()) == sorted(("security_group", id_) for id_ in bad)
    assert house.reach("red1", "red2") and house.reach("blue2", "blue1")
    for id_ in good:
        assert "accept" in run(f"nft list chain inet cairn_sg isg_{id_.replace('-', '')}")


def test_what_is_nobodys_fault_is_said(
    house: House, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*command: str, **more: Any) -> str:
        if command[:2] == ("nft", "-f"):
            raise CommandFailed("nft: out of order")
        return really(*command, **more)

    with monkeypatch.context() as patch:
        patch.setattr(firewall, "run", broken)
        news_for_red(house, state)
        with pytest.raises(CommandFailed):
            house.apply(state)
    # What was in force still is.
    assert house.reach("red1", "red2")


@pytest.mark.parametrize("spoil", [
    {"routes": [{"destination": "10.7.0.0/24", "nexthop": "fe80::1%x"}]},
    {"floating_ips": [{"id": "f", "floating_ip_address": "172.31.0.9 ",
                       "fixed_ip_address": "10.0.0.13", "status": "DOWN"}]},
])
def test_a_router_that_cannot_be_as_it_should_passes_nothing(
    house: House, state: State, spoil: State
) -> None:
    blue, red = f"qrouter-{uid('router blue')}", f"qrouter-{uid('router red')}"
    state["routers"][uid("router blue")].update(spoil)
    for _ in range(2):  # At the second look too.
        wired, floating = house.loop.apply(copy.deepcopy(state))
        assert house.told("l3") == [("router", uid("router blue"))]
        assert "policy drop" in run(f"ip netns exec {blue} nft list table ip cairn_router")
        assert "policy drop" in run(f"ip netns exec {blue} nft list table ip6 cairn_router")
        assert uid("interface blue") not in wired and uid("interface red") in wired
        assert set(floating.values()) <= {"ERROR"}
    assert "policy drop" not in run(f"ip netns exec {red} nft list ruleset")
    house.apply()
    assert "policy drop" not in run(f"ip netns exec {blue} nft list ruleset")


def test_a_network_without_dhcp_leaves_the_others_theirs(house: House, state: State) -> None:
    served = state["dhcp"][uid("blue")]
    served["subnets"][uid("subnet blue")]["cidr"] = "10.0.0.0/24%x"
    state["dhcp"][uid("red")]["hosts"] = [{
        "port_id": uid("red1"), "mac": "fa:16:3e:00:00:0b", "hostname": "fresh",
        "extra_dhcp_opts": [], "fixed_ips": [{"ip": "10.0.0.11", "subnet_id": "s"}]}]
    wired = house.apply(state)
    assert house.told("dhcp") == [("dhcp", uid("blue"))]
    assert uid("dhcp red") in wired and uid("dhcp blue") not in wired
    hosts = Path(house.loop.settings.state_dir, "dhcp", uid("red"), "hosts")
    assert "fresh" in hosts.read_text()


def six(house: House, state: State, color: str, mtu: int) -> None:
    """An IPv6 subnet on the color's network, and that MTU."""
    network, subnet = uid(color), uid(f"six {color}")
    state["networks"][network]["mtu"] = mtu
    more = {"cidr": "2001:db8::/64", "ip_version": 6, "gateway_ip": "2001:db8::1",
            "dns_nameservers": [], "host_routes": [], "enable_dhcp": True, "metadata_port": None,
            "ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
    served = state["dhcp"][network]
    served["mtu"] = served["port"]["mtu"] = mtu
    served["subnets"][subnet] = more
    served["port"]["fixed_ips"].append(
        {"ip": "2001:db8::2", "subnet_id": subnet, "cidr": "2001:db8::2/64"})
    port, = state["routers"][uid(f"router {color}")]["interfaces"]
    port["mtu"] = mtu
    port["fixed_ips"].append({"ip": "2001:db8::1", "subnet_id": subnet, "cidr": "2001:db8::1/64"})
    port["subnets"] = [{"id": subnet, **more}]


def addresses(namespace: str) -> str:
    return run(f"ip netns exec {namespace} ip -br addr")


def test_an_mtu_that_is_too_small_for_ipv6_leaves_ipv4(house: House, state: State) -> None:
    six(house, state, "blue", 1200)
    six(house, state, "red", 1450)
    state["networks"][uid("third")] = copy.deepcopy(state["networks"][uid("red")])
    router = state["routers"][uid("router blue")]
    router["interfaces"].append(
        {**house.own("interface third", uid("third"), uid("subnet third"), "10.3.0.1", 120),
         "subnets": []})
    state["dhcp"][uid("blue")]["hosts"] = [{
        "port_id": uid("blue1"), "mac": "fa:16:3e:00:00:0d", "hostname": "fresh",
        "extra_dhcp_opts": [], "fixed_ips": [{"ip": "10.0.0.13", "subnet_id": "s"}]}]
    wired = house.apply(state)
    assert house.reach("blue1", "blue2") and house.reach("red1", "red2")
    assert house.told("dhcp") == [("dhcp", uid("blue"))]
    assert "2001:db8::2/64 with an MTU of 1200" in house.loop.isolated["dhcp", uid("blue")]
    assert house.told("l3") == [("router", uid("router blue"))]
    assert uid("interface blue") in house.loop.isolated["router", uid("router blue")]
    assert {uid("dhcp red"), uid("interface red"), uid("interface third")} <= wired
    assert not {uid("dhcp blue"), uid("interface blue")} & wired
    # It has what it can have, and a DHCP server that answers.
    assert "10.0.0.2/24" in addresses(f"qdhcp-{uid('blue')}")
    assert "10.0.0.254/24" in addresses(f"qrouter-{uid('router blue')}")
    assert "2001:db8::1/64" in addresses(f"qrouter-{uid('router red')}")
    assert house.loop.dhcp.alive() and house.loop.routers.alive()
    hosts = Path(house.loop.settings.state_dir, "dhcp", uid("blue"), "hosts")
    assert "fresh" in hosts.read_text()


@pytest.mark.parametrize("spoil", [
    {"mtu": 60}, {"cidr": "239.1.0.0/24"}, {"cidr": "127.0.0.0/8"}], ids=str)
def test_a_network_of_values_nobody_can_use_leaves_the_others_theirs(
    house: House, state: State, spoil: State
) -> None:
    network, router = uid("blue"), uid("router blue")
    if "mtu" in spoil:
        state["networks"][network] |= spoil
    else:
        subnet = state["dhcp"][network]["subnets"][uid("subnet blue")]
        subnet.update(spoil)
        first, length = spoil["cidr"].split("/")
        for port in (state["dhcp"][network]["port"], *state["routers"][router]["interfaces"]):
            port["fixed_ips"] = [{"ip": f"{first[:-1]}2", "subnet_id": uid("subnet blue"),
                                  "cidr": f"{first[:-1]}2/{length}"}]
    news_for_red(house, state)
    wired = house.apply(state)
    assert not house.reach("red1", "red2")
    assert {uid("dhcp red"), uid("interface red"), uid("red1")} <= wired
    assert {id for _, id in house.loop.isolated} <= {network, router}


def test_a_peer_that_is_nowhere_leaves_the_others_theirs(house: House, state: State) -> None:
    state["networks"][uid("blue")] |= {"network_type": "vxlan", "segmentation_id": 7,
                                       "peers": ["192.0.2.7", "nowhere", "192.0.2.9"]}
    wired = house.apply(state)
    assert house.told() == [("network", uid("blue"))]
    assert uid("blue1") in wired
    told = run(f"bridge fdb show dev vxl{uid('blue')[:11]}")
    assert "192.0.2.7" in told and "192.0.2.9" in told


def test_what_cannot_be_taken_away_holds_nothing_up(
    house: House, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(name: str) -> None:
        raise OSError(f"{name} is busy")

    del state["dhcp"][uid("blue")], state["routers"][uid("router blue")]
    news_for_red(house, state)
    with monkeypatch.context() as patch:
        patch.setattr(dhcp, "remove_namespace", stuck)
        patch.setattr(router, "remove_namespace", stuck)
        wired = house.apply(state)
    assert house.told("dhcp") == [("dhcp", uid("blue"))]
    assert house.told("l3") == [("router", uid("router blue"))]
    assert {uid("dhcp red"), uid("interface red")} <= wired
    assert not house.reach("red1", "red2")


def test_a_namespace_that_is_but_a_name_is_mended(house: House, state: State) -> None:
    name = f"qrouter-{uid('router blue')}"
    run(f"umount /run/netns/{name}")
    assert uid("interface blue") in house.apply(state)
    assert "10.0.0.254/24" in addresses(name)


# Extension headers of IPv6 (or AH) before a packet of a protocol that nobody's rule is about.
HEADERS = {43: bytes([254, 0, 4, 0, 0, 0, 0, 0]), 44: bytes([254, 0, 0, 0, 0, 0, 0, 7]),
           60: bytes([254, 0, 1, 4, 0, 0, 0, 0]), 51: bytes([254, 4, 0, 0]) + bytes(20)}
SIX_ONLY = {41, 43, 44, 58, 59, 60}
WITH_PORTS = (6, 17, 33, 132, 136)


def content(number: int) -> bytes:
    if number in HEADERS:
        return HEADERS[number]
    if number in (1, 58):
        return bytes([8 if number == 1 else 128, 0]) + bytes(6)
    return bytes([0x13, 0x88, 0, 80]) + bytes([0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2]) + bytes(8)


Ends = tuple[tuple[str, str], tuple[str, str]]


def heard(house: House, ends: Ends, numbers: set[int]) -> set[int]:
    """Packets of which of the protocols arrive at blue2, all of them sent by blue1."""
    marks = arrived(house, ends, [
        frames.packet(*ends, number, content(number), f"p-{number}") for number in numbers])
    return {int(mark.removeprefix("p-")) for mark in marks}


def arrived(house: House, ends: Ends, sent: list[bytes]) -> set[str]:
    """The marks of what arrives at blue2 of what blue1 sends."""
    last = frames.udp((*ends[0], 5999), (*ends[1], 5999), "last")
    tool = [sys.executable, str(FRAMES)]
    with subprocess.Popen(["ip", "netns", "exec", "blue2", *tool, "hear", "eth0", "5"],
                          stdout=subprocess.PIPE, text=True) as ear:
        assert ear.stdout is not None and ear.stdout.readline() == "listening\n"
        subprocess.run(["ip", "netns", "exec", "blue1", *tool, "send", "eth0",
                        *(frame.hex() for frame in (*sent, last))], check=True)
        marks = ear.stdout.read().split()
    assert marks[-1] == "last"
    return set(marks[:-1])


@pytest.mark.parametrize("ethertype", ["IPv4", "IPv6"])
def test_a_rule_of_a_protocol_lets_in_what_is_of_it_and_nothing_else(
    house: House, state: State, ethertype: str
) -> None:
    one, two = house.guests["blue1"], house.guests["blue2"]
    ends = (one.mac, one.ip), (two.mac, two.ip)
    if ethertype == "IPv6":
        ends = (one.mac, rules.link_local(one.mac)), (two.mac, rules.link_local(two.mac))
    known = {name: number for name, number in security_groups.PROTOCOLS.items() if number
             and (ethertype == "IPv6" or number not in SIX_ONLY)}

    def on_the_wire(names: list[str]) -> set[int]:
        found = {known[name] for name in names}
        return {58 if number == 1 and ethertype == "IPv6" else number for number in found}

    group, all_ = house.group(state, "blue"), sorted(known)
    for bit in range(len(all_).bit_length()):
        chosen = [name for at, name in enumerate(all_) if at >> bit & 1]
        group["rules"] = [
            rule("egress", ethertype=ethertype),
            rule(ethertype=ethertype, protocol=17, port_range_min=5999, port_range_max=5999),
            *(rule(ethertype=ethertype, protocol=known[name]) for name in chosen)]
        house.apply(state)
        # Fragments are put together before groups are asked: the whole is what it is.
        assert heard(house, ends, on_the_wire(all_)) == on_the_wire(chosen) - {44}
    group["rules"] = [
        rule("egress", ethertype=ethertype), rule(ethertype=ethertype, protocol=254),
        rule(ethertype=ethertype, protocol=17, port_range_min=5999, port_range_max=5999)]
    house.apply(state)
    carriers = {43, 44, 60} if ethertype == "IPv6" else set()
    assert heard(house, ends, on_the_wire(all_)) == carriers


@pytest.mark.parametrize(("ethertype", "more"), [
    ("IPv4", {"protocol": 0}), ("IPv6", {"protocol": 0}),
    ("IPv6", {"protocol": 1, "port_range_min": 128}),
    ("IPv6", {"protocol": 58, "port_range_min": 128, "port_range_max": 0}),
    ("IPv4", {"protocol": 1, "port_range_min": 8, "port_range_max": 0}),
    *(("IPv4", {"protocol": number, "port_range_min": 79, "port_range_max": 81})
      for number in WITH_PORTS),
    *(("IPv6", {"protocol": number, "port_range_min": 80, "port_range_max": 80})
      for number in WITH_PORTS)], ids=str)
def test_ports_types_and_any_protocol(
    house: House, state: State, ethertype: str, more: State
) -> None:
    one, two = house.guests["blue1"], house.guests["blue2"]
    ends = (one.mac, one.ip), (two.mac, two.ip)
    number = more["protocol"] or 47
    if ethertype == "IPv6":
        ends = (one.mac, rules.link_local(one.mac)), (two.mac, rules.link_local(two.mac))
        number = 58 if number == 1 else number
    group = house.group(state, "blue")
    sentinel = rule(ethertype=ethertype, protocol=17, port_range_min=5999, port_range_max=5999)
    group["rules"] = [rule("egress", ethertype=ethertype), sentinel,
                      rule(ethertype=ethertype, **more)]
    house.apply(state)
    assert heard(house, ends, {number}) == {number}
    if "port_range_min" in more:
        for name in ("port_range_min", "port_range_max"):
            if more.get(name):
                group["rules"][-1][name] += 5
        house.apply(state)
        assert heard(house, ends, {number}) == set()


def test_ports_of_the_clouds_own_that_are_set_down_are_down(house: House, state: State) -> None:
    """And what hangs on them: a floating IP, and addresses by DHCP."""
    router, gateway = state["routers"][uid("router blue")], house.own(
        "gateway blue", uid("red"), uid("subnet red"), "10.0.0.77", 130)
    router.update(gateway={**gateway, "gateway_ips": []}, floating_ips=[
        {"id": "f", "floating_ip_address": "10.0.0.78", "fixed_ip_address": "10.0.0.13",
         "status": "DOWN"}])

    def wired() -> tuple[set[str], dict[str, str]]:
        ports, floating = house.loop.apply(copy.deepcopy(state))
        assert house.loop.isolated == {}
        return {name for name in ("dhcp blue", "interface blue", "gateway blue")
                if uid(name) in ports}, floating

    assert wired() == ({"dhcp blue", "interface blue", "gateway blue"}, {"f": "ACTIVE"})
    for port in (state["dhcp"][uid("blue")]["port"], *router["interfaces"]):
        port["admin_state_up"] = False
    assert wired() == ({"gateway blue"}, {"f": "ACTIVE"})
    for link, namespace in (("ns", f"qdhcp-{uid('blue')}"),
                            ("qr", f"qrouter-{uid('router blue')}")):
        down = run(f"ip netns exec {namespace} ip -br link show | grep '^{link}-'")
        assert " DOWN " in down
    router["gateway"]["admin_state_up"] = False
    assert wired() == (set(), {"f": "DOWN"})
    router["gateway"]["admin_state_up"] = True
    router["admin_state_up"] = False
    assert wired()[1] == {"f": "DOWN"}
    router["admin_state_up"] = True
    assert wired()[1] == {"f": "ACTIVE"}


@pytest.mark.parametrize("slaac", [True, False], ids=["subnet with SLAAC", "no IPv6 subnet"])
def test_an_address_of_ones_own_making_is_used_where_neutron_knows_it(
    house: House, state: State, slaac: bool
) -> None:
    one, two = house.guests["blue1"], house.guests["blue2"]
    own, known = ("2001:db8::f816:3eff:fe00:d", "2001:db8::f816:3eff:fe00:e")
    local = (one.mac, rules.link_local(one.mac)), (two.mac, rules.link_local(two.mac))
    group = house.group(state, "blue")
    group["rules"] = [rule(direction, ethertype="IPv6") for direction in ("ingress", "egress")]
    for name, ip in (("blue1", own), ("blue2", known)) if slaac else ():
        house.port(state, name)["fixed_ips"].append(
            {"ip": ip, "subnet_id": uid("six"), "cidr": f"{ip}/64"})
    house.apply(state)
    target = ip_address(own).packed
    sent = {
        "own": frames.packet((one.mac, own), (two.mac, known), 17, bytes(8), "own"),
        "advert": frames.icmp6(one.mac, own, "ff02::1", 136, b"\x20\0\0\0" + target, "advert"),
        # Another of the prefix, as privacy extensions make them, and a neighbour's.
        "random": frames.packet((one.mac, "2001:db8::1234"), (two.mac, known), 17, bytes(8),
                                "random"),
        "stolen": frames.packet((one.mac, known), local[1], 17, bytes(8), "stolen"),
        "claim": frames.icmp6(one.mac, local[0][1], "ff02::1", 136,
                              b"\x20\0\0\0" + ip_address(known).packed, "claim"),
        # Whether an address is free is asked from none.
        "asks": frames.icmp6(one.mac, "::", "ff02::1:ff00:d", 135, bytes(4) + target, "asks"),
        "local": frames.packet(*local, 17, bytes(8), "local"),
    }
    assert arrived(house, local, list(sent.values())) == (
        {"own", "advert", "asks", "local"} if slaac else {"asks", "local"})


def test_a_network_that_cannot_be_wired_leaves_the_others_theirs(
    house: House, state: State
) -> None:
    state["networks"][uid("blue")] |= {"network_type": "vlan", "physical_network": "nowhere"}
    news_for_red(house, state)
    house.apply(state)
    assert ("network", uid("blue")) in house.told()
    assert not house.reach("red1", "red2")
