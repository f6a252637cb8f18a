"""If-Match: a change that holds only if nobody else changed the resource meanwhile."""

import pytest


@pytest.fixture
def resources(api, net, subnet, public):
    """One of each kind that has a revision: its path."""
    port = api.made("alice", "/ports", network_id=net["id"])
    spare = api.made("alice", "/networks")
    group = api.made("alice", "/security-groups", name="g")
    rule = api.made("alice", "/security-group-rules", security_group_id=group["id"],
                    direction="ingress")
    made = {
        "security-group-rules": rule, "ports": port, "networks": spare,
        "subnets": api.made("alice", "/subnets", network_id=spare["id"], ip_version=4,
                            cidr="10.5.0.0/24"),
        "routers": api.made("alice", "/routers"),
        "subnetpools": api.made("alice", "/subnetpools", name="p", prefixes=["10.8.0.0/16"]),
        "floatingips": api.made("alice", "/floatingips", floating_network_id=public["id"]),
        "security-groups": group,
    }
    return {kind: f"/{kind}/{each['id']}" for kind, each in made.items()}


KINDS = ["ports", "networks", "subnets", "routers", "subnetpools", "floatingips",
         "security-groups", "security-group-rules"]


def revision(api, path):
    return api.get("alice", path)["revision_number"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_holds_at_its_revision_alone(api, resources, kind):
    path = resources[kind]
    name = kind.replace("-", "_").removesuffix("s")
    body = {name: {"description": "new"}}
    methods = [("DELETE", None)]
    if kind != "security-group-rules":
        methods.insert(0, ("PUT", body))
        methods.insert(0, ("PUT", body))
    for method, document in methods:
        now = revision(api, path)
        for text in ("5", "revision_number=x", "revision_number=", '"abc"', "revision=1"):
            assert api(method, "alice", path, document, **{"If-Match": text})[0] == 400
        status, refused = api(method, "alice", path, document, **{
            "If-Match": f"revision_number={now + 7}"})
        assert status == 412
        assert refused["NeutronError"]["type"] == "RevisionNumberConstraintFailed"
        assert str(now) in refused["NeutronError"]["message"]
        assert revision(api, path) == now
        status, _ = api(method, "alice", path, document, **{
            "If-Match": f"revision_number={now}"})
        assert status in (200, 204)
        if method == "PUT":
            assert revision(api, path) > now


def test_labels_and_interfaces_too(api, resources, subnet):
    late = {"If-Match": "revision_number=999"}
    for method, path, body in (
        ("PUT", resources["ports"] + "/tags/x", None),
        ("DELETE", resources["ports"] + "/tags", None),
        ("PUT", resources["ports"] + "/tags", {"tags": ["x"]}),
        ("PUT", resources["routers"] + "/add_router_interface", {"subnet_id": subnet["id"]}),
        ("PUT", resources["routers"] + "/add_extraroutes", {"router": {"routes": []}}),
    ):
        assert api(method, "alice", path, body, **late)[0] == 412
    assert api.get("alice", resources["ports"])["tags"] == []


def test_who_may_not_see_it_learns_nothing_of_its_revision(api, resources):
    late = {"If-Match": "revision_number=999"}
    assert api("DELETE", "bob", resources["ports"], **late)[0] == 404
    assert api("DELETE", "rita", resources["ports"], **late)[0] == 403
