"""What /allocation_candidates says, by microversion."""

import uuid
from urllib.parse import urlencode

import pytest

AGGREGATE = str(uuid.UUID(int=7))


@pytest.fixture
def ask(call):
    def ask(version="1.39", **query):
        pairs = [(k, v) for k, vs in query.items() for v in (vs if isinstance(vs, list) else [vs])]
        return call("GET", f"/allocation_candidates?{urlencode(pairs)}", version=version)

    return ask


def served(reply):
    """For each candidate: group -> the uuids that serve it."""
    assert reply.status_code == 200, reply.json
    return [r["mappings"] for r in reply.json["allocation_requests"]]


@pytest.mark.parametrize(("version", "shape"), [
    ("1.10", [{"resource_provider": {"uuid": "U"}, "resources": {"VCPU": 1}}]),
    ("1.12", {"U": {"resources": {"VCPU": 1}}}), ("1.39", {"U": {"resources": {"VCPU": 1}}}),
])
def test_a_request_has_the_form_that_claims_of_its_version_take(ask, provider, version, shape):
    one = provider("one", stock={"VCPU": 4})
    found = ask(version, resources="VCPU:1").json["allocation_requests"]
    assert len(found) == 1
    assert str(found[0]["allocations"]).replace(one, "U") == str(shape)
    assert ("mappings" in found[0]) == (version == "1.39")


def test_a_summary_grew_over_time(ask, provider):
    one = provider("one", stock={"VCPU": 4, "DISK_GB": 9}, traits=["HW_CPU_X86_VMX"])
    kept = {}
    for version in ("1.16", "1.17", "1.26", "1.27", "1.28", "1.29"):
        kept[version] = ask(version, resources="VCPU:1").json["provider_summaries"][one]
    assert kept["1.16"] == {"resources": {"VCPU": {"capacity": 4, "used": 0}}}
    assert kept["1.17"]["traits"] == ["HW_CPU_X86_VMX"]
    assert set(kept["1.26"]["resources"]) == {"VCPU"}
    assert set(kept["1.27"]["resources"]) == {"VCPU", "DISK_GB"}
    assert "root_provider_uuid" not in kept["1.28"]
    assert kept["1.29"]["root_provider_uuid"] == one


def test_two_providers_of_a_tree_are_named_together_from_1_29_on(ask, provider):
    child = provider("child", provider("one", stock={"VCPU": 4}), stock={"VGPU": 1})
    assert ask("1.28", resources="VCPU:1,VGPU:1").json["allocation_requests"] == []
    alone = ask("1.28", resources="VGPU:1").json
    assert set(alone["provider_summaries"]) == {child}
    assert len(ask("1.29", resources="VCPU:1,VGPU:1").json["allocation_requests"]) == 1


def test_disks_are_shared(ask, provider):
    host = provider("host", stock={"VCPU": 4}, aggregates=[AGGREGATE])
    provider("far", stock={"VCPU": 4})
    disk = provider("disk", stock={"DISK_GB": 100}, aggregates=[AGGREGATE],
                    traits=["MISC_SHARES_VIA_AGGREGATE"])
    found = served(ask(resources="VCPU:1,DISK_GB:5"))
    assert [set(m[""]) for m in found] == [{host, disk}]
    found = served(ask(resources="VCPU:1", resources_D="DISK_GB:5"))
    assert found == [{"": [host], "_D": [disk]}]


@pytest.fixture
def numa(provider):
    """A host with two cells, each with a card on its own physical network."""
    root = provider("host", stock={"DISK_GB": 100}, traits=["COMPUTE_VOLUME_MULTI_ATTACH"])
    cells = [provider(f"cell{n}", root, stock={"VCPU": 4}, traits=["HW_NUMA_ROOT"])
             for n in range(2)]
    cards = [provider(f"card{n}", cells[n], stock={"SRIOV_NET_VF": 2}) for n in range(2)]
    return root, cells, cards


def test_groups_may_be_kept_apart(ask, numa):
    both = {"resources1": "SRIOV_NET_VF:1", "resources2": "SRIOV_NET_VF:1"}
    assert len(served(ask(**both, group_policy="none"))) == 4
    apart = served(ask(**both, group_policy="isolate"))
    assert len(apart) == 2
    assert all(m["1"] != m["2"] for m in apart)
    assert ask(**both).status_code == 400


def test_groups_may_be_of_one_subtree(ask, numa):
    _, cells, cards = numa
    found = served(ask(resources_C="VCPU:1", resources_N="SRIOV_NET_VF:1", group_policy="none",
                       same_subtree="_C,_N"))
    assert sorted((m["_C"][0], m["_N"][0]) for m in found) == sorted(zip(cells, cards,
                                                                         strict=True))
    empty = served(ask(resources_C="VCPU:1", required_R="COMPUTE_VOLUME_MULTI_ATTACH",
                       group_policy="none", same_subtree="_C,_R"))
    assert {m["_R"][0] for m in empty} == {numa[0]}


def test_the_root_may_be_asked_for(ask, numa, provider):
    provider("plain", stock={"VCPU": 4})
    wanted = "COMPUTE_VOLUME_MULTI_ATTACH"
    assert len(served(ask(resources="VCPU:1"))) == 3
    assert len(served(ask(resources="VCPU:1", root_required=wanted))) == 2
    assert len(served(ask(resources="VCPU:1", root_required=f"!{wanted}"))) == 1
    assert len(served(ask(resources="VCPU:1", in_tree=numa[1][0]))) == 2


def test_one_provider_gives_no_more_to_two_groups_than_it_has(ask, provider):
    provider("one", stock={"VCPU": 3})
    both = {"resources1": "VCPU:2", "group_policy": "none"}
    assert served(ask(**both, resources2="VCPU:2")) == []
    assert len(served(ask(**both, resources2="VCPU:1"))) == 1


def test_a_limit_is_kept(ask, provider):
    for number in range(5):
        provider(f"host{number}", stock={"VCPU": 1})
    found = ask(resources="VCPU:1", limit=2).json
    assert len(found["allocation_requests"]) == len(found["provider_summaries"]) == 2


@pytest.mark.parametrize(("version", "query"), [
    ("1.39", {}), ("1.39", {"resources": "VCPU"}), ("1.39", {"resources": "VCPU:0"}),
    ("1.39", {"resources": "VCPU:1", "limit": "0"}), ("1.39", {"resources": ""}),
    ("1.15", {"resources": "VCPU:1", "limit": "1"}),
    ("1.16", {"resources": "VCPU:1", "required": "HW_CPU_X86_VMX"}),
    ("1.21", {"resources": "VCPU:1", "required": "!HW_CPU_X86_VMX"}),
    ("1.38", {"resources": "VCPU:1", "required": "in:HW_CPU_X86_VMX"}),
    ("1.39", {"resources": "VCPU:1", "required": "FROGS"}),
    ("1.39", {"resources": "VCPU:1", "required": ["HW_CPU_X86_VMX", "!HW_CPU_X86_VMX"]}),
    ("1.20", {"resources": "VCPU:1", "member_of": AGGREGATE}),
    ("1.39", {"resources": "VCPU:1", "member_of": "frogs"}),
    ("1.39", {"resources": "VCPU:1", "member_of": f"{AGGREGATE},{AGGREGATE}"}),
    ("1.23", {"resources": "VCPU:1", "member_of": [AGGREGATE, AGGREGATE]}),
    ("1.31", {"resources": "VCPU:1", "member_of": f"!{AGGREGATE}"}),
    ("1.24", {"resources1": "VCPU:1"}), ("1.32", {"resources_A": "VCPU:1"}),
    ("1.30", {"resources": "VCPU:1", "in_tree": AGGREGATE}),
    ("1.39", {"resources": "VCPU:1", "in_tree": "frogs"}),
    ("1.34", {"resources": "VCPU:1", "root_required": "HW_CPU_X86_VMX"}),
    ("1.39", {"resources": "VCPU:1", "root_required": ["HW_CPU_X86_VMX"] * 2}),
    ("1.35", {"resources": "VCPU:1", "same_subtree": "1"}),
    ("1.39", {"resources1": "VCPU:1", "same_subtree": "2"}),
    ("1.39", {"resources1": "VCPU:1", "same_subtree": ""}),
    ("1.39", {"resources": "VCPU:1", "required1": "HW_CPU_X86_VMX"}),
    ("1.35", {"resources": "VCPU:1", "required1": "HW_CPU_X86_VMX"}),
    ("1.39", {"resources": "VCPU:1", "group_policy": "some"}),
])
def test_what_is_not_a_question(ask, version, query):
    refused = ask(version, **query)
    assert refused.status_code == 400, refused.json
    assert refused.json["errors"][0]["detail"]


def test_a_change_is_seen_by_the_next_question(ask, call, provider, claim):
    one = provider("one", stock={"VCPU": 2})
    assert len(served(ask(resources="VCPU:2"))) == 1
    consumer = str(uuid.uuid4())
    claim({one: {"VCPU": 1}}, consumer)
    assert served(ask(resources="VCPU:2")) == []
    call("DELETE", f"/allocations/{consumer}")
    assert len(served(ask(resources="VCPU:2"))) == 1
    call("DELETE", f"/resource_providers/{one}")
    assert served(ask(resources="VCPU:2")) == []


def test_a_class_that_is_renamed_is_called_by_its_new_name(ask, call, provider):
    call("PUT", "/resource_classes/CUSTOM_FROG")
    provider("one", stock={"CUSTOM_FROG": 2})
    ask(resources="CUSTOM_FROG:1")
    renamed = call("PUT", "/resource_classes/CUSTOM_FROG", {"name": "CUSTOM_TOAD"}, version="1.6")
    assert renamed.json["name"] == "CUSTOM_TOAD"
    summaries = ask(resources="CUSTOM_TOAD:1").json["provider_summaries"]
    assert [set(s["resources"]) for s in summaries.values()] == [{"CUSTOM_TOAD"}]
    assert ask(resources="CUSTOM_FROG:1").status_code == 400


def test_a_name_that_is_removed_and_made_again_is_a_new_one(ask, call, provider):
    call("PUT", "/traits/CUSTOM_GREEN")
    assert call("DELETE", "/traits/CUSTOM_GREEN").status_code == 204
    assert call("GET", "/traits/CUSTOM_GREEN").status_code == 404
    call("PUT", "/traits/CUSTOM_BLUE")
    call("PUT", "/traits/CUSTOM_GREEN")
    one = provider("one", stock={"VCPU": 1}, traits=["CUSTOM_GREEN"])
    found = ask(resources="VCPU:1", required="CUSTOM_GREEN").json["provider_summaries"]
    assert found[one]["traits"] == ["CUSTOM_GREEN"]


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_limit_of_too_many_digits_is_none(ask, digits):
    assert ask(resources="VCPU:1", limit="9" * digits).status_code == 400
