"""What tenants write, in the files of other programs: docs/develop/values.md, held to nasty words.

Each writer is given hundreds of values that nobody's API let in; what it writes has the lines,
elements and words that it has for harmless ones, or nothing of the thing at all.
"""

import base64
import io
import json
import random
import re
import uuid
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pycdlib
import pytest

from cairn.common.bounds import below
from cairn.common.errors import Invalid
from cairn.neutron.agent import advertising, dhcp, identifiers, names, router, rules
from cairn.neutron.agent.metadata import config
from cairn.neutron.agent.nft import replace
from cairn.nova.core import guest_documents as documents
from cairn.nova.drivers.libvirt import disks, domain
from cairn.nova.settings import ApiSettings, LibvirtSettings

TIMES = 300
PIECES = [
    "\n", "\r", "\0", "\x1b", "\u2028", "\u0085", "\x0b", "\t", " ", ",", ";", "#", "'", '"', "`",
    "$(id)", "${x}", "%s", "%n", "{{x}}", "{%", "}", "{", "\\", "\\n", "/", "..", "../", "//", "=",
    "<x/>", "&amp;", "]]>", "-->", "<!--", "\ud800", "\ufffe", "\u0660", "\uff0e", "e\u0301",
    "10.0.0.66", "10.0.0.0/0", "fe80::1%x", "::ffff:1.2.3.4", "0x7f", "dhcp-script=/x",
    "option:router", "tag:subnet-4444", "set:x", "accept", "drop", "jump", "server x", "A" * 300,
    "fa:16:3e:00:00:05", "web", "x", "-", "tap12345678-12", "@m4", "bind :80", "user root",
]
A, B, NET = (str(uuid.UUID(int=n)) for n in (1, 2, 3))
MAC = "fa:16:3e:00:00:05"
# Characters of what nft is told of any port or group whatever.
NFT = re.compile(r"[A-Za-z0-9 _.,:;{}@!=&<>/\"*|-]*")
DNSMASQ = re.compile(r"[ -~]*")


@pytest.fixture
def nasty():
    """Values, the same in each run."""
    dice = random.Random(20)

    def some():
        while True:
            yield "".join(dice.choice(PIECES) for _ in range(dice.randint(0, 5)))

    return some()


def spoil(thing, path, value):
    """A copy of the thing with the value at that place."""
    copy = json.loads(json.dumps(thing))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copy


def served():
    return {
        "port": {"id": A, "mac": MAC, "fixed_ips": [
            {"ip": "10.0.0.2", "subnet_id": "s4", "cidr": "10.0.0.2/24"}]},
        "mtu": 1450, "dns_domain": "example.org",
        "hosts": [{"port_id": B, "mac": MAC, "hostname": "web",
                   "fixed_ips": [{"ip": "10.0.0.5", "subnet_id": "s4"}],
                   "extra_dhcp_opts": [{"opt_name": "tftp-server", "opt_value": "10.0.0.9",
                                        "ip_version": 4}]}],
        "subnets": {"s4": {
            "cidr": "10.0.0.0/24", "ip_version": 4, "gateway_ip": "10.0.0.1",
            "dns_nameservers": ["9.9.9.9"], "metadata_port": None, "enable_dhcp": True,
            "host_routes": [{"destination": "10.9.0.0/16", "nexthop": "10.0.0.9"}],
            "ipv6_ra_mode": None, "ipv6_address_mode": None}}}


HOST, SUBNET = ("hosts", 0), ("subnets", "s4")


@pytest.mark.parametrize("path", [
    ("dns_domain",), (*HOST, "port_id"), (*HOST, "mac"), (*HOST, "hostname"),
    (*HOST, "fixed_ips", 0, "ip"), (*HOST, "extra_dhcp_opts", 0, "opt_name"),
    (*HOST, "extra_dhcp_opts", 0, "opt_value"), (*SUBNET, "cidr"), (*SUBNET, "gateway_ip"),
    (*SUBNET, "dns_nameservers", 0), (*SUBNET, "host_routes", 0, "destination"),
    (*SUBNET, "host_routes", 0, "nexthop"), (*SUBNET, "metadata_port")], ids=str)
def test_dnsmasq(nasty, path):
    def written(network):
        network, _ = dhcp.plain(network)
        return [dhcp.conf(network, Path("/d"), "ns-1"), dhcp.hosts(network),
                dhcp.options(network), dhcp.known_names(network)]

    harmless = [text.count("\n") for text in written(served())]
    for value, _ in zip(nasty, range(TIMES), strict=False):
        try:
            texts = written(spoil(served(), path, value))
        except ValueError:
            continue
        for text, lines in zip(texts, harmless, strict=True):
            assert all(map(DNSMASQ.fullmatch, text.split("\n"))), value
            # Routes are two lines; with a metadata port they are there in any case.
            assert text.count("\n") <= lines, value
        assert len(re.findall("^dhcp-|^[a-z-]+=", texts[0], re.M)) == len(
            re.findall("^dhcp-|^[a-z-]+=", written(served())[0], re.M))


@pytest.mark.parametrize("key", ["cidr", "id", "server"])
def test_advertisements(nasty, key):
    def written(value=None):
        subnet = {"id": "six", "cidr": "2001:db8::/64", "ip_version": 6, "ipv6_ra_mode": "slaac",
                  "dns_nameservers": ["2001:db8::9"]}
        if value is not None:
            subnet[key] = value
            if key == "server":
                subnet["dns_nameservers"] = [value]
        return advertising.conf(
            {"interfaces": [{"id": A, "mtu": 1450, "subnets": [subnet]}]}, Path("/p"))

    for value, _ in zip(nasty, range(TIMES), strict=False):
        try:
            text = written(value)
        except ValueError:
            continue
        assert text.count("\n") == written().count("\n") and DNSMASQ.fullmatch(
            text.replace("\n", ""))


def test_haproxy_has_nothing_of_a_tenants_but_an_id(nasty):
    for value, _ in zip(nasty, range(TIMES), strict=False):
        for name in (names.dhcp_namespace, names.router_namespace):
            with pytest.raises(Invalid):
                name(value)
    text = config("169.254.169.254:80", Path("/s"), Path("/p"))
    assert text.count("listen ") == 1 and text.count("server ") == 2  # One is a timeout.


def host_state():
    return {
        "networks": {NET: {}}, "dhcp": {}, "routers": {}, "members": {B: {"4": ["10.0.0.7"],
                                                                          "6": []}},
        "ports": {A: {
            "network_id": NET, "tap": f"tap{A[:11]}", "mac": MAC, "port_security_enabled": True,
            "fixed_ips": [{"ip": "10.0.0.5", "subnet_id": "s", "cidr": "10.0.0.5/24"}],
            "allowed_address_pairs": [{"ip_address": "10.0.0.6", "mac_address": MAC}],
            "security_groups": [B]}},
        "security_groups": {B: {"stateful": True, "rules": [{
            "direction": "ingress", "ethertype": "IPv4", "protocol": 6, "port_range_min": 1,
            "port_range_max": 2, "remote_ip_prefix": None, "remote_group_id": B}]}}}


PORT, RULE = ("ports", A), ("security_groups", B, "rules", 0)


@pytest.mark.parametrize("path", [
    (*PORT, "tap"), (*PORT, "mac"), (*PORT, "network_id"), (*PORT, "fixed_ips", 0, "ip"),
    (*PORT, "allowed_address_pairs", 0, "ip_address"),
    (*PORT, "allowed_address_pairs", 0, "mac_address"), (*PORT, "security_groups", 0),
    (*RULE, "protocol"), (*RULE, "port_range_min"), (*RULE, "port_range_max"),
    (*RULE, "remote_ip_prefix"), (*RULE, "remote_group_id"), (*RULE, "ethertype"),
    (*RULE, "direction"), ("members", B, "4", 0)], ids=str)
def test_nft(nasty, path):
    def written(state):
        state = identifiers.sound(state, {})
        bridges = {NET: names.bridge(NET)}
        return replace("t", rules.ruleset(state, bridges, rules.unreadable(state)))

    lines = written(host_state()).count("\n")
    allowed = len(re.findall(r"\baccept\b", written(host_state())))
    for value, _ in zip(nasty, range(TIMES), strict=False):
        text = written(spoil(host_state(), path, value))
        assert all(map(NFT.fullmatch, text.split("\n"))), value
        assert text.count("\n") <= lines + 2, value  # A set of each IP version more.
        assert len(re.findall(r"\baccept\b", text)) <= allowed, value


@pytest.mark.parametrize("part", ["networks", "ports", "security_groups", "members", "dhcp",
                                  "routers"])
def test_ids_are_ids_or_their_things_are_left_out(nasty, part):
    things = {"dhcp": {"port": {"id": A}}, "routers": {"interfaces": [], "gateway": None},
              **{name: host_state()[name] and next(iter(host_state()[name].values()))
                 for name in ("networks", "ports", "security_groups", "members")}}
    for value, _ in zip(nasty, range(TIMES), strict=False):
        isolated = {}
        state = host_state() | {part: {value: things[part]}}
        assert identifiers.sound(state, isolated)[part] == {}
        ((_, shown),) = isolated
        assert shown.isprintable()


@pytest.mark.parametrize("key", ["floating_ip_address", "fixed_ip_address"])
def test_routers_rules(nasty, key):
    def written(**more):
        pair = {"floating_ip_address": "203.0.113.20", "fixed_ip_address": "10.0.0.5", **more}
        return router.ruleset({
            "gateway": {"id": A, "fixed_ips": [{"ip": "203.0.113.9"}]}, "enable_snat": True,
            "floating_ips": [pair]})

    for value, _ in zip(nasty, range(TIMES), strict=False):
        try:
            text = written(**{key: value})
        except ValueError:
            continue
        assert re.sub(r"[0-9.]+|[0-9a-f:]+:[0-9a-f:]*", "", text) == re.sub(
            r"[0-9.]+|[0-9a-f:]+:[0-9a-f:]*", "", written())


def test_files_stay_where_they_belong(nasty, tmp_path):
    for value, _ in zip(nasty, range(TIMES), strict=False):
        try:
            assert below(tmp_path, value).parent == tmp_path
        except (Invalid, ValueError, OSError):
            continue


def spec(**more):
    return {
        "id": A, "domain": "instance-0000000a", "name": "web", "created_at": "now",
        "user_id": "u", "project_id": "p", "vifs": [], "block_devices": [],
        "config_drive": None,
        "flavor": {"ram": 64, "vcpus": 1, "disk": 1, "ephemeral": 0, "extra_specs": {}, "swap": 0},
        "image": {"id": B, "disk_format": "raw", "checksum": "", "properties": {}}, **more}


@pytest.mark.parametrize("key", ["name", "user_id", "project_id", "created_at"])
def test_domains(nasty, key):
    def shape(**more):
        text = domain.document(spec(**more), LibvirtSettings(), "qemu", Path("/x"), [])
        root = ElementTree.fromstring(text.encode())
        return [(element.tag, sorted(element.attrib)) for element in root.iter()]

    harmless = shape()
    for value, _ in zip(nasty, range(TIMES // 10), strict=False):
        assert shape(**{key: value}) == harmless


@pytest.mark.parametrize("name", ["hw_machine_type", "hw_vif_model"])
def test_machines_are_of_a_list_or_a_word(nasty, name):
    vif = {"id": A, "device": f"tap{A[:11]}", "mac": MAC, "mtu": 1450}
    for value, _ in zip(nasty, range(TIMES // 10), strict=False):
        image = {"id": B, "disk_format": "raw", "checksum": "", "properties": {name: value}}
        try:
            text = domain.document(spec(image=image, vifs=[vif]), LibvirtSettings(), "qemu",
                                   Path("/x"), [])
        except Exception as refused:
            assert name in str(refused)
            continue
        assert not value or re.fullmatch("[A-Za-z0-9._-]+", value), text


def server(**more):
    return SimpleNamespace(**{
        "id": A, "name": "web", "hostname": "web", "launch_index": 0, "zone": "nova",
        "project_id": "p", "vifs": [], "meta": {"k": "v"}, "key_name": "k", "key_data": "ssh x",
        "user_data": base64.b64encode(b"#cloud-config").decode(), "image": None, "number": 10,
        "root_device": "/dev/vda", "flavor": {"name": "m1"}, "reservation_id": "r",
        "security_groups": ["default"], **more})


@pytest.mark.parametrize("key", ["name", "hostname", "zone", "key_name", "key_data", "meta",
                                 "security_groups"])
def test_metadata(nasty, key):
    settings = ApiSettings()
    for value, _ in zip(nasty, range(TIMES // 5), strict=False):
        given = {"meta": {value: value}, "security_groups": [value]}.get(key, value)
        files = documents.files(server(**{key: given}), settings, admin_pass=value)
        assert set(files) == set(documents.files(server(), settings))
        told = json.loads(files["openstack/latest/meta_data.json"])
        assert told["admin_pass" if value else "uuid"] == (value or A)
        assert {"name": told["name"], "meta": told["meta"]}.get(key, given) == given
        assert files["openstack/latest/user_data"] == b"#cloud-config"


def test_a_config_drive_has_its_files_whatever_is_in_them(nasty, tmp_path):
    for value, _ in zip(nasty, range(20), strict=False):
        content = {name: base64.b64encode(data).decode() for name, data in documents.files(
            server(name=value), ApiSettings(), admin_pass=value).items()}
        path = tmp_path / "disk.config"
        disks.write_config_drive(path, content)
        iso = pycdlib.PyCdlib()
        iso.open(str(path))
        got = io.BytesIO()
        iso.get_file_from_iso_fp(got, joliet_path="/openstack/latest/meta_data.json")
        iso.close()
        assert json.loads(got.getvalue())["name"] == value
