"""Placement through its API, as nova uses it."""

import uuid

import pytest

U1, U2, U3 = (str(uuid.uuid4()) for _ in range(3))
STOCK = {"VCPU": {"total": 4, "allocation_ratio": 2.0}, "MEMORY_MB": {"total": 1024}}


def provider(call, name="node1", id_=U1, parent=None, stock=STOCK, traits=()):
    body = {"name": name, "uuid": id_}
    if parent:
        body["parent_provider_uuid"] = parent
    made = call("POST", "/resource_providers", body)
    assert made.status_code == 200, made.json
    base = f"/resource_providers/{id_}"
    kept = call("PUT", f"{base}/inventories",
                {"resource_provider_generation": 0, "inventories": stock})
    assert kept.status_code == 200, kept.json
    if traits:
        call("PUT", f"{base}/traits",
             {"resource_provider_generation": 1, "traits": list(traits)})
    return base


def claim(call, resources, consumer=None, generation=None, provider=U1):
    consumer = consumer or str(uuid.uuid4())
    allocations = {provider: {"resources": resources}} if resources else {}
    return call("PUT", f"/allocations/{consumer}", {
        "allocations": allocations, "project_id": "red", "user_id": "alice",
        "consumer_generation": generation, "consumer_type": "INSTANCE"})


def test_its_version_document_needs_no_token(call):
    found = call("GET", "/", who="nobody").json["versions"][0]
    assert (found["min_version"], found["max_version"]) == ("1.0", "1.39")


@pytest.mark.parametrize(("asked", "status"), [("1.40", 406), ("nonsense", 400), ("1.5", 200)])
def test_a_version_that_it_does_not_speak_is_refused(call, asked, status):
    assert call("GET", "/resource_providers", version=asked).status_code == status


def test_inventories_come_back_with_their_defaults(call):
    base = provider(call)
    found = call("GET", f"{base}/inventories").json
    assert found["resource_provider_generation"] == 1
    assert found["inventories"]["MEMORY_MB"] == {
        "total": 1024, "reserved": 0, "min_unit": 1, "max_unit": 2147483647, "step_size": 1,
        "allocation_ratio": 1.0}


def test_a_stale_generation_conflicts(call):
    base = provider(call)
    late = call("PUT", f"{base}/inventories",
                {"resource_provider_generation": 0, "inventories": STOCK})
    assert late.status_code == 409
    assert late.json["errors"][0]["code"] == "placement.concurrent_update"


def test_claims_stop_at_the_capacity_and_return_what_is_released(call):
    base = provider(call)
    consumer = str(uuid.uuid4())
    assert claim(call, {"VCPU": 6, "MEMORY_MB": 512}, consumer).status_code == 204
    assert claim(call, {"VCPU": 2, "MEMORY_MB": 512}).status_code == 204
    refused = claim(call, {"VCPU": 1})
    assert refused.status_code == 409
    assert "'VCPU'" in refused.json["errors"][0]["detail"]
    assert call("GET", f"{base}/usages").json["usages"] == {"VCPU": 8, "MEMORY_MB": 1024}
    assert call("DELETE", f"/allocations/{consumer}").status_code == 204
    assert call("DELETE", f"/allocations/{consumer}").status_code == 404
    assert call("GET", f"{base}/usages").json["usages"] == {"VCPU": 2, "MEMORY_MB": 512}


def test_a_claim_that_half_fits_takes_nothing(call):
    base = provider(call)
    assert claim(call, {"VCPU": 1, "MEMORY_MB": 4096}).status_code == 409
    assert call("GET", f"{base}/usages").json["usages"] == {"VCPU": 0, "MEMORY_MB": 0}


def test_a_consumer_is_changed_by_who_knows_its_generation(call):
    provider(call)
    consumer = str(uuid.uuid4())
    assert claim(call, {"VCPU": 1}, consumer).status_code == 204
    assert claim(call, {"VCPU": 2}, consumer).status_code == 409
    assert claim(call, {"VCPU": 2}, consumer, generation=1).status_code == 204
    found = call("GET", f"/allocations/{consumer}").json
    assert found["consumer_generation"] == 2
    assert found["allocations"][U1]["resources"] == {"VCPU": 2}


def test_inventory_in_use_stays(call):
    base = provider(call)
    claim(call, {"VCPU": 1})
    generation = call("GET", base).json["generation"]
    without = call("PUT", f"{base}/inventories", {
        "resource_provider_generation": generation, "inventories": {"MEMORY_MB": {"total": 1}}})
    assert without.status_code == 409
    assert without.json["errors"][0]["code"] == "placement.inventory.inuse"
    assert call("DELETE", base).status_code == 409


def test_candidates_have_room_and_the_traits(call):
    provider(call, traits=["HW_CPU_X86_VMX"])
    provider(call, "node2", U2)
    path = "/allocation_candidates?resources=VCPU:1,MEMORY_MB:128"

    def hosts(extra=""):
        found = call("GET", path + extra).json
        return {u for r in found["allocation_requests"] for u in r["allocations"]}

    assert hosts() == {U1, U2}
    assert hosts("&required=HW_CPU_X86_VMX") == {U1}
    assert hosts("&required=!HW_CPU_X86_VMX") == {U2}
    assert len(hosts("&limit=1")) == 1
    claim(call, {"MEMORY_MB": 1000})
    assert hosts() == {U2}


def test_candidates_spread_over_a_tree_but_a_suffixed_group_does_not(call):
    provider(call, stock={"VCPU": {"total": 4}})
    provider(call, "node1-numa0", U2, U1, {"MEMORY_MB": {"total": 512}})
    whole = call("GET", "/allocation_candidates?resources=VCPU:1,MEMORY_MB:512").json
    assert [set(r["allocations"]) for r in whole["allocation_requests"]] == [{U1, U2}]
    assert whole["provider_summaries"][U2]["root_provider_uuid"] == U1
    single = call("GET", "/allocation_candidates?resources_A=VCPU:1,MEMORY_MB:512").json
    assert single["allocation_requests"] == []


def test_a_parent_cannot_go_before_its_children(call):
    base = provider(call)
    provider(call, "child", U2, U1)
    assert call("DELETE", base).status_code == 409
    assert call("DELETE", f"/resource_providers/{U2}").status_code == 204
    assert call("DELETE", base).status_code == 204


@pytest.mark.parametrize(("method", "path", "body", "names"), [
    ("POST", "/resource_providers", {}, "name"),
    ("POST", "/resource_providers", {"name": "x", "size": 1}, "size"),
    ("PUT", "/allocations/x", {"allocations": {}}, "consumer_generation"),
    ("GET", "/allocation_candidates?resources=VCPU", None, "VCPU"),
    ("GET", "/allocation_candidates?resources=FROGS:1", None, "FROGS"),
    ("GET", "/allocation_candidates?frogs=1", None, "frogs"),
    ("POST", "/resource_classes", {"name": "frogs"}, "name"),
    ("PUT", "/traits/frogs", None, "CUSTOM_"),
])
def test_bad_input_is_refused_by_name(call, method, path, body, names):
    refused = call(method, path, body)
    assert refused.status_code == 400, refused.json
    assert names in refused.json["errors"][0]["detail"]


def test_a_name_is_taken_once(call):
    provider(call)
    again = call("POST", "/resource_providers", {"name": "node1", "uuid": U3})
    assert again.status_code == 409


def test_custom_classes_and_traits_live_and_die(call):
    assert call("PUT", "/resource_classes/CUSTOM_FROG").status_code == 201
    assert call("PUT", "/resource_classes/CUSTOM_FROG").status_code == 204
    assert call("PUT", "/traits/CUSTOM_GREEN").status_code == 201
    provider(call, stock={"CUSTOM_FROG": {"total": 1}}, traits=["CUSTOM_GREEN"])
    assert call("DELETE", "/resource_classes/CUSTOM_FROG").status_code == 409
    assert call("DELETE", "/traits/CUSTOM_GREEN").status_code == 409
    assert call("DELETE", "/resource_classes/VCPU").status_code == 400


def test_a_project_sees_its_own_usage_and_no_other(call):
    provider(call)
    claim(call, {"VCPU": 3})
    mine = call("GET", "/usages?project_id=red", who="alice", version="1.9")
    assert mine.json["usages"] == {"VCPU": 3}
    assert call("GET", "/usages?project_id=blue", who="alice").status_code == 403


def test_a_tenant_manages_nothing_here(call):
    assert call("GET", "/resource_providers", who="alice").status_code == 403
    assert call("GET", "/resource_providers", who="nobody").status_code == 401
