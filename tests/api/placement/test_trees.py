"""Providers below providers, and what moves them."""

import uuid

import pytest


def put(call, id_, parent, version="1.39"):
    return call("PUT", f"/resource_providers/{id_}",
                {"name": f"n-{id_}", "parent_provider_uuid": parent}, version=version)


def show(call, id_):
    return call("GET", f"/resource_providers/{id_}").json


def test_what_is_below_moves_along(call, provider):
    one, two = provider("one"), provider("two")
    child = provider("child", one)
    grandchild = provider("grandchild", child, stock={"VGPU": 4})
    assert show(call, grandchild)["root_provider_uuid"] == one
    assert put(call, child, two).status_code == 200
    assert show(call, grandchild)["root_provider_uuid"] == two
    within = call("GET", f"/resource_providers?in_tree={two}").json["resource_providers"]
    assert {p["uuid"] for p in within} == {two, child, grandchild}
    assert put(call, child, None).status_code == 200
    found = call("GET", "/allocation_candidates?resources=VGPU:1").json
    assert found["provider_summaries"][grandchild]["root_provider_uuid"] == child


def test_a_provider_moves_once_before_1_37(call, provider):
    one, two = provider("one"), provider("two")
    child = provider("child")
    assert put(call, child, one, "1.36").status_code == 200
    assert "re-parenting" in put(call, child, two, "1.36").json["errors"][0]["detail"]
    assert "un-parenting" in put(call, child, None, "1.36").json["errors"][0]["detail"]


def test_no_ring_is_made(call, provider):
    one = provider("one")
    child = provider("child", one)
    grandchild = provider("grandchild", child)
    for parent in (one, child, grandchild):
        assert "loop" in put(call, one, parent).json["errors"][0]["detail"]


@pytest.mark.parametrize("parent", ["aaaaaaaa-0000-4000-8000-000000000000", "no-uuid"])
def test_a_parent_must_be(call, provider, parent):
    assert put(call, provider("one"), parent).status_code == 400
    made = call("POST", "/resource_providers", {"name": "two", "parent_provider_uuid": parent})
    assert made.status_code == 400


def test_nobody_is_ones_own_parent(call):
    id_ = str(uuid.uuid4())
    made = call("POST", "/resource_providers",
                {"name": "one", "uuid": id_, "parent_provider_uuid": id_})
    assert made.status_code == 400


def test_a_parent_is_not_known_before_1_14(call, provider):
    child = provider("child", provider("one"))
    old = call("GET", f"/resource_providers/{child}", version="1.13").json
    assert "parent_provider_uuid" not in old
    refused = call("POST", "/resource_providers",
                   {"name": "x", "parent_provider_uuid": None}, version="1.13")
    assert refused.status_code == 400


def test_a_uuid_may_come_without_dashes(call):
    id_ = uuid.uuid4()
    made = call("POST", "/resource_providers", {"name": "one", "uuid": id_.hex})
    assert made.json["uuid"] == str(id_)
    again = call("POST", "/resource_providers", {"name": "one", "uuid": str(id_)})
    assert again.status_code == 409
    error = again.json["errors"][0]
    assert error["code"] == "placement.duplicate_name"
    assert "name: one" in error["detail"] and str(id_) in error["detail"]


def test_lists_filter(call, provider, claim):
    aggregate = str(uuid.uuid4())
    one = provider("one", stock={"VCPU": 4}, traits=["HW_CPU_X86_VMX"], aggregates=[aggregate])
    two = provider("two", stock={"VCPU": 8})

    def names(query):
        found = call("GET", f"/resource_providers?{query}")
        assert found.status_code == 200, found.json
        return {p["name"] for p in found.json["resource_providers"]}

    assert names("") == {"one", "two"}
    assert names("name=one") == names(f"uuid={one}") == {"one"}
    assert names("resources=VCPU:8") == {"two"}
    assert names("required=HW_CPU_X86_VMX") == names(f"member_of={aggregate}") == {"one"}
    assert names("required=!HW_CPU_X86_VMX") == names(f"member_of=!{aggregate}") == {"two"}
    assert names("required=in:HW_CPU_X86_VMX,HW_CPU_X86_SVM&resources=VCPU:5") == set()
    assert names(f"in_tree={uuid.uuid4()}") == set()
    claim({two: {"VCPU": 1}})
    assert names("resources=VCPU:8") == set()
