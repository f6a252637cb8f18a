"""What guests are told, and that only the proxy may ask for them."""

import base64
import hmac
import json

import pytest

from cairn.nova.core import specs
from cairn.nova.core.servers import find_any
from cairn.nova.metadata.app import Metadata, create_app
from cairn.nova.settings import ApiSettings, MetadataSettings

SECRET = "a shared secret"


@pytest.fixture
def ask(world):
    """ask(path, server_id, **headers) -> the response."""
    metadata = Metadata(world.db, MetadataSettings(secret=SECRET, cache_seconds=0), ApiSettings())
    client = create_app(metadata).test_client()

    def ask(path, server_id, method="GET", data=None, **headers):
        signature = hmac.new(SECRET.encode(), server_id.encode(), "sha256").hexdigest()
        given = {"X-Instance-ID": server_id, "X-Instance-ID-Signature": signature,
                 "X-Tenant-ID": "red",
                 **{name.replace("_", "-"): value for name, value in headers.items()}}
        return client.open(path, method=method, data=data, headers=given)

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
        "meta_data.json", "network_data.json", "user_data", "vendor_data.json",
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
