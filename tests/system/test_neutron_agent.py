# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""neutron-agent on two nodes, with real packets: guests are namespaces at links named as taps."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.lab

HOUSE = Path(__file__).parents[2]
PACKAGES = Path(sysconfig.get_path("purelib"))
LAB = {
    "lab_name": "test-agent",
    "lab_subnet": "172.30.242.0/24",
    "lab_external_subnet": "172.31.242.0/24",
    "lab_binds_read_only": [str(HOUSE), str(PACKAGES)],
    "lab_base_packages": [
        "dnsmasq-base", "haproxy", "iputils-arping", "iputils-ping", "nftables", "udhcpc",
    ],
    "lab_nodes": [
        {"name": "net", "groups": ["network", "compute"], "external": True},
        {"name": "two", "groups": ["compute"]},
    ],
}
DIRECTORY = Path("/var/lib/cairn-lab") / str(LAB["lab_name"])
OUTSIDE = "172.31.242"
SECRET = "swordfish"
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
                     "roles": self.roles, "interval": 0.5},
            "metadata": {"url": "http://127.0.0.1:8775/metadata", "secret": SECRET}})
        self.run(f"cd {HOUSE}; exec setsid python3 tests/system/agent_in_node.py {self.folder} "
                 f">> {self.folder}/log 2>&1 < /dev/null & echo $! > {self.folder}/pid")

    def stop(self) -> None:
        self.run(f"p=$(cat {self.folder}/pid); kill $p; while [ -d /proc/$p ]; do sleep .05; done")

    def told(self) -> list[State]:
        lines = self.run(f"cat {self.folder}/told.jsonl", check=False).splitlines()
        return [json.loads(line) for line in lines]

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

    def network(self, name: str, number: int | None = None, **more: Any) -> None:
        self.networks[uid(name)] = {
            "network_type": "vxlan" if number else "flat", "segmentation_id": number,
            "physical_network": None if number else "physnet1", "mtu": 1450 if number else 1500,
            "admin_state_up": True, **more}

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
            "mtu": mtu, "fixed_ips": fixed(*addresses)}


def lease(port: str, mac: str, address: str) -> State:
    return {"port_id": uid(port), "mac": mac, "hostname": f"host-{address.replace('.', '-')}",
            "fixed_ips": [{"ip": address, "subnet_id": uid("subnet")}], "extra_dhcp_opts": []}


def mac(number: int) -> str:
    return f"fa:16:3e:00:00:{number:02x}"


class Scene:
    """A routed network over both nodes, an isolated one with the same addresses, and guests."""

    def __init__(self) -> None:
        self.cloud = cloud = Cloud()
        cloud.network("lan", 4711)
        cloud.network("island", 4712)
        cloud.network("public")
        cloud.group("default", rule("egress"), rule("egress", ethertype="IPv6"),
                    rule("ingress", remote_group_id=uid("default")))
        cloud.members[uid("default")] = {"4": ["10.10.0.11", "10.10.0.12"], "6": []}
        cloud.group("web", rule("egress"), rule("egress", ethertype="IPv6"),
                    rule("ingress", protocol=6, port_range_min=80, port_range_max=82),
                    rule("ingress", protocol=1, port_range_min=8))
        cloud.group("open", *(rule(direction, ethertype=ethertype)
                              for direction in ("ingress", "egress")
                              for ethertype in ("IPv4", "IPv6")))
        self.a = self._guest(NET, "a", "lan", 11, "10.10.0.11/24", "default", "web")
        self.b = self._guest(TWO, "b", "lan", 12, "10.10.0.12/24", "default")
        self.evil = self._guest(TWO, "evil", "lan", 13, "10.10.0.13/24", "open")
        self.ear = self._guest(TWO, "ear", "lan", 14, "10.10.0.14/24", "open")
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
            "interfaces": [system_port("lan side", "lan", mac(41), 1450, "10.10.0.1/24") | {
                "subnets": [{"id": uid("subnet"), "cidr": "10.10.0.0/24", "ip_version": 4,
                             "gateway_ip": "10.10.0.1", "ipv6_ra_mode": None,
                             "ipv6_address_mode": None, "dns_nameservers": []}]}],
            "gateway": system_port("way out", "public", mac(42), 1500, f"{OUTSIDE}.150/24") | {
                "gateway_ips": [f"{OUTSIDE}.1"]},
            "floating_ips": [
                {"id": uid(f"floating {guest}"), "floating_ip_address": f"{OUTSIDE}.{last}",
                 "fixed_ip_address": f"10.10.0.{last - 140}", "status": "DOWN"}
                for guest, last in (("a", 151), ("b", 152))],
            "routes": []}

    def _guest(
        self, node: Node, name: str, network: str, number: int, address: str, *groups: str
    ) -> Guest:
        self.cloud.port(node, name, network, mac(number), address, groups=groups)
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


def dhcp(guest: Guest) -> dict[str, str]:
    """What the guest is offered and takes."""
    guest.node.put("udhcpc", TOLD)
    told = f"/root/agent/lease-{guest.name}"
    guest.run(f"chmod +x /root/agent/udhcpc; TOLD={told} udhcpc -i eth0 -n -q -f -t 4 -T 1 "
              "-O mtu -O staticroutes -O msstaticroutes -s /root/agent/udhcpc")
    lines = guest.run(f"cat {told}").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


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

    def test_a_guest_on_another_node_is_served_through_the_tunnel(self, scene: Scene) -> None:
        assert dhcp(scene.b)["ip"] == "10.10.0.12"

    def test_equal_addresses_of_another_network_are_apart(self, scene: Scene) -> None:
        lease = dhcp(scene.alone)
        assert lease["ip"] == "10.10.0.11"
        assert lease["staticroutes"].startswith("169.254.169.254/32 10.10.0.2")

    def test_a_mac_address_nobody_knows_gets_none(self, scene: Scene) -> None:
        with pytest.raises(AssertionError, match="no lease"):
            dhcp(scene.evil)
