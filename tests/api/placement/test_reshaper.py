"""Moving inventories and allocations at once."""

import uuid

import pytest

SERVER, OTHER = (str(uuid.UUID(int=n)) for n in (1, 2))


@pytest.fixture
def moved(call, provider, claim):
    """reshape(change) moves the disk of a host, and of the server on it, to a child of the host."""
    host = provider("host", stock={"VCPU": 4, "DISK_GB": 100})
    assert claim({host: {"VCPU": 1, "DISK_GB": 10}}, SERVER).status_code == 204
    child = provider("disk", host)

    def generation(id_):
        return call("GET", f"/resource_providers/{id_}").json["generation"]

    def reshape(who="nova", version="1.39", **changes):
        body = {
            "inventories": {
                host: {"resource_provider_generation": generation(host),
                       "inventories": {"VCPU": {"total": 4}}},
                child: {"resource_provider_generation": generation(child),
                        "inventories": {"DISK_GB": {"total": 100}}},
            },
            "allocations": {SERVER: {
                "allocations": {host: {"resources": {"VCPU": 1}},
                                child: {"resources": {"DISK_GB": 10}}},
                "project_id": "red", "user_id": "alice", "consumer_generation": 1,
                "consumer_type": "INSTANCE"}},
        }
        for path, value in changes.items():
            at = body
            *way, last = path.format(host=host, child=child).split("__")
            for step in way:
                at = at[step]
            at[last] = value
        return call("POST", "/reshaper", body, who=who, version=version)

    reshape.host, reshape.child = host, child
    return reshape


def usages(call, id_):
    return call("GET", f"/resource_providers/{id_}/usages").json["usages"]


def test_what_is_used_moves_along(call, moved):
    assert moved().status_code == 204
    assert usages(call, moved.host) == {"VCPU": 1}
    assert usages(call, moved.child) == {"DISK_GB": 10}
    found = call("GET", f"/allocations/{SERVER}").json
    assert found["allocations"][moved.child]["resources"] == {"DISK_GB": 10}
    assert found["consumer_generation"] == 2


def nothing_moved(call, moved):
    assert usages(call, moved.host) == {"VCPU": 1, "DISK_GB": 10}
    assert usages(call, moved.child) == {}


def test_what_is_still_used_stays(call, moved):
    refused = moved(allocations={})
    assert refused.status_code == 409
    assert refused.json["errors"][0]["code"] == "placement.inventory.inuse"
    nothing_moved(call, moved)


@pytest.mark.parametrize(("path", "value"), [
    (f"allocations__{SERVER}__consumer_generation", 7),
    (f"allocations__{SERVER}__consumer_generation", None),
])
def test_who_knows_an_old_generation_moves_nothing(call, moved, path, value):
    refused = moved(**{path: value})
    assert refused.status_code == 409
    assert refused.json["errors"][0]["code"] == "placement.concurrent_update"
    nothing_moved(call, moved)


def test_a_provider_that_changed_is_not_reshaped(call, moved):
    body = {"resource_provider_generation": 99, "inventories": {}}
    assert moved(inventories={moved.child: body}).status_code == 409
    nothing_moved(call, moved)


def test_more_than_there_is_room_for_moves_nothing(call, moved):
    inventories = {moved.child: {
        "resource_provider_generation": call(
            "GET", f"/resource_providers/{moved.child}").json["generation"],
        "inventories": {"DISK_GB": {"total": 5}}}}
    assert moved(inventories=inventories).status_code == 409
    nothing_moved(call, moved)


def test_a_stranger_among_the_providers_is_named(moved):
    stranger = str(uuid.uuid4())
    refused = moved(inventories={stranger: {
        "resource_provider_generation": 0, "inventories": {}}})
    assert refused.status_code == 400
    error = refused.json["errors"][0]
    assert error["code"] == "placement.resource_provider.not_found"
    assert stranger in error["detail"]


def test_only_services_reshape(moved):
    assert moved(who="admin").status_code == 403
    assert moved(who="alice").status_code == 403
    assert moved(version="1.29").status_code == 404
    assert moved(frogs=1).status_code == 400
