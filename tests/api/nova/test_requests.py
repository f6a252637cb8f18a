"""What is asked for and cannot be is refused at once, by name."""

import base64

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate

from cairn.nova.db.models import Hypervisor


@pytest.mark.parametrize("properties", [
    {"hw_disk_bus": "bogus"}, {"hw_firmware_type": "open"}, {"hw_cpu_policy": "dedicated"}])
def test_what_an_image_asks_for(world, call, create, properties):
    name = next(iter(properties))
    refused = create(imageRef=world.cloud.image(**properties))
    assert refused.status_code == 400
    assert name in refused.json["badRequest"]["message"]
    assert call("GET", "/v2.1/servers").json["servers"] == []


def test_the_root_disk_is_called_by_its_bus(world, call, create):
    made = create(imageRef=world.cloud.image(hw_disk_bus="scsi")).json["server"]["id"]
    shown = call("GET", f"/v2.1/servers/{made}", who="admin").json["server"]
    assert shown["OS-EXT-SRV-ATTR:root_device_name"] == "/dev/sda"


def test_what_a_flavor_asks_for(call, create):
    path = "/v2.1/flavors/m1/os-extra_specs"
    for specs, code in (({"hw:cpu_policy": "bogus"}, 400), ({"hw:bogus": "1"}, 400),
                        ({"own": "1"}, 200), ({"hw:cpu_policy": "dedicated"}, 200)):
        answer = call("POST", path, {"extra_specs": specs}, who="admin", version="2.86")
        assert answer.status_code == code, answer.json
    assert call("PUT", f"{path}/hw:cpu_policy", {"hw:cpu_policy": "x"}, who="admin",
                version="2.86").status_code == 400
    refused = create()
    assert refused.status_code == 400
    assert "hw:cpu_policy" in refused.json["badRequest"]["message"]
    old = call("PUT", f"{path}/hw:cpu_policy", {"hw:cpu_policy": "x"}, who="admin", version="2.85")
    assert old.status_code == 200


@pytest.mark.parametrize("address", ["bad", "10.0.0", "::g", "10.0.0.1/24", "1.2.3.4\n"])
def test_a_fixed_ip_that_is_none(world, create, address):
    network = next(iter(world.cloud.networks), None) or world.cloud.network("red")
    refused = create(networks=[{"uuid": network, "fixed_ip": address}])
    assert refused.status_code == 400
    assert "fixed" in refused.json["badRequest"]["message"]


def test_a_bus_of_its_own(create):
    for more, code in (({"disk_bus": "ide"}, 400), ({"disk_bus": "virtio"}, 202),
                       ({"device_type": "floppy"}, 400)):
        device = {"source_type": "blank", "destination_type": "local", "boot_index": -1, **more}
        assert create(block_device_mapping_v2=[device]).status_code == code


def test_a_server_is_unpinned_and_pinned(call, server, create):
    path = f"/v2.1/servers/{server}"
    pin = {"server": {"pinned_availability_zone": "nova"}}
    assert call("PUT", path, pin, version="2.103").status_code == 400
    assert call("PUT", path, pin, version="2.104").json["server"][
        "pinned_availability_zone"] == "nova"
    other = {"server": {"pinned_availability_zone": "east"}}
    refused = call("PUT", path, other, version="2.104")
    assert refused.status_code == 409
    assert "pinned_availability_zone" in refused.json["conflictingRequest"]["message"]
    free = {"server": {"pinned_availability_zone": None}}
    assert call("PUT", path, free, version="2.104").json["server"][
        "pinned_availability_zone"] is None


def test_events_say_what_they_were_given(call, server):
    event = {"name": "network-changed", "server_uuid": server}
    told = call("POST", "/v2.1/os-server-external-events", {"events": [event]}, who="neutron")
    assert told.json["events"] == [event | {"status": "completed", "code": 200}]
    event["tag"] = "a"
    told = call("POST", "/v2.1/os-server-external-events", {"events": [event]}, who="neutron")
    assert told.json["events"][0]["tag"] == "a"


def test_names_of_keys_are_addressable(call):
    refused = {"2.1": [".", "..", "a.b", "a/b", " a", "a ", ""], "2.92": [".", "..", "a/b", " a"]}
    taken = {"2.1": ["a b", "-", "a_b"], "2.92": ["a b", "a@b.c", "...", "-"]}
    for version in ("2.1", "2.92"):
        for name in refused[version]:
            assert _keypair(call, name, version).status_code == 400, name
        for name in taken[version]:
            made = _keypair(call, name, version)
            assert made.status_code in (200, 201), made.json
            assert call("DELETE", f"/v2.1/os-keypairs/{name}").status_code == 204


def _keypair(call, name, version):
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgGj6M1Zz5q8hUq5xj0O8u2zGm0rY1s0o7m3uJ0f0Zk a"
    return call("POST", "/v2.1/os-keypairs", {"keypair": {"name": name, "public_key": key}},
                version=version)


def test_a_certificate_is_made(call, create, world):
    body = {"keypair": {"name": "w", "type": "x509"}}
    made = call("POST", "/v2.1/os-keypairs", body, version="2.2").json["keypair"]
    key, certificate, _ = load_key_and_certificates(base64.b64decode(made["private_key"]), None)
    assert certificate == load_pem_x509_certificate(made["public_key"].encode())
    assert key.public_key() == certificate.public_key()
    assert made["fingerprint"].count(":") == 19
    assert call("POST", "/v2.1/os-keypairs", body, version="2.92").status_code == 400


def test_a_service_takes_its_provider_along(world, call, server):
    with world.db.reading() as session:
        provider = session.query(Hypervisor).one().id
    assert provider in world.cloud.providers
    number = call("GET", "/v2.1/os-services", who="admin").json["services"][0]["id"]
    path = f"/v2.1/os-services/{number}"
    assert call("DELETE", path, who="admin").status_code == 409
    call("DELETE", f"/v2.1/servers/{server}")
    world.settle()
    world.cloud.allocations["other"] = {provider: {"resources": {"VCPU": 1}}}
    refused = call("DELETE", path, who="admin")
    assert refused.status_code == 409
    assert "allocations" in refused.json["conflictingRequest"]["message"]
    assert call("GET", "/v2.1/os-hypervisors", who="admin").json["hypervisors"]
    del world.cloud.allocations["other"]
    assert call("DELETE", path, who="admin").status_code == 204
    assert provider not in world.cloud.providers
    assert call("GET", "/v2.1/os-hypervisors", who="admin").json["hypervisors"] == []


def test_a_server_shows_no_group_that_its_port_has_not(world, call, create):
    network = world.cloud.network("red", "other")
    port = world.cloud.post("network", "/ports", json={"port": {
        "network_id": network, "tenant_id": "red", "security_groups": []}}).json()["port"]["id"]
    made = create(networks=[{"port": port}]).json["server"]["id"]
    assert "security_groups" not in call("GET", f"/v2.1/servers/{made}").json["server"]
    world.settle()
    assert "security_groups" not in call("GET", f"/v2.1/servers/{made}").json["server"]


def test_usage_comes_in_pages(world, call, create):
    ids = [create(name).json["server"]["id"] for name in ("a", "b", "c")]
    world.settle()
    path = "/v2.1/os-simple-tenant-usage/red?limit=2"
    first = call("GET", path, version="2.40").json
    assert [s["instance_id"] for s in first["tenant_usage"]["server_usages"]] == ids[:2]
    href = first["tenant_usage_links"][0]["href"]
    second = call("GET", href.partition("localhost")[2], version="2.40").json
    assert [s["instance_id"] for s in second["tenant_usage"]["server_usages"]] == ids[2:]
    assert "tenant_usage_links" not in second
    every = call("GET", path, version="2.39").json
    assert len(every["tenant_usage"]["server_usages"]) == 3
    assert call("GET", path + "&marker=x", version="2.40").status_code == 400


# What Python takes for a digit, and for no number.
@pytest.mark.parametrize("text", ["²", "--5"])
@pytest.mark.parametrize("end", ["from_port", "to_port"])
def test_a_port_of_a_rule_is_a_number(world, call, end, text):
    rule = {"parent_group_id": world.cloud.group("red", "web"), "ip_protocol": "tcp",
            "from_port": 1, "to_port": 9, end: text}
    refused = call("POST", "/v2.1/os-security-group-rules", {"security_group_rule": rule},
                   version="2.35")
    assert refused.status_code == 400
    assert end in refused.json["badRequest"]["message"]


@pytest.mark.parametrize("name", ["minDisk", "minRam"])
def test_a_size_of_flavors_is_a_number(call, name):
    refused = call("GET", f"/v2.1/flavors?{name}=%C2%B2")
    assert refused.status_code == 400
    assert name in refused.json["badRequest"]["message"]


def test_a_state_that_is_no_number_is_that_of_no_server(call, server):
    assert call("GET", "/v2.1/servers?power_state=1").json["servers"]
    assert call("GET", "/v2.1/servers?power_state=%C2%B2").json["servers"] == []
