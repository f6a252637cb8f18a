"""What each resource answers to what is wrong: the codes of the API reference, by resource."""

import pytest

from cairn.nova.app import create_app

from .conftest import PEOPLE

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgGj6M1Zz5q8hUq5xj0O8u2zGm0rY1s0o7m3uJ0f0Zk"
HUGE = "9" * 30
DIGITS = "9" * 5000  # More than Python makes a number of.
MANY = {str(number): "1" for number in range(200)}


def flavor(**more):
    return {"flavor": {"name": "x", "ram": 1, "vcpus": 1, "disk": 1, **more}}


def server(**more):
    asked = {"name": "x", "flavorRef": "m1", "imageRef": "IMAGE", "networks": "none", **more}
    return {"server": {name: value for name, value in asked.items() if value is not None}}


# (who, method and path; body; code), one after the other.
CASES = {
    "flavors": [
        ("admin GET /flavors/none", None, 404), ("admin DELETE /flavors/none", None, 404),
        ("admin POST /flavors", flavor(ram=512, id="m1"), 409),
        ("admin POST /flavors", flavor(name="m1.small", ram=512), 409),
        ("admin POST /flavors", flavor(ram="a"), 400), ("admin POST /flavors", flavor(ram=0), 400),
        ("admin POST /flavors", flavor(name=""), 400),
        ("admin POST /flavors", flavor(name=" "), 400),
        ("admin POST /flavors", {"flavor": {"ram": 1, "vcpus": 1, "disk": 1}}, 400),
        ("admin POST /flavors", flavor(x=1), 400), ("alice POST /flavors", flavor(), 403),
        ("alice POST /flavors", {}, 403),
        ("admin PUT /flavors/none", {"flavor": {"description": "x"}}, 404),
        ("admin PUT /flavors/m1", {"flavor": {"name": "x"}}, 400),
        ("bob GET /flavors/p1", None, 404),
        ("admin POST /flavors", flavor(ram="0"), 400),
        ("admin POST /flavors", flavor(ram=HUGE), 400),
        ("admin POST /flavors", flavor(vcpus=DIGITS), 400),
        ("admin POST /flavors", flavor(disk="2147483648"), 400),
        ("admin POST /flavors", flavor(rxtx_factor=DIGITS), 400),
        ("admin POST /flavors", flavor(rxtx_factor="0.0"), 400),
        ("alice GET /flavors/", None, 404),
    ],
    "parts of flavors": [
        ("admin GET /flavors/m1/os-flavor-access", None, 404),
        ("admin GET /flavors/none/os-flavor-access", None, 404),
        ("admin POST /flavors/m1/action", {"addTenantAccess": {"tenant": "red"}}, 409),
        ("admin POST /flavors/none/action", {"addTenantAccess": {"tenant": "red"}}, 404),
        ("admin POST /flavors/m1/action", {"addTenantAccess": {"tenant": ""}}, 400),
        ("admin POST /flavors/m1/action", {"addTenantAccess": {}}, 400),
        ("admin POST /flavors/m1/action", {"removeTenantAccess": {"tenant": "red"}}, 404),
        ("admin POST /flavors/m1/action", {"x": {"tenant": "red"}}, 400),
        ("admin POST /flavors/p1/action", {"addTenantAccess": {"tenant": "red"}}, 200),
        ("admin POST /flavors/p1/action", {"addTenantAccess": {"tenant": "red"}}, 409),
        ("admin POST /flavors/p1/action", {"removeTenantAccess": {"tenant": "blue"}}, 404),
        ("alice POST /flavors/p1/action", {"addTenantAccess": {"tenant": "red"}}, 403),
        ("bob GET /flavors/p1/os-extra_specs", None, 404),
        ("admin GET /flavors/none/os-extra_specs", None, 404),
        ("admin GET /flavors/m1/os-extra_specs/none", None, 404),
        ("admin DELETE /flavors/m1/os-extra_specs/none", None, 404),
        ("admin PUT /flavors/m1/os-extra_specs/a", {"b": "1"}, 400),
        ("admin PUT /flavors/m1/os-extra_specs/a", {"a": "1", "b": "1"}, 400),
        ("admin PUT /flavors/none/os-extra_specs/a", {"a": "1"}, 404),
        ("admin POST /flavors/none/os-extra_specs", {"extra_specs": {"a": "1"}}, 404),
        ("admin POST /flavors/m1/os-extra_specs", {"extra_specs": {"a": {}}}, 400),
        ("admin POST /flavors/m1/os-extra_specs", {"extra_specs": {"a/b": "1"}}, 400),
        ("admin POST /flavors/m1/os-extra_specs", {"extra_specs": {}}, 200),
        ("alice POST /flavors/m1/os-extra_specs", {"extra_specs": {"a": "1"}}, 403),
    ],
    "keypairs": [
        ("alice GET /os-keypairs/none", None, 404), ("alice DELETE /os-keypairs/none", None, 404),
        ("alice POST /os-keypairs", {"keypair": {"name": "k", "public_key": KEY}}, 201),
        ("alice POST /os-keypairs", {"keypair": {"name": "k", "public_key": KEY}}, 409),
        ("alice POST /os-keypairs", {"keypair": {"name": "k2", "public_key": "x"}}, 400),
        ("alice POST /os-keypairs", {"keypair": {"name": "", "public_key": KEY}}, 400),
        ("alice POST /os-keypairs", {"keypair": {"name": 1, "public_key": KEY}}, 400),
        ("alice POST /os-keypairs",
         {"keypair": {"name": "k3", "public_key": KEY, "type": "gpg"}}, 400),
        ("alice POST /os-keypairs",
         {"keypair": {"name": "k3", "public_key": KEY, "user_id": "bob"}}, 403),
        ("alice GET /os-keypairs?user_id=bob", None, 403),
        ("alice GET /os-keypairs/k?user_id=bob", None, 403),
        ("alice DELETE /os-keypairs/k?user_id=bob", None, 403),
        ("bob GET /os-keypairs/k", None, 404),
        ("alice POST /os-keypairs",
         {"keypair": {"name": "k4", "public_key": "ssh-rsa JUNK nova@ubuntu"}}, 400),
        ("alice POST /os-keypairs",
         {"keypair": {"name": "k4", "public_key": f"ssh-rsa {'A' * 2048} o@u"}}, 400),
        ("alice POST /os-keypairs", {"keypair": {"name": "k4", "public_key": " "}}, 400),
        ("alice POST /os-keypairs", {"keypair": {"name": "k" * 256, "public_key": KEY}}, 400),
        ("alice POST /os-keypairs", {"keypair": {"name": "k_/.\\@:", "public_key": KEY}}, 400),
    ],
    "aggregates": [
        ("admin POST /os-aggregates", {"aggregate": {"name": "a1"}}, 200),
        ("admin POST /os-aggregates",
         {"aggregate": {"name": "a2", "availability_zone": "z1"}}, 200),
        ("admin POST /os-aggregates", {"aggregate": {"name": "a1"}}, 409),
        ("admin POST /os-aggregates", {"aggregate": {"name": ""}}, 400),
        ("admin POST /os-aggregates",
         {"aggregate": {"name": "x", "availability_zone": "a:b"}}, 400),
        ("admin POST /os-aggregates", {"aggregate": {}}, 400),
        ("alice POST /os-aggregates", {"aggregate": {"name": "x"}}, 403),
        ("admin GET /os-aggregates/99", None, 404), ("admin GET /os-aggregates/x", None, 400),
        ("admin PUT /os-aggregates/99", {"aggregate": {"name": "q"}}, 404),
        ("admin PUT /os-aggregates/x", {"aggregate": {"name": "q"}}, 400),
        ("admin PUT /os-aggregates/2", {"aggregate": {"name": "a1"}}, 409),
        ("admin PUT /os-aggregates/2", {"aggregate": {}}, 400),
        ("admin DELETE /os-aggregates/99", None, 404), ("admin DELETE /os-aggregates/x", None, 400),
        ("admin DELETE /os-aggregates/-1", None, 404), ("admin GET /os-aggregates/-1", None, 404),
        (f"admin GET /os-aggregates/{HUGE}", None, 404),
        (f"admin GET /os-aggregates/{DIGITS}", None, 404),
        ("admin GET /os-aggregates/1.5", None, 400),
        ("admin POST /os-aggregates", {"aggregate": {"name": "a" * 256}}, 400),
        ("admin POST /os-aggregates/1/action", {"add_host": {"host": "nix"}}, 404),
        ("admin POST /os-aggregates/99/action", {"add_host": {"host": "one"}}, 404),
        ("admin POST /os-aggregates/x/action", {"add_host": {"host": "one"}}, 400),
        ("admin POST /os-aggregates/1/action", {"add_host": {}}, 400),
        ("admin POST /os-aggregates/1/action", {"add_host": {"host": "one"}}, 200),
        ("admin POST /os-aggregates/1/action", {"add_host": {"host": "one"}}, 409),
        ("admin DELETE /os-aggregates/1", None, 400),
        ("admin POST /os-aggregates/1/action", {"remove_host": {"host": "two"}}, 404),
        ("admin POST /os-aggregates/99/action", {"remove_host": {"host": "one"}}, 404),
        ("admin POST /os-aggregates/99/action", {"set_metadata": {"metadata": {"a": "1"}}}, 404),
        ("admin POST /os-aggregates/1/action", {"set_metadata": {"metadata": {"a": {}}}}, 400),
        ("admin POST /os-aggregates/1/action", {"set_metadata": {"metadata": {}}}, 200),
        ("alice GET /os-aggregates", None, 403), ("alice DELETE /os-aggregates/1", None, 403),
    ],
    "server groups": [
        ("alice GET /os-server-groups/NONE", None, 404),
        ("alice DELETE /os-server-groups/NONE", None, 404),
        ("alice GET /os-server-groups/x", None, 404),
        ("alice POST /os-server-groups", {"server_group": {"name": "g", "policy": "bogus"}}, 400),
        ("alice POST /os-server-groups", {"server_group": {"name": "g"}}, 400),
        ("alice POST /os-server-groups", {"server_group": {"name": "", "policy": "affinity"}}, 400),
        ("alice POST /os-server-groups",
         {"server_group": {"name": "g", "policy": "affinity", "rules": {"max_server_per_host": 1}}},
         400),
        ("alice POST /os-server-groups",
         {"server_group": {"name": "g", "policy": "anti-affinity",
                           "rules": {"max_server_per_host": 0}}}, 400),
        ("alice POST /os-server-groups",
         {"server_group": {"name": "g", "policies": ["affinity"]}}, 400),
        ("rita POST /os-server-groups", {"server_group": {"name": "g", "policy": "affinity"}}, 403),
        *(("alice POST /os-server-groups",
           {"server_group": {"name": "g", "policy": "anti-affinity",
                             "rules": {"max_server_per_host": most}}}, 400)
          for most in ("0", HUGE, DIGITS, 10 ** 30)),
        (f"alice GET /os-server-groups?offset={HUGE}", None, 400),
        (f"alice GET /os-server-groups?offset={DIGITS}", None, 400),
    ],
    "hosts": [
        ("admin PUT /os-services/NONE", {"status": "disabled"}, 404),
        ("admin PUT /os-services/x", {"status": "disabled"}, 400),
        ("admin PUT /os-services/NONE", {}, 400), ("admin DELETE /os-services/NONE", None, 404),
        ("admin DELETE /os-services/x", None, 400), ("alice GET /os-services", None, 403),
        ("alice DELETE /os-services/NONE", None, 403),
        ("admin DELETE /os-services/SERVICE", None, 409),
        ("admin GET /os-hypervisors/NONE", None, 404), ("admin GET /os-hypervisors/x", None, 400),
        ("alice GET /os-hypervisors", None, 403),
        ("admin GET /os-hypervisors?hypervisor_hostname_pattern=zzz", None, 404),
        ("alice GET /os-availability-zone/detail", None, 403),
    ],
    "quotas": [
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": "x"}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": -2}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"bogus": 1}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"floating_ips": 1}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": 0}}, 400),
        ("admin PUT /os-quota-sets/red", {}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": "-2"}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": HUGE}}, 400),
        ("admin PUT /os-quota-sets/red", {"quota_set": {"cores": DIGITS}}, 400),
        ("alice PUT /os-quota-sets/red", {"quota_set": {"cores": 1}}, 403),
        ("alice GET /os-quota-sets/blue", None, 403),
        ("alice GET /os-quota-sets/blue/detail", None, 403),
        ("alice DELETE /os-quota-sets/red", None, 403),
        ("admin PUT /os-quota-class-sets/default", {"quota_class_set": {"bogus": 1}}, 400),
        ("alice GET /os-quota-class-sets/default", None, 403),
        ("alice GET /os-simple-tenant-usage", None, 403),
        ("alice GET /os-simple-tenant-usage/blue", None, 403),
        ("alice GET /limits?tenant_id=blue", None, 403),
        ("admin GET /os-simple-tenant-usage/", None, 404),
        ("admin GET /os-simple-tenant-usage/red?start=2026-03-01T00:00:00.000000"
         "&end=2026-02-01T00:00:00.000000", None, 400),
        ("admin GET /os-simple-tenant-usage?start=x", None, 400),
        ("admin GET /os-simple-tenant-usage?start=0001-01-01T00:00:00%2B14:00", None, 400),
        ("admin GET /os-simple-tenant-usage?end=9999-12-31T23:59:59-14:00", None, 400),
    ],
    "servers": [
        ("alice GET /servers/NONE", None, 404), ("alice GET /servers/x", None, 404),
        ("bob GET /servers/SERVER", None, 404), ("alice DELETE /servers/NONE", None, 404),
        ("bob DELETE /servers/SERVER", None, 404),
        ("alice PUT /servers/NONE", {"server": {"name": "x"}}, 404),
        ("alice PUT /servers/SERVER", {"server": {"name": ""}}, 400),
        ("alice PUT /servers/SERVER", {"server": {"name": 1}}, 400),
        ("alice PUT /servers/SERVER", {"server": {"flavorRef": "1"}}, 400),
        ("alice PUT /servers/SERVER", {}, 400),
        ("alice PUT /servers/SERVER", {"server": {"accessIPv4": "x"}}, 400),
        ("rita DELETE /servers/SERVER", None, 403),
        ("rita PUT /servers/SERVER", {"server": {"name": "x"}}, 403),
        ("rita POST /servers", {"server": {}}, 403), ("alice POST /servers", {"server": {}}, 400),
        ("alice POST /servers", {"x": {}}, 400),
        ("alice POST /servers", server(flavorRef="none"), 400),
        ("alice POST /servers", server(imageRef=NONE), 400),
        ("alice POST /servers", server(imageRef="x"), 400),
        ("alice POST /servers", server(networks="bogus"), 400),
        ("alice POST /servers",
         {"server": {"name": "x", "flavorRef": "m1", "imageRef": "IMAGE"}}, 400),
        ("alice POST /servers", server(networks=[{"uuid": NONE}]), 400),
        ("alice POST /servers", server(networks=[{"port": NONE}]), 400),
        ("alice POST /servers", server(networks=[{"uuid": "x"}]), 400),
        ("alice POST /servers", server(key_name="nokey"), 400),
        ("alice POST /servers", server(availability_zone="zz"), 400),
        ("alice POST /servers", server(user_data="!!"), 400),
        ("alice POST /servers", server(min_count=0), 400),
        ("alice POST /servers", server(min_count="0"), 400),
        ("alice POST /servers", server(min_count=2.5), 400),
        ("alice POST /servers", server(max_count=0), 400),
        ("alice POST /servers", server(max_count=2.5), 400),
        ("alice POST /servers", server(min_count=HUGE), 400),
        ("alice POST /servers", server(min_count=DIGITS), 400),
        ("alice POST /servers", server(name=12345), 400),
        ("alice POST /servers", server(name="a" * 256), 400),
        ("alice POST /servers", server(imageRef=-1), 400),
        ("alice POST /servers", server(flavorRef=-1), 400),
        ("alice POST /servers", server(accessIPv4="1.1.1.1.1.1"), 400),
        ("alice POST /servers", server(accessIPv6="notvalid"), 400),
        ("alice POST /servers", server(metadata={"": "1"}), 400),
        ("alice POST /servers", server(metadata={"k" * 256: "1"}), 400),
        ("alice DELETE /servers/-1", None, 404),
        (f"alice DELETE /servers/{HUGE}", None, 404),
        ("alice GET /servers?limit=-1", None, 400), ("alice GET /servers?limit=x", None, 400),
        (f"alice GET /servers?limit={DIGITS}", None, 400),
        ("alice GET /servers?changes-since=2011/01/01", None, 400),
        ("alice GET /servers?changes-since=0001-01-01T00:00:00%2B14:00", None, 400),
        ("alice GET /servers?status=nix", None, 400),
        ("alice GET /servers/", None, 404),
        ("alice POST /servers", server(min_count=2, max_count=1), 400),
        ("alice POST /servers", server(min_count=1000), 403),
        ("alice POST /servers", server(host="one"), 403),
        ("admin POST /servers", server(host="nix"), 400),
        ("alice POST /servers", server(networks="auto", security_groups=[{"name": "nix"}]), 400),
        ("alice POST /servers", server() | {"os:scheduler_hints": {"group": NONE}}, 400),
        ("alice POST /servers", server(metadata={"k": 1}), 400),
        ("alice POST /servers", server(metadata=MANY), 403),
        ("alice POST /servers", server(personality=[]), 400),
        ("alice POST /servers", server(adminPass=1), 400),
        ("alice POST /servers", server(flavorRef="p1"), 400),
        ("bob POST /servers", server(flavorRef="p1"), 400),
    ],
    "actions": [
        ("alice POST /servers/NONE/action", {"os-start": None}, 404),
        ("alice POST /servers/NONE/action", {"os-stop": None}, 404),
        ("alice POST /servers/NONE/action", {"lock": None}, 404),
        ("alice POST /servers/NONE/action", {"unlock": None}, 404),
        ("alice POST /servers/NONE/action", {"reboot": {"type": "HARD"}}, 404),
        ("alice POST /servers/SERVER/action", {"reboot": {"type": "MEDIUM"}}, 400),
        ("alice POST /servers/SERVER/action", {"reboot": {}}, 400),
        ("alice POST /servers/SERVER/action", {"reboot": None}, 400),
        ("alice POST /servers/SERVER/action", {"os-start": None}, 409),
        ("alice POST /servers/SERVER/action", {"bogus": None}, 400),
        ("alice POST /servers/SERVER/action", {}, 400),
        ("alice POST /servers/SERVER/action", {"os-start": None, "os-stop": None}, 400),
        ("alice POST /servers/SERVER/action", {"os-resetState": {"state": "active"}}, 403),
        ("admin POST /servers/SERVER/action", {"os-resetState": {"state": "bogus"}}, 400),
        ("admin POST /servers/SERVER/action", {"os-resetState": {}}, 400),
        ("admin POST /servers/NONE/action", {"os-resetState": {"state": "active"}}, 404),
        ("alice POST /servers/SERVER/action", {"createImage": {"name": ""}}, 400),
        ("alice POST /servers/SERVER/action", {"createImage": {}}, 400),
        ("alice POST /servers/NONE/action", {"createImage": {"name": "x"}}, 404),
        ("alice POST /servers/SERVER/action", {"rebuild": {}}, 400),
        ("alice POST /servers/SERVER/action", {"rebuild": {"imageRef": NONE}}, 400),
        ("alice POST /servers/NONE/action", {"rebuild": {"imageRef": "IMAGE"}}, 404),
        ("alice POST /servers/SERVER/action", {"os-getConsoleOutput": {"length": "x"}}, 400),
        ("alice POST /servers/SERVER/action", {"os-getConsoleOutput": {"length": HUGE}}, 400),
        ("alice POST /servers/SERVER/action", {"os-getConsoleOutput": {"length": DIGITS}}, 400),
        ("alice POST /servers/SERVER/action", {"os-getConsoleOutput": {"length": "-2"}}, 400),
        ("alice POST /servers/SERVER/action", {"createImage": {"name": "x" * 256}}, 400),
        ("alice POST /servers/SERVER/action",
         {"createImage": {"name": "x", "metadata": {"": ""}}}, 400),
        ("alice POST /servers/x/action", {"createImage": {"name": "x"}}, 404),
        ("alice POST /servers/SERVER/action", {"restore": None}, 409),
        ("alice POST /servers/NONE/action", {"restore": None}, 404),
        ("alice POST /servers/NONE/action", {"forceDelete": None}, 404),
        ("admin POST /servers/SERVER/action", {"os-resetState": {"state": 1}}, 400),
        ("alice POST /servers/NONE/action", {"os-getConsoleOutput": {}}, 404),
        ("alice POST /servers/NONE/action", {"addSecurityGroup": {"name": "default"}}, 404),
        ("alice POST /servers/SERVER/action", {"addSecurityGroup": {"name": "nix"}}, 404),
        ("alice POST /servers/SERVER/action", {"addSecurityGroup": {}}, 400),
        ("alice POST /servers/SERVER/action", {"removeSecurityGroup": {"name": "nix"}}, 404),
        ("rita POST /servers/SERVER/action", {"os-stop": None}, 403),
        ("bob POST /servers/SERVER/action", {"os-stop": None}, 404),
    ],
    "parts of servers": [
        ("alice GET /servers/NONE/ips", None, 404), ("alice GET /servers/NONE/metadata", None, 404),
        ("alice GET /servers/NONE/tags", None, 404),
        ("alice GET /servers/NONE/os-interface", None, 404),
        ("alice GET /servers/NONE/os-instance-actions", None, 404),
        ("alice GET /servers/NONE/os-security-groups", None, 404),
        ("alice GET /servers/NONE/os-server-password", None, 404),
        ("alice GET /servers/NONE/os-volume_attachments", None, 404),
        ("alice GET /servers/NONE/ips/x", None, 404),
        ("alice GET /servers/NONE/metadata/x", None, 404),
        ("alice GET /servers/NONE/tags/x", None, 404), ("bob GET /servers/SERVER/ips", None, 404),
        ("bob GET /servers/SERVER/metadata", None, 404),
        ("bob GET /servers/SERVER/tags", None, 404),
        ("bob GET /servers/SERVER/os-interface", None, 404),
        ("bob GET /servers/SERVER/os-instance-actions", None, 404),
        ("bob GET /servers/SERVER/os-security-groups", None, 404),
        ("bob GET /servers/SERVER/os-server-password", None, 404),
        ("bob GET /servers/SERVER/os-volume_attachments", None, 404),
        ("admin GET /servers/NONE/diagnostics", None, 404),
        ("alice GET /servers/SERVER/diagnostics", None, 403),
        ("alice GET /servers/SERVER/ips/nix", None, 404),
        ("alice GET /servers/SERVER/metadata/nix", None, 404),
        ("alice DELETE /servers/SERVER/metadata/nix", None, 404),
        ("alice PUT /servers/SERVER/metadata/a", {"meta": {"b": "1"}}, 400),
        ("alice PUT /servers/SERVER/metadata/a", {"meta": {"a": "1", "b": "1"}}, 400),
        ("alice PUT /servers/SERVER/metadata/a", {"meta": {}}, 400),
        ("alice PUT /servers/SERVER/metadata/a", {"meta": {"a": 1}}, 400),
        ("alice PUT /servers/NONE/metadata/a", {"meta": {"a": "1"}}, 404),
        ("alice POST /servers/SERVER/metadata", {"metadata": {"a" * 256: "1"}}, 400),
        ("alice POST /servers/SERVER/metadata", {"metadata": {"a": "1" * 256}}, 400),
        ("alice POST /servers/SERVER/metadata", {"metadata": None}, 400),
        ("alice POST /servers/SERVER/metadata", {"metadata": MANY}, 403),
        ("alice PUT /servers/SERVER/metadata", {"metadata": MANY}, 403),
        ("alice PUT /servers/NONE/metadata", {"metadata": {}}, 404),
        ("rita POST /servers/SERVER/metadata", {"metadata": {"a": "1"}}, 403),
        ("alice GET /servers/SERVER/tags/nix", None, 404),
        ("alice DELETE /servers/SERVER/tags/nix", None, 404),
        ("alice PUT /servers/SERVER/tags/a,b", None, 400),
        (f"alice PUT /servers/SERVER/tags/{'a' * 61}", None, 400),
        ("alice PUT /servers/SERVER/tags", {"tags": ["a", "b" * 61]}, 400),
        ("alice PUT /servers/SERVER/tags", {"tags": [str(n) for n in range(51)]}, 400),
        ("alice PUT /servers/NONE/tags", {"tags": []}, 404),
        ("alice DELETE /servers/NONE/tags", None, 404),
        ("alice GET /servers/SERVER/os-interface/NONE", None, 404),
        ("alice DELETE /servers/SERVER/os-interface/NONE", None, 404),
        ("alice DELETE /servers/NONE/os-interface/NONE", None, 404),
        ("alice POST /servers/NONE/os-interface", {"interfaceAttachment": {"net_id": NONE}}, 404),
        ("alice POST /servers/SERVER/os-interface", {"interfaceAttachment": {"net_id": NONE}}, 404),
        ("alice POST /servers/SERVER/os-interface",
         {"interfaceAttachment": {"port_id": NONE}}, 404),
        ("alice POST /servers/SERVER/os-interface",
         {"interfaceAttachment": {"port_id": NONE, "net_id": NONE}}, 400),
        ("alice POST /servers/SERVER/os-interface",
         {"interfaceAttachment": {"fixed_ips": [{"ip_address": "10.0.0.9"}]}}, 400),
        ("alice POST /servers/SERVER/os-interface", {"interfaceAttachment": {"port_id": "x"}}, 400),
        ("alice GET /servers/SERVER/os-instance-actions/req-none", None, 404),
        ("alice GET /servers/SERVER/os-instance-actions"
         "?changes-since=0001-01-01T00:00:00%2B14:00", None, 400),
        ("alice PUT /servers/SERVER/metadata", {"metadata": {"": "1"}}, 400),
        ("alice PUT /servers/SERVER/metadata", {"meta": {"a": "1"}}, 400),
        ("alice GET /servers/SERVER/os-volume_attachments/NONE", None, 404),
    ],
    "events": [
        ("alice POST /os-server-external-events", {"events": []}, 403),
        ("neutron POST /os-server-external-events",
         {"events": [{"name": "network-changed", "server_uuid": NONE}]}, 404),
        ("neutron POST /os-server-external-events",
         {"events": [{"name": "bogus", "server_uuid": NONE}]}, 400),
        ("neutron POST /os-server-external-events", {"events": [{"name": "network-changed"}]}, 400),
        ("neutron POST /os-server-external-events",
         {"events": [{"name": "network-changed", "server_uuid": "x"}]}, 400),
        ("neutron POST /os-server-external-events", {}, 400),
    ],
    "paths": [
        ("alice GET /nix", None, 404), ("alice GET /servers/x/y/z", None, 404),
        ("alice PATCH /servers/SERVER", {}, 405), ("alice DELETE /servers", None, 405),
        ("alice PUT /os-keypairs", {}, 405),
    ],
}


# What only versions before those of above have, asked in the first.
OLD = {
    "security groups": [
        *((f"alice {method} /os-security-groups/{group}", body, code)
          for method, body in (("GET", None), ("DELETE", None), ("PUT", {
              "security_group": {"name": "x", "description": "d"}}))
          for group, code in (("NONE", 404), ("x", 400))),
        ("alice DELETE /os-security-groups/", None, 404),
        ("alice POST /os-security-groups",
         {"security_group": {"name": "", "description": "d"}}, 400),
        ("alice POST /os-security-groups",
         {"security_group": {"name": "a" * 256, "description": "d"}}, 400),
        ("alice POST /os-security-groups",
         {"security_group": {"name": "a", "description": "d" * 256}}, 400),
        ("alice DELETE /os-security-group-rules/x", None, 400),
        ("alice POST /os-security-group-rules",
         {"security_group_rule": {"parent_group_id": "x", "ip_protocol": "tcp"}}, 400),
        ("alice POST /os-security-group-rules",
         {"security_group_rule": {"parent_group_id": NONE, "group_id": "x"}}, 400),
        ("rita DELETE /os-security-groups/NONE", None, 403),
    ],
    "hosts": [
        *((f"admin GET /os-hypervisors/{number}", None, 404)
          for number in ("NONE", "x", "99", "-1", HUGE, DIGITS)),
        *((f"admin DELETE /os-services/{number}", None, code)
          for number, code in (("x", 400), ("99", 404), ("-1", 404), (HUGE, 404), (DIGITS, 404))),
        ("admin GET /os-hypervisors/NONE/uptime", None, 404),
        ("admin GET /os-hypervisors/NONE/servers", None, 404),
        ("admin GET /os-hypervisors/nix/search", None, 404),
        ("alice GET /os-hypervisors/1/servers", None, 403),
        ("alice GET /os-hypervisors/1/search", None, 403),
        ("alice GET /os-hypervisors/1/uptime", None, 403),
        ("alice GET /os-hypervisors/statistics", None, 403),
        ("admin PUT /os-services/enable", {"host": "nix", "binary": "nova-compute"}, 404),
        ("admin PUT /os-services/disable", {"host": "one", "binary": "nix"}, 404),
        ("admin PUT /os-services/disable-log-reason", {"host": "one", "binary": "nix"}, 400),
        ("admin GET /os-services?xxx=nova-compute", None, 200),
    ],
    "servers": [
        ("alice POST /servers", server(networks=None, personality=[
            {"path": "/etc/testfile.txt", "contents": "This is a test file."}]), 400),
        ("alice POST /servers", server(networks=[
            {"fixed_ip": "10.0.1.1", "uuid": "a-b-c-d-e-f-g-h-i-j"}]), 400),
        ("alice GET /servers?status=nix", None, 200),
        ("alice GET /servers?image=nix", None, 200), ("alice GET /servers?flavor=nix", None, 200),
    ],
}


@pytest.mark.parametrize(("resource", "version"), [
    *((resource, "2.96") for resource in CASES), *((resource, "2.1") for resource in OLD)])
def test_what_is_wrong(world, call, server, resource, version):
    image = next(iter(world.cloud.images))
    private = {"id": "p1", "os-flavor-access:is_public": False}
    call("POST", "/v2.1/flavors", flavor(**private), who="admin")
    service = call("GET", "/v2.1/os-services", who="admin").json["services"][0]["id"]
    wrong = []
    for request, body, code in (OLD if version == "2.1" else CASES)[resource]:
        who, method, path = request.split(" ")
        for name, value in (("SERVER", server), ("NONE", NONE), ("SERVICE", service)):
            path = path.replace(name, value)
        if body is not None and "imageRef" in str(body):
            asked = body[next(iter(body))]
            if asked.get("imageRef") == "IMAGE":
                body = body | {next(iter(body)): asked | {"imageRef": image}}
        answer = call(method, f"/v2.1{path}", body, who=who, version=version)
        if answer.status_code != code:
            wrong.append((request, body, code, answer.status_code, answer.json))
        elif code >= 400:
            [(kind, told)] = answer.json.items()
            assert (told["code"], bool(told["message"])) == (code, True), (request, kind)
    assert wrong == []


@pytest.mark.parametrize(("version", "code"), [
    ("2.1", 200), ("2.96", 200), ("latest", 200), ("2.999", 406), ("2.0", 406), ("3.1", 406),
    ("2", 400), ("x", 400), ("2.01", 400)])
def test_versions_that_there_are_not(call, version, code):
    answer = call("GET", "/v2.1/flavors", version=version)
    assert answer.status_code == code
    if code == 406:
        assert answer.json["notAcceptable"]["code"] == 406


@pytest.mark.parametrize(("media", "code"), [
    ("application/json", 400), ("application/json; charset=UTF-8", 400), ("text/plain", 400),
    ("application/vnd.openstack.compute+json", 400), (None, 400), ("application/xml", 415),
    ("application/x-www-form-urlencoded", 415), ("application/octet-stream", 415)])
def test_bodies_that_are_no_json(world, media, code):
    client = create_app(world.nova, lambda headers: PEOPLE["alice"], {}).test_client()
    for method, path in (("POST", "/v2.1/servers"), ("PUT", f"/v2.1/servers/{NONE}"),
                         ("POST", "/v2/servers"), ("POST", f"/v2.1/servers/{NONE}/action")):
        answer = client.open(path, method=method, data=b"<server/>", content_type=media)
        assert answer.status_code == code, answer.json
    assert client.delete(f"/v2.1/servers/{NONE}", content_type=media).status_code == 404
