"""What guests are told, and that only the proxy may ask for them."""

import base64
import hmac
import json
from dataclasses import replace

import pytest

from cairn.common.context import Context
from cairn.nova.core import guest_documents, specs
from cairn.nova.core.servers import find_any
from cairn.nova.errors import VendordataFailed
from cairn.nova.metadata.app import Metadata, create_app
from cairn.nova.neighbours.vendordata import Nobody
from cairn.nova.settings import ApiSettings, MetadataSettings

SECRET = "a shared secret"


@pytest.fixture
def options():
    """What the metadata service is told, to be changed before `ask` is used."""
    return {"api": ApiSettings(), "cache_seconds": 0, "vendordata": Nobody()}


@pytest.fixture
def ask(world, options):
    """ask(path, server_id, **headers) -> the response."""
    clients = []

    def client():
        if not clients:
            metadata = Metadata(
                world.db, MetadataSettings(secret=SECRET, cache_seconds=options["cache_seconds"]),
                options["api"], vendordata=options["vendordata"])
            clients.append(create_app(metadata).test_client())
        return clients[0]

    def ask(path, server_id, method="GET", data=None, **headers):
        signature = hmac.new(SECRET.encode(), server_id.encode(), "sha256").hexdigest()
        given = {"X-Instance-ID": server_id, "X-Instance-ID-Signature": signature,
                 "X-Tenant-ID": "red",
                 **{name.replace("_", "-"): value for name, value in headers.items()}}
        return client().open(path, method=method, data=data, headers=given)

    return ask


@pytest.fixture
def guest(world, create):
    made = create(user_data=base64.b64encode(b"#!/bin/sh").decode(), metadata={"role": "db"},
                  config_drive=True)
    world.settle()
    return made.json["server"]["id"]


def test_the_openstack_tree(ask, guest):
    assert "latest" in ask("/openstack", guest).text.split("\n")
    assert set(ask("/openstack/latest/", guest).text.split("\n")) == {
        "meta_data.json", "network_data.json", "password", "user_data", "vendor_data.json",
        "vendor_data2.json"}
    meta = ask("/openstack/latest/meta_data.json", guest).json
    assert (meta["uuid"], meta["hostname"]) == (guest, "web.novalocal")
    assert meta["meta"] == {"role": "db"}
    assert "admin_pass" not in meta
    network = ask("/openstack/latest/network_data.json", guest).json
    assert network["networks"][0]["type"] == "ipv4_dhcp"
    assert network["links"][0]["mtu"] == 1450
    assert ask("/openstack/latest/user_data", guest).data == b"#!/bin/sh"
    assert ask("/openstack/1999-01-01", guest).status_code == 404


def test_the_ec2_tree(ask, guest):
    assert ask("/latest", guest).text == "meta-data/\nuser-data"
    names = ask("/latest/meta-data/", guest).text.split("\n")
    assert {"instance-id", "local-ipv4", "placement/"} <= set(names)
    assert ask("/latest/meta-data/instance-id", guest).text == "i-00000001"
    assert ask("/2009-04-04/meta-data/placement/availability-zone", guest).text == "nova"
    assert ask("/latest/user-data", guest).data == b"#!/bin/sh"
    assert ask("/latest/meta-data/none", guest).status_code == 404


def told(world, ask, server_id):
    """The hostnames that a guest is told, in every place that tells one."""
    with world.db.reading() as session:
        drive = specs.spec(find_any(session, server_id), ApiSettings())["config_drive"]
    ec2 = json.loads(base64.b64decode(drive["ec2/latest/meta-data.json"]))
    openstack = json.loads(base64.b64decode(drive["openstack/latest/meta_data.json"]))
    return {
        ask("/openstack/latest/meta_data.json", server_id).json["hostname"],
        *(ask(f"/latest/meta-data/{name}", server_id).text
          for name in ("hostname", "local-hostname", "public-hostname")),
        ec2["hostname"], ec2["local-hostname"], openstack["hostname"],
    }


def test_a_hostname_is_told_with_its_own_domain_since_294(world, call, create, ask):
    for version, refused in (("2.89", "web"), ("2.93", "web.example.org")):
        assert create(hostname=refused, version=version).status_code == 400
    made = create(hostname="web", version="2.90", config_drive=True).json["server"]["id"]
    full = create(hostname="web.example.org", version="2.94", config_drive=True)
    assert full.status_code == 202, full.json
    full = full.json["server"]["id"]
    world.settle()
    assert told(world, ask, made) == {"web.novalocal"}
    assert told(world, ask, full) == {"web.example.org"}
    shown = call("GET", f"/v2.1/servers/{full}").json["server"]
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "web.example.org"

    body = {"server": {"hostname": "db.example.org"}}
    assert call("PUT", f"/v2.1/servers/{full}", body, version="2.93").status_code == 400
    assert call("PUT", f"/v2.1/servers/{full}", body, version="2.94").status_code == 200
    assert told(world, ask, full) == {"db.example.org"}
    body = {"rebuild": {"imageRef": shown["image"]["id"], "hostname": "new.example.org"}}
    assert call("POST", f"/v2.1/servers/{full}/action", body, version="2.93").status_code == 400
    assert call("POST", f"/v2.1/servers/{full}/action", body, version="2.94").status_code == 202
    world.settle()
    assert told(world, ask, full) == {"new.example.org"}


@pytest.mark.parametrize("hostname", ["web..org", ".org", "web.", "-web.org", "a b.org", "w", "",
                                      "web.org\n", "x" * 256, "w\u00e9b.org"])
def test_what_is_no_hostname_is_refused(create, hostname):
    assert create(hostname=hostname).status_code == 400


def test_several_servers_cannot_have_one_hostname(create):
    assert create(hostname="web.example.org", max_count=2).status_code == 400
    assert create(hostname="web.example.org", max_count=1).status_code == 202


def test_only_the_proxy_is_answered(ask, guest):
    assert ask("/latest", guest, X_Instance_ID_Signature="0" * 64).status_code == 403
    assert ask("/latest", guest, X_Tenant_ID="blue").status_code == 404
    assert ask("/latest", guest, X_Tenant_ID="red").status_code == 200
    assert ask("/latest", guest, X_Tenant_ID="").status_code == 400
    assert ask("/latest", guest, X_Instance_ID_Signature="\xe9" * 64).status_code == 403
    assert ask("/latest", f"{guest},{guest}").status_code == 404
    assert ask("/latest", "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f").status_code == 404


def test_a_key_is_found_by_number(world, call, ask, create):
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgGj6M1Zz5q8hUq5xj0O8u2zGm0rY1s0o7m3uJ0f0Zk"
    call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": key}})
    made = create(key_name="k").json["server"]["id"]
    assert ask("/latest/meta-data/public-keys/", made).text == "0=k"
    assert ask("/latest/meta-data/public-keys/0/openssh-key", made).text == key
    assert ask("/openstack/latest/meta_data.json", made).json["public_keys"] == {"k": key}


def test_the_config_drive_has_the_same(world, guest):
    with world.db.reading() as session:
        drive = specs.spec(find_any(session, guest), ApiSettings())["config_drive"]
    assert base64.b64decode(drive["openstack/latest/user_data"]) == b"#!/bin/sh"
    assert {"ec2/latest/meta-data.json", "openstack/latest/network_data.json"} <= set(drive)


def test_a_guest_tells_its_password_once_and_the_owner_reads_it(ask, guest, call):
    path, shown = "/openstack/latest/password", f"/v2.1/servers/{guest}/os-server-password"
    assert call("GET", shown).json == {"password": ""}
    assert ask(path, guest, "POST", b"").status_code == 400
    assert ask(path, guest, "POST", b"x" * 2000).status_code == 400
    assert ask(path, guest, "POST", b"c2VjcmV0").status_code == 200
    assert ask(path, guest, "POST", b"b3RoZXI=").status_code == 409
    assert ask(path, guest).text == "c2VjcmV0"
    assert call("GET", shown).json == {"password": "c2VjcmV0"}
    assert call("GET", shown, who="bob").status_code == 404
    assert call("DELETE", shown, who="rita").status_code == 403
    assert call("DELETE", shown).status_code == 204
    assert call("GET", shown).json == {"password": ""}


# --- Versions ---


def test_a_version_has_what_it_had_then(ask, guest):
    def names(version):
        return set(ask(f"/openstack/{version}/", guest).text.split("\n"))

    def keys(version):
        return set(ask(f"/openstack/{version}/meta_data.json", guest).json)

    assert names("2012-08-10") == {"meta_data.json", "user_data"}
    for version, name in (("2013-04-04", "password"), ("2013-10-17", "vendor_data.json"),
                          ("2015-10-15", "network_data.json"),
                          ("2016-10-06", "vendor_data2.json")):
        versions = guest_documents.OPENSTACK
        before = versions[versions.index(version) - 1]
        assert name in names(version) and name not in names(before)
        assert ask(f"/openstack/{version}/{name}", guest).status_code == 200
        assert ask(f"/openstack/{before}/{name}", guest).status_code == 404
    assert ask("/openstack/2012-08-10/password", guest, "POST", b"x").status_code == 404
    first = {"uuid", "name", "hostname", "launch_index", "availability_zone", "meta"}
    assert keys("2012-08-10") == first
    assert keys("2013-04-04") == first | {"random_seed"}
    assert keys("2015-10-15") == first | {"random_seed", "project_id"}
    assert keys("2018-08-27") == first | {"random_seed", "project_id", "devices"}
    assert keys("latest") == keys("2020-10-14") == keys("2018-08-27") | {"dedicated_cpus"}


def test_ec2s_versions_have_what_they_had_then(ask, guest):
    def names(version):
        return set(ask(f"/{version}/meta-data/", guest).text.split("\n"))

    assert names("1.0") == {
        "ami-id", "ami-launch-index", "ami-manifest-path", "hostname", "instance-id",
        "local-ipv4", "reservation-id", "security-groups"}
    for version, name in (("2007-01-19", "public-ipv4"), ("2007-08-29", "instance-type"),
                          ("2007-12-15", "block-device-mapping/"), ("2008-02-01", "placement/")):
        versions = guest_documents.EC2
        assert name in names(version)
        assert name not in names(versions[versions.index(version) - 1])
    assert ask("/1.0/meta-data/placement/availability-zone", guest).status_code == 404
    assert names("latest") == names("2009-04-04") > names("2007-12-15")


def test_disks_are_called_as_the_guest_calls_them(world, call, ask, flavor, create):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m2", "name": "m2", "ram": 512, "vcpus": 1, "disk": 1, "swap": 64,
        "OS-FLV-EXT-DATA:ephemeral": 1}})
    made = create(flavorRef="m2").json["server"]["id"]
    world.settle()
    volume = world.cloud.cinder.volume()
    body = {"volumeAttachment": {"volumeId": volume}}
    call("POST", f"/v2.1/servers/{made}/os-volume_attachments", body)
    world.settle()
    path = "/latest/meta-data/block-device-mapping/"
    told = {name: ask(path + name, made).text for name in ask(path, made).text.split("\n")}
    assert told == {"ami": "vda", "root": "/dev/vda", "ephemeral0": "/dev/vdb",
                    "swap": "/dev/vdc", "ebs0": "/dev/vdd"}


# --- Networks ---


def subnet(version, cidr, **more):
    return {"id": cidr, "cidr": cidr, "version": version, "gateway": None, "dns": [],
            "routes": [], "dhcp": True, **more}


def networks(*subnets, address="fd00::5"):
    vif = {"id": "p", "device": "tap0", "mac": "m", "mtu": 1450, "network_id": "n",
           "subnets": subnets, "fixed_ips": [
               {"address": address, "subnet_id": each["id"], "floating": []} for each in subnets]}
    return guest_documents.network_data([vif])


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateful", "dhcpv6-stateless", None])
def test_how_a_guest_comes_to_its_address_of_version_6(mode):
    told = networks(subnet(6, "fd00::/64", ipv6_mode=mode, gateway="fd00::1", dns=["fd00::53"],
                           routes=[{"destination": "fd01::/64", "nexthop": "fd00::2"}]))
    [network] = told["networks"]
    assert network["type"] == (f"ipv6_{mode}" if mode else "ipv6")
    assert (network["ip_address"], network["netmask"]) == (
        "fd00::5", "ffff:ffff:ffff:ffff::")
    assert network["routes"] == [
        {"network": "::", "netmask": "::", "gateway": "fd00::1"},
        {"network": "fd01::", "netmask": "ffff:ffff:ffff:ffff::", "gateway": "fd00::2"}]
    assert told["services"] == network["services"] == [{"type": "dns", "address": "fd00::53"}]


def test_a_port_says_the_mode_of_its_subnet(world, call, create):
    for each in world.cloud.subnets.values():
        each["ipv6_address_mode"] = "slaac"
    made = create().json["server"]["id"]
    world.settle()
    with world.db.reading() as session:
        vifs = find_any(session, made).vifs
    assert [each["ipv6_mode"] for each in vifs[0]["subnets"]] == ["slaac"]


# --- What the operator says ---


class Services:
    """Stands for neighbours.vendordata: answers with what it was asked of, or fails."""

    def __init__(self):
        self.asked, self.away = [], False

    def ask(self, server, roles):
        self.asked.append((server.id, roles))
        if self.away:
            raise VendordataFailed(name="inventory")
        return {"inventory": {"rack": 7}}


def test_what_services_say_is_beside_what_the_file_says(world, ask, options, guest, tmp_path):
    file = tmp_path / "vendor.json"
    file.write_text('{"cloud": "ours"}')
    options["api"] = ApiSettings(vendordata_file=str(file))
    options["vendordata"] = services = Services()
    assert ask("/openstack/latest/vendor_data.json", guest).json == {"cloud": "ours"}
    assert services.asked == []  # Only where their answer is asked for.
    assert ask("/openstack/latest/vendor_data2.json", guest).json == {
        "static": {"cloud": "ours"}, "inventory": {"rack": 7}}
    assert services.asked == [(guest, ["member", "reader"])]
    file.write_text("no JSON")
    assert ask("/openstack/latest/vendor_data.json", guest).json == {}


def test_a_guest_cannot_have_services_asked_as_often_as_it_likes(ask, options, guest):
    options["cache_seconds"], options["vendordata"] = 60, Services()
    path = "/openstack/latest/vendor_data2.json"
    for away, code in ((False, 200), (True, 200)):
        options["vendordata"].away = away
        assert {ask(path, guest).status_code for _ in range(3)} == {code}
    assert len(options["vendordata"].asked) == 1


def test_a_failure_is_told_and_kept_as_well(ask, options, guest):
    options["cache_seconds"], options["vendordata"] = 60, Services()
    options["vendordata"].away = True
    path = "/openstack/latest/vendor_data2.json"
    answers = [ask(path, guest) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {503}
    assert "inventory" in answers[0].json["error"]["message"]
    assert len(options["vendordata"].asked) == 1
    assert ask("/openstack/latest/meta_data.json", guest).status_code == 200


def test_services_are_asked_for_a_config_drive_that_is_being_made(world, create):
    services = Services()
    world.nova = world.conductor.nova = replace(
        world.nova, cloud=replace(world.nova.cloud, vendordata=services))
    with_drive = create(config_drive=True).json["server"]["id"]
    create(config_drive=False)
    spec = world.conductor.spec(Context(), with_drive)
    told = json.loads(base64.b64decode(spec["config_drive"]["openstack/latest/vendor_data2.json"]))
    assert told == {"inventory": {"rack": 7}}
    world.settle()
    assert {server for server, _ in services.asked} == {with_drive}
    services.asked.clear()
    assert world.conductor.spec(Context(), with_drive)["config_drive"] is not None
    assert services.asked == []
