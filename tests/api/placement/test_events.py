"""What placement records of its changes; that each records something, all of its tests say."""

import uuid

import pytest

from cairn.placement.db.models import Event, EventReader


@pytest.fixture
def recorded(placement, follow):
    """recorded() -> the events since the last time."""
    return follow(placement.db, Event, EventReader)


def types(rows):
    return [row.type for row in rows]


def test_the_life_of_a_provider(call, provider, recorded):
    host = provider("host", stock={"VCPU": 8}, traits=["HW_CPU_X86_AVX"], aggregates=[])
    made, stocked, traits, aggregates = recorded()
    assert (made.type, made.resource_type, made.resource_id) == (
        "resource_provider.create", "resource_provider", host)
    assert made.payload == {"uuid": host, "name": "host", "parent": None}
    assert (made.user_id, made.project_id) == ("nova", "")
    assert stocked.type == "inventory.update" and stocked.payload["generation"] == 1
    assert stocked.payload["inventories"]["VCPU"]["total"] == 8
    assert traits.payload["traits"] == ["HW_CPU_X86_AVX"]
    assert aggregates.type == "resource_provider.aggregates.update"
    assert call("PUT", f"/resource_providers/{host}", {"name": "other"}).status_code == 200
    assert call("DELETE", f"/resource_providers/{host}").status_code == 204
    assert types(recorded()) == ["resource_provider.update", "resource_provider.delete"]


def test_the_same_traits_again_are_no_change(call, provider, recorded):
    host = provider("host", traits=["HW_CPU_X86_AVX"])
    recorded()
    generation = call("GET", f"/resource_providers/{host}").json["generation"]
    again = call("PUT", f"/resource_providers/{host}/traits", {
        "traits": ["HW_CPU_X86_AVX"], "resource_provider_generation": generation})
    assert again.status_code == 200
    assert recorded() == []


def test_an_allocation_is_its_projects(call, provider, claim, recorded):
    host, consumer = provider("host", stock={"VCPU": 8}), str(uuid.uuid4())
    recorded()
    assert claim({host: {"VCPU": 2}}, consumer).status_code == 204
    (row,) = recorded()
    assert (row.type, row.resource_id, row.project_id) == ("allocation.update", consumer, "red")
    assert row.payload["allocations"] == {host: {"VCPU": 2}}
    assert call("DELETE", f"/allocations/{consumer}").status_code == 204
    (row,) = recorded()
    assert (row.type, row.resource_id, row.project_id) == ("allocation.delete", consumer, "red")


def test_what_is_refused_records_nothing(provider, claim, recorded):
    host = provider("host", stock={"VCPU": 8})
    recorded()
    assert claim({host: {"VCPU": 9}}).status_code == 409
    assert recorded() == []


def test_custom_names(call, recorded):
    for path in ("/traits/CUSTOM_FAST", "/resource_classes/CUSTOM_GOLD"):
        assert call("PUT", path).status_code == 201
        assert call("PUT", path).status_code == 204  # It is there: nothing to record.
        assert call("DELETE", path).status_code == 204
    assert types(recorded()) == ["trait.create", "trait.delete", "resource_class.create",
                                 "resource_class.delete"]
