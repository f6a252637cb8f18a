"""What is shown of each thing in every microversion: the watcher (fakes/upstream.py) holds it to
Tempest's schema of that version."""

import pytest
from fakes import upstream

from cairn.nova.api.versions import MICROVERSIONS

FIRST, LAST = MICROVERSIONS.minimum[1], MICROVERSIONS.maximum[1]
PATHS = {
    "/servers": "/servers",
    "/servers/detail": "/servers/detail",
    "/servers/SERVER": "/servers/<server_id>",
    "/servers/SERVER/ips": "/servers/<server_id>/ips",
    "/servers/SERVER/metadata": "/servers/<server_id>/metadata",
    "/servers/SERVER/os-instance-actions": "/servers/<server_id>/os-instance-actions",
    "/servers/SERVER/os-interface": "/servers/<server_id>/os-interface",
    "/servers/SERVER/os-volume_attachments": "/servers/<server_id>/os-volume_attachments",
    "/servers/SERVER/os-volume_attachments/VOLUME":
        "/servers/<server_id>/os-volume_attachments/<volume_id>",
    "/flavors": "/flavors",
    "/flavors/detail": "/flavors/detail",
    "/flavors/m1": "/flavors/<flavor_id>",
    "/os-server-groups": "/os-server-groups",
    "/os-server-groups/GROUP": "/os-server-groups/<group_id>",
    "/os-keypairs": "/os-keypairs",
    "/os-keypairs/k": "/os-keypairs/<name>",
    "/os-services": "/os-services",
    "/os-aggregates": "/os-aggregates",
    "/os-availability-zone": "/os-availability-zone",
    "/os-availability-zone/detail": "/os-availability-zone/detail",
    "/os-quota-sets/red": "/os-quota-sets/<project_id>",
    "/os-quota-sets/red/detail": "/os-quota-sets/<project_id>/detail",
    "/os-quota-sets/red/defaults": "/os-quota-sets/<project_id>/defaults",
    "/os-quota-class-sets/default": "/os-quota-class-sets/<name>",
    "/limits": "/limits",
    "/os-simple-tenant-usage": "/os-simple-tenant-usage",
    "/os-simple-tenant-usage/red": "/os-simple-tenant-usage/<project_id>",
    "/extensions": "/extensions",
}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPgGj6M1Zz5q8hUq5xj0O8u2zGm0rY1s0o7m3uJ0f0Zk"


@pytest.fixture
def names(world, call, server):
    """By the words in PATHS, the things that are there."""
    volume = world.cloud.cinder.volume()
    attached = call("POST", f"/v2.1/servers/{server}/os-volume_attachments", {
        "volumeAttachment": {"volumeId": volume}})
    assert attached.status_code == 200, attached.json
    world.settle()
    group = call("POST", "/v2.1/os-server-groups", {"server_group": {
        "name": "g", "policy": "anti-affinity"}}).json["server_group"]["id"]
    call("POST", "/v2.1/os-keypairs", {"keypair": {"name": "k", "public_key": KEY}}, who="admin")
    call("POST", "/v2.1/os-aggregates", {"aggregate": {"name": "a", "availability_zone": "z"}},
         who="admin")
    return {"SERVER": server, "VOLUME": volume, "GROUP": group}


def minors(path, method="GET"):
    """The first and the last minor version of each of the schemas that Tempest has of it."""
    client = upstream.CLIENTS[f"{method} {path}"].partition(".")[0]
    schemas = getattr(upstream.client_class(client), "schema_versions_info", [{}])
    edges = [edge.partition(".")[2] for each in schemas
             for edge in (each.get("min"), each.get("max")) if edge]
    return sorted({FIRST, LAST, *(int(edge) for edge in edges if FIRST <= int(edge) <= LAST)})


def test_each_thing_in_each_version(call, names):
    for path, rule in PATHS.items():
        real = path
        for word, name in names.items():
            real = real.replace(word, name)
        for minor in minors(rule):
            answer = call("GET", f"/v2.1{real}", who="admin", version=f"2.{minor}")
            assert answer.status_code == 200, (path, minor, answer.json)


def test_hypervisors_in_each_version(call):
    listed = call("GET", "/v2.1/os-hypervisors", who="admin", version="2.53").json["hypervisors"]
    for minor in sorted({*minors("/os-hypervisors"), 87, 88}):
        one = listed[0]["id"] if minor >= 53 else 1
        for path in ("", "/detail", f"/{one}", *(("/statistics",) if minor < 88 else ())):
            answer = call("GET", f"/v2.1/os-hypervisors{path}", who="admin", version=f"2.{minor}")
            assert answer.status_code == 200, (path, minor, answer.json)


@pytest.mark.parametrize("minor", [1, 35, 36, 49, 50, 56, 57, LAST])
@pytest.mark.parametrize(("path", "name", "first"), [
    ("/os-quota-sets/red", "quota_set", 36),
    ("/os-quota-class-sets/default", "quota_class_set", 50)])
def test_limits_that_are_set_in_each_version(call, minor, path, name, first):
    """What a version does not know it neither shows nor takes."""
    network = {"floating_ips", "fixed_ips", "security_groups", "security_group_rules"}
    files = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}

    def put(key):
        return call("PUT", f"/v2.1{path}", {name: {key: 7}}, who="admin", version=f"2.{minor}")

    shown = set(put("cores").json[name])
    assert ("server_groups" in shown) == (minor >= 50 or name == "quota_set")
    assert (network <= shown) == (minor < first)
    assert (files <= shown) == (minor < 57)
    for key in network | files:
        assert put(key).status_code == (200 if key in shown else 400), key
