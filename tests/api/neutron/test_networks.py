import pytest

BASE = "/networks"


def test_a_member_makes_shows_changes_and_deletes_a_network(api):
    made = api.made("alice", BASE, name="n1", description="d")
    assert made["project_id"] == made["tenant_id"] == "red"
    assert made["status"] == "ACTIVE" and made["mtu"] == 1450 and made["subnets"] == []
    assert made["router:external"] is False and made["shared"] is False
    changed = api.changed("alice", f"{BASE}/{made['id']}", name="n2", admin_state_up=False)
    assert (changed["name"], changed["admin_state_up"]) == ("n2", False)
    assert changed["revision_number"] > made["revision_number"]
    api.gone("alice", f"{BASE}/{made['id']}")
    assert api("GET", "alice", f"{BASE}/{made['id']}")[0] == 404


def test_what_members_are_not_shown(api, net):
    mine = api.get("alice", f"{BASE}/{net['id']}")
    assert not [name for name in mine if name.startswith("provider:")]
    theirs = api.get("admin", f"{BASE}/{net['id']}")
    assert theirs["provider:network_type"] == "vxlan"
    assert 1 <= theirs["provider:segmentation_id"] <= 1000


def test_another_project_does_not_see_it(api, net):
    assert api("GET", "bob", f"{BASE}/{net['id']}")[0] == 404
    assert api("PUT", "bob", f"{BASE}/{net['id']}", {"network": {"name": "x"}})[0] == 404
    assert api("DELETE", "bob", f"{BASE}/{net['id']}")[0] == 404
    assert api.get("bob", BASE) == []


def test_a_shared_network_is_seen_and_left_alone(api):
    made = api.made("admin", BASE, shared=True, project_id="ops")
    assert api.get("bob", f"{BASE}/{made['id']}")["shared"] is True
    refused = api.refused("PUT", "bob", f"{BASE}/{made['id']}", {"network": {"name": "x"}})
    assert refused[:2] == (403, "PolicyNotAuthorized")


def test_a_reader_only_reads(api, net):
    assert api.get("rita", f"{BASE}/{net['id']}")["id"] == net["id"]
    assert api("POST", "rita", BASE, {"network": {}})[0] == 403
    assert api("DELETE", "rita", f"{BASE}/{net['id']}")[0] == 403


def test_nobody_does_nothing(api):
    assert api("GET", None, BASE)[0] == 401
    assert api("GET", "mallory", BASE)[0] == 401


@pytest.mark.parametrize("attributes", [
    {"shared": True}, {"router:external": True}, {"provider:network_type": "vxlan"},
    {"provider:segmentation_id": 5}, {"is_default": True},
])
def test_what_only_operators_may_say(api, attributes):
    status, kind, message = api.refused("POST", "alice", BASE, {"network": attributes})
    assert (status, kind) == (403, "PolicyNotAuthorized")
    assert "create_network" in message


def test_saying_what_is_so_anyway_is_no_privilege(api):
    api.made("alice", BASE, shared=False, **{"router:external": False})


@pytest.mark.parametrize(("attributes", "word"), [
    ({"nonsense": 1}, "nonsense"), ({"name": 5}, "name"), ({"mtu": "big"}, "mtu"),
    ({"admin_state_up": "perhaps"}, "admin_state_up"), ({"name": "x" * 256}, "name"),
])
def test_bad_input_is_named(api, attributes, word):
    status, kind, message = api.refused("POST", "alice", BASE, {"network": attributes})
    assert (status, kind) == (400, "HTTPBadRequest")
    assert word in message


def test_several_at_once_all_or_none(api):
    status, document = api("POST", "alice", BASE, {"networks": [{"name": "a"}, {"name": "b"}]})
    assert status == 201 and [n["name"] for n in document["networks"]] == ["a", "b"]
    bad = {"networks": [{"name": "c"}, {"name": "d", "mtu": 9000}]}
    assert api("POST", "alice", BASE, bad)[0] == 400
    assert {n["name"] for n in api.get("alice", BASE)} == {"a", "b"}


def test_a_segment_has_one_owner(api, public):
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
    assert api.refused("POST", "admin", BASE, {"network": flat})[:2] == (409, "FlatNetworkInUse")
    vxlan = {"provider:network_type": "vxlan", "provider:segmentation_id": 77}
    api.made("admin", BASE, **vxlan)
    assert api.refused("POST", "admin", BASE, {"network": vxlan})[:2] == (409, "VxlanIdInUse")
    wrong = {"provider:network_type": "flat", "provider:physical_network": "nowhere"}
    status, _, message = api.refused("POST", "admin", BASE, {"network": wrong})
    assert status == 400 and "nowhere" in message and "physnet1" in message


def test_vlans_run_out(api):
    vlan = {"provider:network_type": "vlan"}
    used = {api.made("admin", BASE, **vlan)["provider:segmentation_id"] for _ in range(3)}
    assert used == {100, 101, 102}
    assert api.refused("POST", "admin", BASE, {"network": vlan})[:2] == (503, "NoNetworkAvailable")


def test_filters_fields_sorting_pages_and_links(api):
    for name in ("c", "a", "b", "d"):
        api.made("alice", BASE, name=name)
    assert [n["name"] for n in api.get("alice", BASE + "?sort_key=name&sort_dir=desc")] == [
        "d", "c", "b", "a"]
    assert [n["name"] for n in api.get("alice", BASE + "?name=a&name=b&sort_key=name")] == [
        "a", "b"]
    assert set(api.get("alice", BASE + "?fields=id&fields=name")[0]) == {"id", "name"}
    _, page = api("GET", "alice", BASE + "?limit=3&sort_key=name")
    assert [n["name"] for n in page["networks"]] == ["a", "b", "c"]
    links = {link["rel"]: link["href"] for link in page["networks_links"]}
    assert set(links) == {"next", "previous"}
    _, page = api("GET", "alice", links["next"].partition("/v2.0")[2])
    assert [n["name"] for n in page["networks"]] == ["d"]
    back, = page["networks_links"]
    assert back["rel"] == "previous"
    _, page = api("GET", "alice", back["href"].partition("/v2.0")[2])
    assert [n["name"] for n in page["networks"]] == ["a", "b", "c"]


@pytest.mark.parametrize("query", [
    "nonsense=1", "limit=-1", "sort_key=nonsense", "shared=perhaps", "sort_key=name&sort_dir=up",
    "sort_dir=asc",
])
def test_bad_queries_are_refused(api, query):
    assert api.refused("GET", "alice", f"{BASE}?{query}")[0] == 400


def test_deletion_takes_subnets_and_spares_ports(api, net, subnet):
    port = api.made("alice", "/ports", network_id=net["id"])
    refused = api.refused("DELETE", "alice", f"{BASE}/{net['id']}")
    assert refused[:2] == (409, "NetworkInUse") and port["id"] in refused[2]
    api.gone("alice", f"/ports/{port['id']}")
    api.gone("alice", f"{BASE}/{net['id']}")
    assert api("GET", "alice", f"/subnets/{subnet['id']}")[0] == 404


def test_an_external_network_goes_with_its_unused_floating_ips(api, public):
    floating = api.made("admin", "/floatingips", floating_network_id=public["id"])
    api.gone("admin", f"{BASE}/{public['id']}")
    assert api("GET", "admin", f"/floatingips/{floating['id']}")[0] == 404


def test_sharing_cannot_end_while_others_use_it(api):
    shared = api.made("admin", BASE, shared=True)
    api.made("alice", "/ports", network_id=shared["id"])
    path = f"{BASE}/{shared['id']}"
    refused = api.refused("PUT", "admin", path, {"network": {"shared": False}})
    assert refused[:2] == (409, "InvalidSharedSetting")


def test_labels(api, net):
    path = f"{BASE}/{net['id']}/tags"
    assert api("PUT", "alice", path + "/red", None)[0] == 201
    assert api("PUT", "alice", path + "/blue", None)[0] == 201
    assert api.get("alice", path) == ["blue", "red"]
    assert api("GET", "alice", path + "/red")[0] == 204
    assert api("GET", "alice", path + "/green")[0] == 404
    found = api.get("alice", BASE + "?tags=red,blue")
    assert [n["id"] for n in found] == [net["id"]]
    assert api.get("alice", BASE + "?not-tags-any=red") == []
    assert api.get("alice", BASE + "?tags=red,green") == []
    assert len(api.get("alice", BASE + "?tags-any=red,green")) == 1
    assert api("PUT", "alice", path, {"tags": ["x"]})[1] == {"tags": ["x"]}
    assert api("DELETE", "alice", path + "/y")[0] == 404
    assert api("DELETE", "alice", path)[0] == 204
    assert api("PUT", "rita", path, {"tags": ["x"]})[0] == 403
    assert api("GET", "bob", path)[0] == 404
