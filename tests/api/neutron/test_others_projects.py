"""Nothing is made, taken or moved in another project's name."""

import pytest

RED = {"project_id": "red"}


@pytest.fixture
def blues(api, public):
    """What bob has of his own, to build on."""
    network = api.made("bob", "/networks")
    subnet = api.made("bob", "/subnets", network_id=network["id"], ip_version=4,
                      cidr="10.5.0.0/24")
    group = api.made("bob", "/security-groups", name="g")
    return {"network": network["id"], "subnet": subnet["id"], "group": group["id"],
            "public": public["id"]}


BODIES = {
    "networks": lambda b: {}, "routers": lambda b: {},
    "subnets": lambda b: {"network_id": b["network"], "ip_version": 4, "cidr": "10.6.0.0/24"},
    "subnetpools": lambda b: {"name": "x", "prefixes": ["10.0.0.0/8"]},
    "ports": lambda b: {"network_id": b["network"]},
    "floatingips": lambda b: {"floating_network_id": b["public"]},
    "security-groups": lambda b: {"name": "x"},
    "security-group-rules": lambda b: {"security_group_id": b["group"], "direction": "ingress"},
}


@pytest.mark.parametrize("name", ["project_id", "tenant_id"])
@pytest.mark.parametrize("path", BODIES)
def test_members_make_things_for_their_own_project(api, blues, path, name):
    single = path.replace("-", "_").removesuffix("s")
    body = BODIES[path](blues)
    refused = api.refused("POST", "bob", f"/{path}", {single: {**body, name: "red"}})
    assert refused[0] == 400 and "project_id" in refused[2]
    many = {single + "s": [body, {**body, name: "red"}]}
    assert api("POST", "bob", f"/{path}", many)[0] == 400
    if path not in ("security-groups", "security-group-rules"):  # Red is given a default group.
        assert api.get("admin", f"/{path}?project_id=red") == []
    assert api.made("bob", f"/{path}", **body, **{name: "blue"})["project_id"] == "blue"


@pytest.mark.parametrize("path", [path for path in BODIES if path != "security-group-rules"])
def test_nothing_changes_hands(api, blues, path):
    single = path.replace("-", "_").removesuffix("s")
    made = api.made("bob", f"/{path}", **BODIES[path](blues))
    for who in ("bob", "admin"):
        for name in ("project_id", "tenant_id"):
            assert api("PUT", who, f"/{path}/{made['id']}", {single: {name: "red"}})[0] == 400
    assert api.get("admin", f"/{path}/{made['id']}")["project_id"] == "blue"


def test_services_make_ports_for_others(api, blues):
    port = api.made("nova", "/ports", network_id=blues["network"], project_id="red")
    assert port["project_id"] == "red"


def test_outside_an_address_is_had_by_a_floating_ip_only(limited, api, public):
    port = {"port": {"network_id": public["id"]}}
    assert api.refused("POST", "alice", "/ports", port)[:2] == (403, "PolicyNotAuthorized")
    assert api("POST", "alice", "/ports", {"ports": [port["port"]]})[0] == 403
    none = limited(floatingip=0)
    assert none("POST", "alice", "/floatingips", {"floatingip": {
        "floating_network_id": public["id"]}})[0] == 409
    assert none("POST", "alice", "/ports", port)[0] == 403
    # Whom it belongs to, and who acts for everybody, may.
    api.made("admin", "/ports", network_id=public["id"])
    api.made("nova", "/ports", network_id=public["id"], project_id="red")
    # As may all, where it is shared.
    api.changed("admin", f"/networks/{public['id']}", shared=True)
    api.made("alice", "/ports", network_id=public["id"])


@pytest.mark.parametrize("external", [True, False])
def test_a_router_is_not_plugged_in_at_the_gateway_of_anothers_network(api, public, external):
    network = public if external else api.made("admin", "/networks", shared=True)
    if not external:
        api.made("admin", "/subnets", network_id=network["id"], ip_version=4, cidr="10.7.0.0/24")
    subnet, = api.get("alice", f"/subnets?network_id={network['id']}")
    router = api.made("alice", "/routers")
    path = f"/routers/{router['id']}/add_router_interface"
    refused = api.refused("PUT", "alice", path, {"subnet_id": subnet["id"]})
    assert refused[0] == 400 and "not owned" in refused[2]
    assert api("PUT", "admin", path, {"subnet_id": subnet["id"]})[0] == 200


def test_the_owner_of_a_network_does_not_plug_in_anothers_port(api):
    shared = api.made("admin", "/networks", shared=True, project_id="blue")
    api.made("bob", "/subnets", network_id=shared["id"], ip_version=4, cidr="10.7.0.0/24")
    port = api.made("alice", "/ports", network_id=shared["id"])
    router = api.made("bob", "/routers")
    path = f"/routers/{router['id']}/add_router_interface"
    assert api("PUT", "bob", path, {"port_id": port["id"]})[0] == 404
    assert api.get("alice", f"/ports/{port['id']}")["device_id"] == ""
