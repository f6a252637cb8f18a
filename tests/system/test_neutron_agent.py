# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""neutron-agent on two nodes, with real packets: guests are namespaces at links named as taps."""

from __future__ import annotations

import copy
import hashlib
import hmac
import ipaddress
import json
import os
import re
import runpy
import socket
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.lab

HOUSE = Path(__file__).parents[2]
frames: Any = SimpleNamespace(**runpy.run_path(str(HOUSE / "tests/system/agent_frames.py")))
PACKAGES = Path(sysconfig.get_path("purelib"))
LAB = {
    "lab_name": "test-agent",
    "lab_subnet": "172.30.242.0/24",
    "lab_external_subnet": "172.31.242.0/24",
    "lab_binds_read_only": [str(HOUSE), str(PACKAGES)],
    "lab_base_packages": [
        "dnsmasq-base", "haproxy", "iputils-arping", "iputils-ping", "isc-dhcp-client", "nftables",
        "udhcpc",
    ],
    "lab_nodes": [
        {"name": "net", "groups": ["network", "compute"], "external": True},
        {"name": "two", "groups": ["compute"]},
    ],
}
DIRECTORY = Path("/var/lib/cairn-lab") / str(LAB["lab_name"])
OUTSIDE = "172.31.242"
SECRET = "swordfish"
SIX = "2001:db8::f816:3eff:fe00:{}"  # What a guest makes of the prefix and its MAC address.
State = dict[str, Any]


def run(*words: str, check: bool = True, stdin: str | None = None) -> str:
    done = subprocess.run(words, cwd=HOUSE, capture_output=True, text=True, input=stdin,
                          timeout=300)
    assert not check or done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def until(what: Callable[[], Any], seconds: float = 8) -> Any:
    """What it returns as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


def uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def tap(port: str) -> str:
    return f"tap{uid(port)[:11]}"


class Node:
    """A lab node, and the agent that runs in it."""

    def __init__(self, name: str, address: str, roles: str) -> None:
        self.name, self.address, self.roles = name, address, roles
        self.folder = Path("/root/agent")

    def words(self, *words: str) -> list[str]:
        leader = (DIRECTORY / "nodes" / self.name / "leader").read_text().strip()
        return ["nsenter", "--target", leader, "--all", "--", "env", "-i", "HOME=/root",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"PYTHONPATH={HOUSE}/services:{PACKAGES}",
                "PYTHONDONTWRITEBYTECODE=1", *words]

    def run(self, command: str, check: bool = True) -> str:
        return run(*self.words("sh", "-c", command), check=check)

    def ok(self, command: str) -> bool:
        return subprocess.run(self.words("sh", "-c", command), capture_output=True).returncode == 0

    def put(self, name: str, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        run(*self.words("sh", "-c", f"mkdir -p {self.folder}; cat > {self.folder}/.new && "
                                    f"mv {self.folder}/.new {self.folder}/{name}"), stdin=text)

    def start(self) -> None:
        self.put("settings.json", {
            "node": self.name,
            "host": {"local_ip": self.address, "bridge_mappings": "physnet1:br-ex",
                     "roles": self.roles, "interval": 0.2},
            "metadata": {"url": "http://127.0.0.1:8775/metadata", "secret": SECRET}})
        self.run(f"cd {HOUSE}; exec setsid python3 tests/system/agent_in_node.py {self.folder} "
                 f">> {self.folder}/log 2>&1 < /dev/null & echo $! > {self.folder}/pid")

    def stop(self) -> None:
        self.run(f"p=$(cat {self.folder}/pid); kill $p; while [ -d /proc/$p ]; do sleep .05; done")

    def told(self) -> list[State]:
        """Everything told so far; a line still being written is not told yet."""
        lines = self.run(f"cat {self.folder}/told.jsonl", check=False).splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def want(self, state: State) -> float:
        """Give the agent its wanted state; milliseconds it took to make it so."""
        self.put("wanted.json", state)
        revision = self.run(f"python3 -c 'import os; "
                            f"print(os.stat(\"{self.folder}/wanted.json\").st_mtime_ns)'").strip()

        def applied() -> list[State]:
            return [t for t in self.told() if t["what"] == "applied" and t["revision"] == revision]

        return float(until(applied, 20)[0]["ms"])

    def errors(self) -> str:
        return self.run(f"grep -E 'ERROR|WARNING|Traceback' {self.folder}/log", check=False)


NET = Node("net", "172.30.242.11", "l2,dhcp,l3,metadata")
TWO = Node("two", "172.30.242.12", "l2")


class Cloud:
    """What the server side would say of a few networks and guests."""

    def __init__(self) -> None:
        self.networks: State = {}
        self.ports: dict[str, tuple[Node, State]] = {}
        self.groups: State = {}
        self.members: State = {}
        self.dhcp: State = {}
        self.routers: State = {}

    def network(self, name: str, kind: str, number: int | None = None) -> None:
        self.networks[uid(name)] = {
            "network_type": kind, "segmentation_id": number, "admin_state_up": True,
            "physical_network": None if kind == "vxlan" else "physnet1",
            "mtu": 1450 if kind == "vxlan" else 1500}

    def port(
        self, node: Node, name: str, network: str, mac: str, *addresses: str,
        groups: tuple[str, ...] = (), **more: Any,
    ) -> State:
        port = {
            "network_id": uid(network), "tap": tap(name), "mac": mac, "admin_state_up": True,
            "status": "DOWN", "device_id": uid(f"server {name}"), "device_owner": "compute:nova",
            "mtu": self.networks[uid(network)]["mtu"], "fixed_ips": fixed(*addresses),
            "allowed_address_pairs": [], "port_security_enabled": True,
            "security_groups": [uid(group) for group in groups], **more}
        self.ports[uid(name)] = (node, port)
        return port

    def group(self, name: str, *rules: State) -> None:
        self.groups[uid(name)] = {"stateful": True, "rules": list(rules)}

    def wanted(self, node: Node) -> State:
        ports = {id_: port for id_, (where, port) in self.ports.items() if where is node}
        served = node is NET
        routers = self.routers if served else {}
        used = {port["network_id"] for port in ports.values()}
        if served:
            used |= set(self.dhcp)
            for router in routers.values():
                used |= {p["network_id"] for p in router["interfaces"]}
                used |= {router["gateway"]["network_id"]} if router["gateway"] else set()
        other = TWO if node is NET else NET
        groups = {g for port in ports.values() for g in port["security_groups"]}
        named = {r["remote_group_id"] for g in groups for r in self.groups[g]["rules"]}
        return {
            "host": node.name,
            "networks": {id_: self.networks[id_] | {
                "peers": [other.address] if self.networks[id_]["network_type"] == "vxlan" else []}
                for id_ in used},
            "ports": ports, "security_groups": {g: self.groups[g] for g in groups},
            "members": {g: self.members.get(g, {"4": [], "6": []}) for g in named if g},
            "dhcp": self.dhcp if served else {}, "routers": routers,
        }

    def apply(self) -> None:
        for node in (NET, TWO):
            node.want(self.wanted(node))


def fixed(*addresses: str) -> list[State]:
    return [{"ip": a.partition("/")[0], "subnet_id": uid("subnet"), "cidr": a} for a in addresses]


def rule(direction: str, **more: Any) -> State:
    return {"direction": direction, "ethertype": "IPv4", "protocol": None, "port_range_min": None,
            "port_range_max": None, "remote_ip_prefix": None, "remote_group_id": None, **more}


class Guest:
    """A namespace whose eth0 has its other end where a tap would be."""

    def __init__(self, node: Node, name: str, mac: str, mtu: int = 1450) -> None:
        self.node, self.name, self.mac = node, name, mac
        node.run(f"ip netns add {name}; ip link add {tap(name)} type veth peer name eth0 "
                 f"netns {name} address {mac}; ip -n {name} link set lo up; "
                 f"ip netns exec {name} sysctl -qw net.ipv6.conf.eth0.accept_dad=0; "
                 f"ip -n {name} link set eth0 mtu {mtu} up")

    def run(self, command: str, check: bool = True) -> str:
        return run(*self.node.words("ip", "netns", "exec", self.name, "sh", "-c", command),
                   check=check)

    def ok(self, command: str) -> bool:
        words = self.node.words("ip", "netns", "exec", self.name, "sh", "-c", command)
        return subprocess.run(words, capture_output=True).returncode == 0

    def address(self, address: str, gateway: str | None = None) -> None:
        self.run(f"ip addr add {address} dev eth0")
        if gateway:
            self.run(f"ip route add default via {gateway}")

    def pings(self, address: str, options: str = "") -> bool:
        return self.ok(f"ping -c 1 -W 1 {options} {address}")

    def reaches(self, address: str, port: int) -> bool:
        return self.ok(f"timeout 1 bash -c '< /dev/tcp/{address}/{port}'")


@pytest.fixture(scope="module")
def nodes() -> Iterator[None]:
    if os.geteuid():
        pytest.skip("making lab nodes needs root")
    try:
        book = ["ansible-playbook", "--extra-vars", json.dumps(LAB)]
        if not ("LAB_KEEP" in os.environ and DIRECTORY.exists()):
            run(*book, "playbooks/lab.yml")
        NET.run("ip link show br-ex || ip link add br-ex type bridge forward_delay 0 && "
                "ip link set ext0 master br-ex up && ip link set br-ex up")
        yield
    finally:
        if "LAB_KEEP" not in os.environ:
            run(*book, "playbooks/lab-destroy.yml")


def subnet(cidr: str, gateway: str | None, **more: Any) -> State:
    return {"cidr": cidr, "ip_version": 6 if ":" in cidr else 4, "gateway_ip": gateway,
            "dns_nameservers": [], "host_routes": [], "ipv6_ra_mode": None,
            "ipv6_address_mode": None, "enable_dhcp": True, "metadata_port": None, **more}


def system_port(name: str, network: str, mac: str, mtu: int, *addresses: str) -> State:
    return {"id": uid(name), "network_id": uid(network), "mac": mac, "status": "DOWN",
            "admin_state_up": True, "mtu": mtu, "fixed_ips": fixed(*addresses)}


def lease(port: str, mac: str, address: str) -> State:
    return {"port_id": uid(port), "mac": mac, "hostname": f"host-{address.replace('.', '-')}",
            "fixed_ips": [{"ip": address, "subnet_id": uid("subnet")}], "extra_dhcp_opts": []}


def mac(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


class Scene:
    """A routed network over both nodes, an isolated one with the same addresses, and guests."""

    def __init__(self) -> None:
        self.cloud = cloud = Cloud()
        cloud.network("lan", "vxlan", 4711)
        cloud.network("island", "vxlan", 4712)
        cloud.network("public", "flat")
        cloud.group("default", rule("egress"), rule("egress", ethertype="IPv6"),
                    *(rule("ingress", ethertype=ethertype, remote_group_id=uid("default"))
                      for ethertype in ("IPv4", "IPv6")))
        cloud.members[uid("default")] = {"4": ["10.10.0.11", "10.10.0.12"], "6": [SIX.format("b")]}
        cloud.group("web", rule("egress"), rule("egress", ethertype="IPv6"),
                    rule("ingress", protocol=6, port_range_min=80, port_range_max=82),
                    rule("ingress", protocol=1, port_range_min=8))
        cloud.group("open", *(rule(direction, ethertype=ethertype)
                              for direction in ("ingress", "egress")
                              for ethertype in ("IPv4", "IPv6")))
        self.a = self._guest(NET, "a", "lan", 11, "10.10.0.11/24", "default", "web")
        self.b = self._guest(TWO, "b", "lan", 12, "10.10.0.12/24", "default")
        for name, last in (("a", "b"), ("b", "c")):
            cloud.ports[uid(name)][1]["fixed_ips"] += [
                {"ip": SIX.format(last), "subnet_id": uid("six"),
                 "cidr": f"{SIX.format(last)}/64"}]
        self.evil = self._guest(TWO, "evil", "lan", 13, "10.10.0.13/24", "open")
        self.ear = self._guest(TWO, "ear", "lan", 14, "10.10.0.14/24", "open")
        self.loose = self._guest(TWO, "loose", "lan", 17, "10.10.0.17/24",
                                 port_security_enabled=False)
        self.alone = self._guest(NET, "alone", "island", 15, "10.10.0.11/24", "default")
        self.direct = self._guest(NET, "direct", "public", 16, f"{OUTSIDE}.160/24", "web")
        for number, name in ((11, "lan"), (15, "island")):
            cloud.dhcp[uid(name)] = {
                "port": system_port(f"dhcp {name}", name, mac(number + 20), 1450,
                                    "10.10.0.2/24"),
                "mtu": 1450, "dns_domain": "openstacklocal",
                "subnets": {uid("subnet"): subnet(
                    "10.10.0.0/24", "10.10.0.1",
                    metadata_port="10.10.0.2" if name == "island" else None)}, "hosts": []}
        cloud.dhcp[uid("lan")]["hosts"] = [
            lease("a", mac(11), "10.10.0.11"), lease("b", mac(12), "10.10.0.12"),
            lease("ear", mac(14), "10.10.0.14")]
        cloud.dhcp[uid("lan")]["subnets"][uid("subnet")] |= {
            "dns_nameservers": ["9.9.9.9", "1.1.1.1"],
            "host_routes": [{"destination": "10.99.0.0/16", "nexthop": "10.10.0.77"}]}
        cloud.dhcp[uid("island")]["hosts"] = [lease("alone", mac(15), "10.10.0.11")]
        cloud.routers[uid("router")] = {
            "admin_state_up": True, "enable_snat": True,
            "interfaces": [system_port(
                "lan side", "lan", mac(41), 1450, "10.10.0.1/24", "2001:db8::1/64") | {"subnets": [
                    {"id": uid("subnet"), **subnet("10.10.0.0/24", "10.10.0.1")},
                    {"id": uid("six"), **subnet("2001:db8::/64", "2001:db8::1"),
                     "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}]}],
            "gateway": system_port("way out", "public", mac(42), 1500, f"{OUTSIDE}.150/24") | {
                "gateway_ips": [f"{OUTSIDE}.1"]},
            "floating_ips": [
                {"id": uid(f"floating {guest}"), "floating_ip_address": f"{OUTSIDE}.{last}",
                 "fixed_ip_address": f"10.10.0.{last - 140}", "status": "DOWN"}
                for guest, last in (("a", 151), ("b", 152))],
            "routes": []}

    def _guest(
        self, node: Node, name: str, network: str, number: int, address: str, *groups: str,
        **more: Any,
    ) -> Guest:
        self.cloud.port(node, name, network, mac(number), address, groups=groups, **more)
        guest = Guest(node, name, mac(number), self.cloud.networks[uid(network)]["mtu"])
        if network == "public":
            guest.address(address, f"{OUTSIDE}.1")
        elif name != "alone":
            guest.address(address, "10.10.0.1")
        else:
            guest.address(address)
        return guest


@pytest.fixture(scope="module")
def scene(nodes: None) -> Iterator[Scene]:
    for node in (NET, TWO):
        node.run(f"rm -rf {node.folder}")
        node.put("owners.json", {
            address: {"port_id": uid("a"), "device_id": uid("server a"), "project_id": "p"}
            for address in ("10.10.0.11",)})
    scene = Scene()
    for node in (NET, TWO):
        node.put("wanted.json", scene.cloud.wanted(node))
        node.start()
    scene.cloud.apply()
    yield scene


@pytest.fixture
def restored(scene: Scene) -> Iterator[Cloud]:
    """What the cloud wants may be changed, and is as before at the end."""
    before = copy.deepcopy(vars(scene.cloud), {id(NET): NET, id(TWO): TWO})
    yield scene.cloud
    vars(scene.cloud).update(before)
    scene.cloud.apply()


def machine_reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


LISTEN = """
import socket, select
ears = [socket.create_server(("0.0.0.0", port)) for port in (22, 80, 81, 82, 83, 9697)]
while True:
    for ear in select.select(ears, [], [])[0]:
        ear.accept()[0].close()
"""
# What udhcpc was told, as its script's environment.
TOLD = "#!/bin/sh\n[ $1 = bound ] && env > $TOLD\nexit 0\n"


@pytest.fixture(scope="module")
def listeners(scene: Scene) -> None:
    for guest in (scene.a, scene.b, scene.direct):
        guest.node.put("listen.py", LISTEN)
        guest.run("setsid python3 /root/agent/listen.py > /dev/null 2>&1 < /dev/null &")
        until(lambda g=guest: g.reaches("127.0.0.1", 22))


def dhcp(guest: Guest, tries: int = 4) -> dict[str, str]:
    """What the guest is offered and takes."""
    guest.node.put("udhcpc", TOLD)
    told = f"/root/agent/lease-{guest.name}"
    guest.run(f"chmod +x /root/agent/udhcpc; TOLD={told} udhcpc -i eth0 -n -q -f -t {tries} -T 1 "
              "-O mtu -O staticroutes -O msstaticroutes -s /root/agent/udhcpc")
    lines = guest.run(f"cat {told}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def dhcp6(guest: Guest, kind: str) -> str:
    """The address that a guest with an id of that kind (LL, LLT) is given."""
    files = f"/root/agent/six-{guest.name}-{kind}"
    try:
        guest.run(f"timeout 20 dhclient -6 -1 -D {kind} -lf {files} -pf {files}.pid -sf /bin/true "
                  "eth0")
        return re.findall(r"iaaddr (\S+)", guest.run(f"cat {files}"))[-1]
    finally:
        guest.run(f"kill $(cat {files}.pid); rm -f {files}*", check=False)


class TestAddresses:
    def test_a_guest_is_given_what_neutron_knows_of_it(self, scene: Scene) -> None:
        lease = dhcp(scene.a)
        assert (lease["ip"], lease["mask"]) == ("10.10.0.11", "24")
        assert lease["mtu"] == "1450"
        assert lease["router"] == "10.10.0.1"
        assert lease["dns"] == "9.9.9.9 1.1.1.1"
        assert lease["domain"] == "openstacklocal"
        assert lease["hostname"] == "host-10-10-0-11"
        assert lease["staticroutes"] == "10.99.0.0/16 10.10.0.77 0.0.0.0/0 10.10.0.1"
        assert lease["serverid"] == "10.10.0.2"

    @pytest.mark.parametrize("asleep", [False, True], ids=["at work", "asleep"])
    def test_an_address_is_the_next_ports_as_soon_as_the_first_is_gone(
        self, scene: Scene, restored: Cloud, asleep: bool
    ) -> None:
        assert dhcp(scene.ear)["ip"] == "10.10.0.14"
        hosts = restored.dhcp[uid("lan")]["hosts"]
        hosts[-1] = lease("evil", mac(13), "10.10.0.14")
        if asleep:
            NET.stop()
            NET.put("wanted.json", restored.wanted(NET))
            NET.start()
        restored.apply()
        assert dhcp(scene.evil)["ip"] == "10.10.0.14"
        assert dhcp(scene.a)["ip"] == "10.10.0.11"

    def test_the_next_server_of_a_port_has_its_ipv6_address_too(
        self, scene: Scene, restored: Cloud
    ) -> None:
        address, served = "2001:db8:5::11", restored.dhcp[uid("island")]
        served["subnets"][uid("six island")] = subnet(
            "2001:db8:5::/64", None, ipv6_ra_mode="dhcpv6-stateful",
            ipv6_address_mode="dhcpv6-stateful")
        served["port"]["fixed_ips"] += fixed("2001:db8:5::2/64")
        served["hosts"][0]["fixed_ips"].append({"ip": address, "subnet_id": uid("six island")})
        restored.ports[uid("alone")][1]["fixed_ips"] += fixed(f"{address}/64")
        for server, kind in (("first", "LL"), ("second", "LLT")):
            served["hosts"][0]["device"] = uid(server)
            restored.apply()
            assert dhcp6(scene.alone, kind) == address

    def test_a_port_has_options_of_its_own_and_bad_ones_harm_nobody(
        self, scene: Scene, restored: Cloud
    ) -> None:
        restored.dhcp[uid("lan")]["hosts"][0]["extra_dhcp_opts"] = [
            {"opt_name": name, "opt_value": value, "ip_version": 4}
            for name, value in (("nonsense", "x"), ("dns-server", "8.8.8.8"), ("mtu", "1400"))]
        NET.want(restored.wanted(NET))
        NET.run("pkill dnsmasq")
        until(lambda: "option:dns-server,8.8.8.8" in NET.run("cat /run/cairn/neutron/dhcp/*/options"
              ) and NET.run(HELPERS).count("dnsmasq") == 3)
        lease = dhcp(scene.a)
        assert (lease["dns"], lease["mtu"]) == ("8.8.8.8", "1400")

    def test_guests_find_each_other_by_name(self, scene: Scene) -> None:
        answer = scene.a.run("busybox nslookup -type=a host-10-10-0-12.openstacklocal 10.10.0.2")
        assert "10.10.0.12" in answer

    def test_a_guest_on_another_node_is_served_through_the_tunnel(self, scene: Scene) -> None:
        assert dhcp(scene.b)["ip"] == "10.10.0.12"

    def test_equal_addresses_of_another_network_are_apart(self, scene: Scene) -> None:
        lease = dhcp(scene.alone)
        assert lease["ip"] == "10.10.0.11"
        assert lease["staticroutes"].startswith("169.254.169.254/32 10.10.0.2")

    def test_a_mac_address_nobody_knows_gets_none(self, scene: Scene) -> None:
        with pytest.raises(AssertionError, match="no lease"):
            dhcp(scene.evil, tries=2)

    def test_a_router_tells_guests_their_ipv6_prefix(self, scene: Scene) -> None:
        for guest, last in ((scene.a, "b"), (scene.b, "c")):
            guest.run(f"until ip -6 addr show | grep {SIX.format(last)}; do sleep 0.1; done")
            assert "default via fe80::f816:3eff:fe00:29" in guest.run("ip -6 route")
            assert guest.pings("2001:db8::1")
        # Only the first is a member of the group that the other lets in.
        assert scene.a.pings(SIX.format("c"))
        assert not scene.b.pings(SIX.format("b"))


@pytest.mark.usefixtures("listeners")
class TestGroups:
    def test_guests_of_a_network_meet_through_the_tunnel(self, scene: Scene) -> None:
        assert scene.a.pings("10.10.0.12")
        assert scene.b.pings("10.10.0.11")
        # The whole MTU, and nothing above it.
        assert scene.a.pings("10.10.0.12", "-M do -s 1422")
        assert not scene.a.pings("10.10.0.12", "-M do -s 1423")

    def test_a_port_range_is_open_and_its_neighbours_are_shut(self, scene: Scene) -> None:
        assert [p for p in (22, 80, 81, 82, 83) if scene.ear.reaches("10.10.0.11", p)] == [
            80, 81, 82]

    def test_icmp_is_told_apart_by_type(self, scene: Scene) -> None:
        assert scene.ear.pings("10.10.0.11")
        scene.cloud.groups[uid("web")]["rules"][-1]["port_range_min"] = 13
        scene.cloud.apply()
        assert not scene.ear.pings("10.10.0.11")
        scene.cloud.groups[uid("web")]["rules"][-1]["port_range_min"] = 8
        scene.cloud.apply()
        assert scene.ear.pings("10.10.0.11")

    def test_members_of_a_remote_group_come_in_and_others_do_not(self, scene: Scene) -> None:
        assert scene.a.reaches("10.10.0.12", 83)
        assert not scene.ear.reaches("10.10.0.12", 83)
        scene.cloud.members[uid("default")]["4"].append("10.10.0.14")
        scene.cloud.apply()
        assert scene.ear.reaches("10.10.0.12", 83)
        scene.cloud.members[uid("default")]["4"].remove("10.10.0.14")
        scene.cloud.apply()
        assert not scene.ear.reaches("10.10.0.12", 83)

    def test_a_rule_taken_away_ends_what_it_let_in(self, scene: Scene, restored: Cloud) -> None:
        scene.ear.run("ping -i 0.1 -w 8 10.10.0.11 > /root/agent/pings 2>&1 &")
        replies = "grep -c 'bytes from' /root/agent/pings"
        until(lambda: int(TWO.run(replies, check=False) or 0) > 2)
        restored.groups[uid("web")]["rules"].pop()
        restored.apply()
        seen = TWO.run(replies)
        time.sleep(0.5)
        assert TWO.run(replies) == seen

    def test_guests_of_a_vlan_network_meet_their_physical_neighbours(
        self, scene: Scene, restored: Cloud
    ) -> None:
        if not NET.ok("ip link add link br-ex name probe type vlan id 9 && ip link del probe"):
            pytest.skip("this kernel has no VLANs")
        wire = "ip netns exec wire ip"
        NET.run("ip netns add wire; ip link add wire type veth peer name eth0 netns wire; "
                "ip link set wire master br-ex up; "
                f"{wire} link add link eth0 name eth0.300 type vlan id 300; "
                f"{wire} link set eth0 up; {wire} link set eth0.300 up; "
                f"{wire} addr add 10.30.0.1/24 dev eth0.300")
        restored.network("wired", "vlan", 300)
        guest = Guest(NET, "tagged", mac(19))
        guest.address("10.30.0.11/24")
        restored.port(NET, "tagged", "wired", mac(19), "10.30.0.11/24", groups=("default",))
        NET.want(restored.wanted(NET))
        assert guest.pings("10.30.0.1")
        assert not NET.ok("ip netns exec wire ping -c 1 -W 1 10.30.0.11")
        NET.run("ip netns del wire; ip netns del tagged")

    def test_a_guest_without_groups_gets_in_nothing_and_out_nothing(
        self, scene: Scene, restored: Cloud
    ) -> None:
        restored.ports[uid("a")][1]["security_groups"] = []
        restored.apply()
        assert not scene.a.pings("10.10.0.12")
        assert not scene.b.pings("10.10.0.11")
        assert dhcp(scene.a)["ip"] == "10.10.0.11"

    def test_a_stateless_group_lets_no_answer_in_by_itself(
        self, scene: Scene, restored: Cloud
    ) -> None:
        restored.groups[uid("stateless")] = {"stateful": False, "rules": [rule("egress")]}
        restored.ports[uid("ear")][1]["security_groups"] = [uid("stateless")]
        restored.apply()
        assert not scene.ear.pings("10.10.0.11")
        restored.groups[uid("stateless")]["rules"].append(
            rule("ingress", protocol=1, port_range_min=0))
        restored.apply()
        assert scene.ear.pings("10.10.0.11")

    def test_a_port_taken_down_is_down_and_told_so(self, scene: Scene, restored: Cloud) -> None:
        port = restored.ports[uid("a")][1]
        port.update({"admin_state_up": False, "status": "ACTIVE"})
        restored.apply()
        assert not scene.b.pings("10.10.0.11")
        until(lambda: {"what": "ports_down", "ports": [uid("a")]} in NET.told())

    def test_the_hosts_do_not_answer_guests(self, scene: Scene) -> None:
        for host in (NET, TWO):
            assert not scene.ear.ok(f"arping -c 1 -w 1 -I eth0 {host.address}")
            assert not scene.a.ok(f"arping -c 1 -w 1 -I eth0 {host.address}")
        assert scene.a.ok("arping -c 1 -w 1 -I eth0 10.10.0.12")

    def test_every_protocol_and_prefix_is_understood(
        self, scene: Scene, restored: Cloud
    ) -> None:
        rules = [
            rule(direction, ethertype=ethertype, protocol=protocol, port_range_min=low,
                 port_range_max=high, remote_ip_prefix=prefix)
            for direction in ("ingress", "egress")
            for ethertype, prefixes in (
                ("IPv4", (None, "0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32")),
                ("IPv6", (None, "::/0", "2001:db8::/32", "2001:db8::7/128")))
            for prefix in prefixes
            for protocol, low, high in (
                (None, None, None), (0, None, None), (1, 8, 0), (2, None, None), (6, 1, 65535),
                (6, None, None), (17, 53, 53), (33, 1, 2), (41, None, None), (47, None, None),
                (58, 128, 0), (58, None, None), (112, None, None), (132, 5, 6), (136, 7, 8),
                (255, None, None))]
        restored.group("everything", *rules, *rules)
        restored.group("nothing")
        restored.ports[uid("ear")][1].update({
            "security_groups": [uid("everything"), uid("nothing")],
            "allowed_address_pairs": [
                {"ip_address": ip, "mac_address": m} for m in (mac(14), mac(99))
                for ip in ("0.0.0.0/0", "10.10.0.0/24", "10.10.0.14", "::/0", "2001:db8::1")]})
        TWO.want(restored.wanted(TWO))
        rules_in_force = TWO.run("nft list table inet cairn_sg")
        for word in ("sctp dport 5-6", "dccp dport 1-2", "udplite dport 7-8",
                     "ip6 saddr 2001:db8::/32", "icmpv6 type echo-request"):
            assert word in rules_in_force

    def test_without_port_security_everything_passes(self, scene: Scene) -> None:
        assert scene.ear.pings("10.10.0.17")
        assert "spoofed" in heard(scene, scene.loose, spoofed=frames.udp(
            (mac(77), "10.10.0.77", 5000), (mac(14), "10.10.0.14", 5000), "spoofed"))


def heard(scene: Scene, sender: Guest, **sent: bytes) -> set[str]:
    """Which of these frames arrive at the ear; one that may pass is sent after them."""
    tool = f"python3 {HOUSE}/tests/system/agent_frames.py"
    own = sender.mac, scene.cloud.ports[uid(sender.name)][1]["fixed_ips"][0]["ip"], 5000
    last = frames.udp(own, (scene.ear.mac, "10.10.0.14", 5000), "last")
    words = TWO.words("ip", "netns", "exec", "ear", *tool.split(), "hear", "eth0", "5")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ear:
        assert ear.stdout is not None
        assert ear.stdout.readline() == "listening\n"
        sender.run(f"{tool} send eth0 " + " ".join(f.hex() for f in (*sent.values(), last)))
        names = ear.stdout.read().split()
    assert "last" in names, names
    return set(names) - {"last"}


class TestSpoofing:
    """What a guest of ill will sends, all of its group's rules open."""

    EAR = mac(14), "10.10.0.14", 5000
    OWN = mac(13), "10.10.0.13"

    def test_nobody_speaks_with_anothers_address(self, scene: Scene) -> None:
        own, ear = self.OWN, self.EAR
        assert heard(
            scene, scene.evil,
            mac=frames.udp((mac(12), own[1], 5000), ear, "mac"),
            ip=frames.udp((own[0], "10.10.0.12", 5000), ear, "ip"),
            arp=frames.arp(own[0], own[0], "10.10.0.1", "10.10.0.14", "arp"),
            arpmac=frames.arp(own[0], mac(12), own[1], "10.10.0.14", "arpmac"),
            good=frames.arp(own[0], own[0], own[1], "10.10.0.14", "good"),
        ) == {"good"}

    def test_nobody_speaks_with_anothers_ipv6_address(self, scene: Scene) -> None:
        own, ear = "fe80::f816:3eff:fe00:d", "fe80::f816:3eff:fe00:e"
        target = ipaddress.ip_address("fe80::f816:3eff:fe00:c").packed
        assert heard(
            scene, scene.evil,
            ip=frames.udp((mac(13), "fe80::1", 5000), (mac(14), ear, 5000), "ip"),
            wide=frames.udp((mac(13), "2001:db8::1", 5000), (mac(14), ear, 5000), "wide"),
            advert=frames.icmp6(mac(13), own, "ff02::1", 136, b"\x20\0\0\0" + target, "advert"),
            good=frames.udp((mac(13), own, 5000), (mac(14), ear, 5000), "good"),
        ) == {"good"}

    def test_nobody_plays_router_or_dhcp_server(self, scene: Scene) -> None:
        own = "fe80::f816:3eff:fe00:d"
        everybody = frames.ALL, "255.255.255.255", 68
        assert heard(
            scene, scene.evil,
            dhcp=frames.udp((mac(13), "10.10.0.13", 67), everybody, "dhcp"),
            unicast=frames.udp((mac(13), "10.10.0.13", 67), (*self.EAR[:2], 68), "unicast"),
            dhcp6=frames.udp((mac(13), own, 547), (mac(14), "ff02::1", 546), "dhcp6"),
            advert=frames.icmp6(mac(13), own, "ff02::1", 134, bytes(12), "advert"),
            redirect=frames.icmp6(mac(13), own, "ff02::1", 137, bytes(36), "redirect"),
            good=frames.udp((mac(13), "10.10.0.13", 5067), everybody, "good"),
        ) == {"good"}

    def test_allowed_address_pairs_are_allowed(self, scene: Scene, restored: Cloud) -> None:
        restored.ports[uid("evil")][1]["allowed_address_pairs"] = [
            {"ip_address": "10.10.0.192/28", "mac_address": mac(13)},
            {"ip_address": "10.10.0.250", "mac_address": mac(50)}]
        TWO.want(restored.wanted(TWO))
        ear = self.EAR
        assert heard(
            scene, scene.evil,
            inside=frames.udp((mac(13), "10.10.0.200", 5000), ear, "inside"),
            claim=frames.arp(mac(13), mac(13), "10.10.0.207", "10.10.0.14", "claim"),
            other=frames.udp((mac(50), "10.10.0.250", 5000), ear, "other"),
            beside=frames.udp((mac(13), "10.10.0.208", 5000), ear, "beside"),
        ) == {"inside", "claim", "other"}


def seen_from(guest: Guest) -> str:
    """The address that the machine sees when the guest connects to it."""
    with socket.create_server((f"{OUTSIDE}.1", 0)) as server:
        server.settimeout(5)
        guest.run(f"bash -c 'exec 3<> /dev/tcp/{OUTSIDE}.1/{server.getsockname()[1]}; sleep 0.1'")
        connection, address = server.accept()
        connection.close()
        return str(address[0])


NOVA = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        body = json.dumps({"path": self.path, **self.headers}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("127.0.0.1", 8775), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def nova(scene: Scene) -> None:
    NET.put("nova.py", NOVA)
    NET.run("setsid python3 /root/agent/nova.py > /dev/null 2>&1 < /dev/null &")
    until(lambda: NET.ok("bash -c '< /dev/tcp/127.0.0.1/8775'"))


@pytest.mark.usefixtures("listeners")
class TestOutside:
    def test_a_guest_without_floating_ip_goes_out_by_the_routers_address(
        self, scene: Scene
    ) -> None:
        assert seen_from(scene.ear) == f"{OUTSIDE}.150"

    def test_a_floating_ip_is_a_guests_face_both_ways(self, scene: Scene) -> None:
        assert machine_reaches(f"{OUTSIDE}.151", 80)
        assert not machine_reaches(f"{OUTSIDE}.151", 22)
        assert not machine_reaches(f"{OUTSIDE}.152", 80)
        assert seen_from(scene.a) == f"{OUTSIDE}.151"
        assert seen_from(scene.b) == f"{OUTSIDE}.152"

    def test_a_floating_ip_is_reached_from_inside(self, scene: Scene) -> None:
        assert scene.ear.reaches(f"{OUTSIDE}.151", 80)
        assert scene.a.reaches(f"{OUTSIDE}.151", 80)
        assert scene.direct.reaches(f"{OUTSIDE}.151", 80)
        assert not scene.ear.reaches(f"{OUTSIDE}.151", 22)

    def test_a_floating_ip_moves_with_its_open_connections_ended(
        self, scene: Scene, restored: Cloud
    ) -> None:
        restored.groups[uid("default")]["rules"] += [rule("ingress", protocol=6)]
        restored.apply()
        with socket.create_connection((f"{OUTSIDE}.152", 80), 1):
            pass
        floating = restored.routers[uid("router")]["floating_ips"]
        floating[:] = [floating[1] | {"fixed_ip_address": "10.10.0.11"}]
        restored.apply()
        assert seen_from(scene.a) == f"{OUTSIDE}.152"
        assert seen_from(scene.b) == f"{OUTSIDE}.150"
        assert not machine_reaches(f"{OUTSIDE}.151", 80)

    def test_without_snat_only_floating_ips_go_out(self, scene: Scene, restored: Cloud) -> None:
        restored.routers[uid("router")]["enable_snat"] = False
        restored.apply()
        assert not scene.ear.pings(f"{OUTSIDE}.1")
        assert scene.a.pings(f"{OUTSIDE}.1")

    def test_a_guest_on_the_outer_network_itself_is_guarded_as_others(
        self, scene: Scene
    ) -> None:
        assert seen_from(scene.direct) == f"{OUTSIDE}.160"
        assert machine_reaches(f"{OUTSIDE}.160", 80)
        assert not machine_reaches(f"{OUTSIDE}.160", 22)

    def test_the_host_is_held_to_the_groups_too(self, scene: Scene) -> None:
        """On a host that is itself the way out, its packets pass no bridge's forward hook."""
        NET.run(f"ip addr add {OUTSIDE}.140/24 dev br-ex")
        try:
            assert NET.ok(f"timeout 1 bash -c '< /dev/tcp/{OUTSIDE}.160/80'")
            assert not NET.ok(f"timeout 1 bash -c '< /dev/tcp/{OUTSIDE}.160/22'")
            assert scene.direct.pings(f"{OUTSIDE}.140")
            assert NET.ok(f"timeout 1 bash -c '< /dev/tcp/{OUTSIDE}.151/80'")
        finally:
            NET.run(f"ip addr del {OUTSIDE}.140/24 dev br-ex")

    @pytest.mark.usefixtures("nova")
    def test_metadata_arrives_signed_through_the_router(self, scene: Scene) -> None:
        got = self._metadata(scene.a, "X-Instance-ID: another", "X-Forwarded-For: 10.10.0.12")
        assert got["path"] == "/metadata/openstack/latest/meta_data.json"
        server = uid("server a")
        assert got["X-Instance-ID"] == server
        assert got["X-Tenant-ID"] == "p"
        assert got["X-Forwarded-For"] == "10.10.0.11"
        assert got["X-Instance-ID-Signature"] == hmac.new(
            SECRET.encode(), server.encode(), hashlib.sha256).hexdigest()
        asked = [told for told in NET.told() if told["what"] == "instance_at"][-1]
        assert (asked["router_id"], asked["network_id"]) == (uid("router"), None)

    @pytest.mark.usefixtures("nova")
    def test_metadata_arrives_where_no_router_is(self, scene: Scene) -> None:
        scene.alone.run("ip route replace 169.254.169.254 via 10.10.0.2")
        assert self._metadata(scene.alone)["X-Instance-ID"] == uid("server a")
        asked = [told for told in NET.told() if told["what"] == "instance_at"][-1]
        assert (asked["router_id"], asked["network_id"]) == (None, uid("island"))

    @pytest.mark.usefixtures("nova")
    def test_a_stranger_gets_no_metadata(self, scene: Scene) -> None:
        with pytest.raises(AssertionError, match="404"):
            self._metadata(scene.ear)
        assert not machine_reaches(f"{OUTSIDE}.150", 9697)

    @pytest.mark.usefixtures("nova")
    @pytest.mark.parametrize("path", ["/../compute/", "/a/%2e%2e/%2e%2e/compute/"])
    def test_a_guest_does_not_get_out_of_metadata(self, scene: Scene, path: str) -> None:
        with pytest.raises(AssertionError, match="40"):
            self._metadata(scene.a, path=path)

    @pytest.mark.usefixtures("nova")
    def test_a_body_is_no_request_of_its_own(self, scene: Scene) -> None:
        inner = "GET /openstack HTTP/1.1\\r\\nHost: x\\r\\nX-Forwarded-For: 10.10.0.12\\r\\n\\r\\n"
        before = len(NET.told())
        # haproxy by itself refuses such a body of HTTP/1.0 with 413.
        with pytest.raises(AssertionError, match="400|413"):
            self._metadata(scene.a, f"Content-Length: {len(inner)}\\r\\n\\r\\n{inner}")
        asked = [told for told in NET.told()[before:] if told["what"] == "instance_at"]
        assert {told["address"] for told in asked} <= {"10.10.0.11"}

    def _metadata(
        self, guest: Guest, *headers: str, path: str = "/openstack/latest/meta_data.json"
    ) -> dict[str, str]:
        head = "\\r\\n".join([f"GET {path.replace('%', '%%')} HTTP/1.0", *headers])
        answer = guest.run("timeout 5 bash -c 'exec 3<> /dev/tcp/169.254.169.254/80; "
                           f"printf \"{head}\\r\\n\\r\\n\" >&3; cat <&3'")
        status, _, body = answer.partition("\n")
        assert "200" in status, status
        return dict(json.loads(body[body.index("{"):]))


ROUTER = f"qrouter-{uid('router')}"
HELPERS = "ps -eo pid,args | grep -E '[d]nsmasq|[h]aproxy' | sort -n"


def works(scene: Scene) -> bool:
    """Each thing that may be broken."""
    return (scene.b.pings(f"{OUTSIDE}.1") and scene.a.pings("10.10.0.12")
            and machine_reaches(f"{OUTSIDE}.151", 80) and dhcp(scene.b)["ip"] == "10.10.0.12"
            and len(NET.run(HELPERS).splitlines()) == 5)


@pytest.mark.usefixtures("listeners")
class TestHealing:
    def test_there_was_nothing_to_complain_of(self, scene: Scene) -> None:
        # But of the option that no port may have.
        told = NET.errors().splitlines()
        assert [line for line in told if "'nonsense' is no option of DHCP" not in line] == []
        assert len(told) <= 1  # Said once, not at each look.
        assert TWO.errors() == ""

    def test_a_restart_of_the_agent_is_not_noticed(self, scene: Scene) -> None:
        def standing() -> str:
            return NET.run(f"{HELPERS}; nft list tables; nft list table inet cairn_sg | grep rev_; "
                           "ls -i /run/netns; ip -o link | cut -d: -f1,2")

        before = standing()
        scene.b.run(f"ping -i 0.02 -c 150 {OUTSIDE}.1 > /root/agent/restart 2>&1 &")
        NET.stop()
        NET.start()
        until(lambda: "packet loss" in TWO.run("cat /root/agent/restart"))
        assert " 0% packet loss" in TWO.run("cat /root/agent/restart")
        assert standing() == before

    @pytest.mark.parametrize("harm", [
        f"ip netns del {ROUTER}", f"ip netns del qdhcp-{uid('lan')}",
        f"ip link del brq{uid('lan')[:11]}", f"ip link del vxl{uid('lan')[:11]}",
        "pkill -9 '^(dnsmasq|haproxy)$'", "nft flush ruleset",
        f"ip netns exec {ROUTER} nft flush ruleset", f"ip -n {ROUTER} route del default",
        f"ip -n {ROUTER} addr flush dev qr-{uid('lan side')[:11]}",
    ], ids=lambda harm: harm.split(uid("lan"))[0][:30])
    def test_harm_is_healed(self, scene: Scene, harm: str) -> None:
        NET.run(harm)
        until(lambda: works(scene) and not scene.ear.reaches("10.10.0.11", 83), 10)

    def test_a_look_that_finds_nothing_new_costs_nothing(self, scene: Scene) -> None:
        def looks() -> list[State]:
            return [told for told in NET.told() if told["what"] == "applied"]

        count = len(looks())
        until(lambda: len(looks()) > count + 6)
        assert min(look["cpu_ms"] for look in looks()[count:]) < 10
        assert len({(look["fds"], look["threads"]) for look in looks()[count + 2:]}) == 1

    def test_a_real_tap_is_made_for_a_guest_to_come(self, scene: Scene, restored: Cloud) -> None:
        port = restored.port(TWO, "coming", "lan", mac(18), "10.10.0.18/24", groups=("open",))
        TWO.want(restored.wanted(TWO))
        shown = TWO.run(f"ip -d link show {port['tap']}")
        assert f"master brq{uid('lan')[:11]}" in shown
        assert "tun type tap" in shown
        assert "persist on" in shown and "vnet_hdr on" in shown
        told = [told for told in TWO.told() if told["what"] == "ports_up"][-1]
        assert uid("coming") in told["ports"]

    def test_what_is_wanted_no_more_leaves_nothing(self, scene: Scene) -> None:
        empty = {"networks": {}, "ports": {}, "security_groups": {}, "members": {}, "dhcp": {},
                 "routers": {}}
        assert NET.run(HELPERS)
        for node in (NET, TWO):
            node.want(empty | {"host": node.name})
            assert leftovers(node) == ["table bridge cairn_sg", "table inet cairn_sg"]

    def test_cleanup_leaves_nothing_at_all(self, scene: Scene) -> None:
        without = scene.cloud.wanted(NET) | {"ports": {}}
        NET.want(without)
        assert NET.run(HELPERS)
        NET.stop()
        NET.put("agent.conf", "[host]\nlocal_ip = 172.30.242.11\n[messaging]\nurl = memory://\n")
        NET.run("python3 -c 'from cairn.common.manage import main; main()' --settings "
                f"{NET.folder}/agent.conf neutron agent-cleanup")
        assert leftovers(NET) == []
        assert NET.run("ls /run/cairn/neutron", check=False) == ""


def leftovers(node: Node) -> list[str]:
    return node.run(
        f"{HELPERS}; ls /run/netns | grep ^q; nft list tables; "
        "ip -br link | grep -E '^(brq|vxl|tap|vq)'; find /run/cairn -type f; true").splitlines()
