"""Allocations, the consumers that have them, and what a project has in all."""

import uuid

import pytest

ONE, TWO = (str(uuid.UUID(int=n)) for n in (1, 2))
OWNER = {"project_id": "red", "user_id": "alice"}


def test_two_consumers_change_at_once_or_not_at_all(call, provider, claim):
    a, b = provider("a", stock={"VCPU": 2}), provider("b", stock={"VCPU": 2})
    claim({a: {"VCPU": 2}}, ONE)

    def both(target, amount):
        return call("POST", "/allocations", {
            ONE: {"allocations": {}, **OWNER, "consumer_generation": 1,
                  "consumer_type": "INSTANCE"},
            TWO: {"allocations": {target: {"resources": {"VCPU": amount}}}, **OWNER,
                  "consumer_generation": None, "consumer_type": "MIGRATION"}})

    assert both(b, 3).status_code == 409
    assert set(call("GET", f"/allocations/{ONE}").json["allocations"]) == {a}
    assert both(a, 2).status_code == 204  # What the one gives back is there for the other.
    assert call("GET", f"/allocations/{ONE}").json["allocations"] == {}
    assert call("GET", f"/allocations/{TWO}").json["consumer_type"] == "MIGRATION"
    held = call("GET", f"/resource_providers/{a}/allocations").json["allocations"]
    assert held == {TWO: {"resources": {"VCPU": 2}, "consumer_generation": 1}}


def test_what_is_too_much_already_may_shrink_and_not_grow(call, provider, claim):
    home = provider("one", stock={"VCPU": 8})
    claim({home: {"VCPU": 6}}, ONE)
    have = call("GET", f"/resource_providers/{home}/inventories").json
    have["inventories"]["VCPU"]["total"] = 4
    assert call("PUT", f"/resource_providers/{home}/inventories", have).status_code == 200
    assert claim({home: {"VCPU": 7}}, ONE, generation=1).status_code == 409
    assert claim({home: {"VCPU": 5}}, ONE, generation=1).status_code == 204
    assert claim({home: {"VCPU": 1}}, TWO).status_code == 409


@pytest.mark.parametrize(("stock", "amount", "words"), [
    ({"total": 8, "min_unit": 2}, 1, "constraints"),
    ({"total": 8, "max_unit": 2}, 3, "constraints"),
    ({"total": 8, "step_size": 2}, 3, "constraints"),
    ({"total": 8, "reserved": 4}, 5, "capacity"),
    ({"total": 10, "allocation_ratio": 0.9}, 10, "capacity"),
])
def test_units_are_kept(provider, claim, stock, amount, words):
    home = provider("one", stock={"VCPU": stock})
    refused = claim({home: {"VCPU": amount}})
    assert refused.status_code == 409
    assert words in refused.json["errors"][0]["detail"]


def test_all_that_a_ratio_gives_is_given(provider, claim):
    home = provider("one", stock={"VCPU": {"total": 10, "allocation_ratio": 0.9}})
    assert claim({home: {"VCPU": 9}}).status_code == 204


@pytest.mark.parametrize(("resources", "status"), [
    ({"DISK_GB": 1}, 409), ({"FROGS": 1}, 400), ({"VCPU": 0}, 400), ({}, 400),
    ({"VCPU": 10**18}, 409), ({"VCPU": 10**30}, 409), ({"VCPU": "1"}, 400), ({"VCPU": 1.5}, 400),
])
def test_what_cannot_be_claimed(provider, claim, resources, status):
    assert claim({provider("one", stock={"VCPU": 4}): resources}).status_code == status


def test_a_whole_number_may_have_a_point(call, provider, claim):
    home = provider("one", stock={"VCPU": {"total": 4.0}})
    assert claim({home: {"VCPU": 2.0}}).status_code == 204
    assert call("GET", f"/resource_providers/{home}/usages").json["usages"] == {"VCPU": 2}


def test_a_provider_that_is_not_there_is_named(claim):
    refused = claim({TWO: {"VCPU": 1}})
    assert refused.status_code == 400
    assert TWO in refused.json["errors"][0]["detail"]


def test_old_versions_need_less(call, provider):
    home = provider("one", stock={"VCPU": 4})
    listed = {"allocations": [{"resource_provider": {"uuid": home}, "resources": {"VCPU": 1}}]}
    path = f"/allocations/{ONE}"
    assert call("PUT", path, listed, version="1.7").status_code == 204
    assert call("PUT", path, listed, version="1.8").status_code == 400
    assert call("PUT", path, {**listed, **OWNER}, version="1.8").status_code == 204
    keyed = {"allocations": {home: {"resources": {"VCPU": 2}}}, **OWNER}
    assert call("PUT", path, keyed, version="1.12").status_code == 204
    assert call("PUT", path, keyed, version="1.28").status_code == 400
    found = call("GET", path, version="1.27").json
    assert found["project_id"] == "red" and "consumer_generation" not in found
    assert call("GET", path).json["consumer_type"] == "unknown"
    kept = {**keyed, "consumer_generation": 3, "mappings": {"": [home]}}
    assert call("PUT", path, kept, version="1.34").status_code == 204


def test_usages_are_by_type(call, provider, claim):
    home = provider("one", stock={"VCPU": 10})
    claim({home: {"VCPU": 3}}, ONE)
    claim({home: {"VCPU": 4}}, TWO, kind="MIGRATION")

    def usages(query, version="1.39", who="alice"):
        reply = call("GET", f"/usages?{query}", who=who, version=version)
        return reply.json["usages"] if reply.status_code == 200 else reply.status_code

    assert usages("project_id=red", "1.37") == {"VCPU": 7}
    assert usages("project_id=red") == {
        "INSTANCE": {"VCPU": 3, "consumer_count": 1}, "MIGRATION": {"VCPU": 4, "consumer_count": 1}}
    assert usages("project_id=red&consumer_type=all") == {"all": {"VCPU": 7, "consumer_count": 2}}
    assert usages("project_id=red&consumer_type=INSTANCE&user_id=alice") == {
        "INSTANCE": {"VCPU": 3, "consumer_count": 1}}
    assert usages("project_id=red&user_id=bob") == {}
    assert usages("project_id=red&consumer_type=frog") == 400
    assert usages("project_id=red&consumer_type=all", "1.37") == 400
    assert usages("user_id=alice", who="nova") == 400
    assert usages("project_id=blue") == 403
    assert usages("project_id=blue", who="nova") == {}
