"""Images that hosts of an aggregate shall have before they are needed."""


import pytest
from sqlalchemy import select

from cairn.nova.db.models import Event

NONE = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture
def aggregate(world, call):
    """One of the hosts one, two and three, of which three is down."""
    for host in ("two", "three", "four"):
        world.add_host(host)
    world.down("three")
    call("POST", "/v2.1/os-aggregates", {"aggregate": {"name": "a"}}, who="admin")
    for host in ("one", "two", "three"):
        call("POST", "/v2.1/os-aggregates/1/action", {"add_host": {"host": host}}, who="admin")
    return "/v2.1/os-aggregates/1/images"


def cache(*ids):
    return {"cache": [{"id": image} for image in ids]}


def test_hosts_that_work_are_asked(world, call, aggregate, caplog):
    first, second = world.cloud.image(), world.cloud.image()
    answer = call("POST", aggregate, cache(first, second), who="admin", version="2.81")
    assert (answer.status_code, answer.data) == (202, b"")
    asked = [image for image, _ in world.precached["one"]]
    assert asked == [image for image, _ in world.precached["two"]] == [first, second]
    assert all(url.endswith(f"/v2/images/{image}") for image, url in world.precached["one"])
    # Each may read these images, and do nothing else.
    assert world.cloud.lent == [[("GET", f"/v2/images/{image}/file")] for image in (first, second)]
    assert world.precached["four"] == world.precached["three"] == []
    assert "host three does not cache images" in caplog.text
    with world.db.reading() as session:
        event = session.scalars(select(Event).where(
            Event.type == "aggregate.cache_images.end")).one()
    assert event.payload["images"] == [first, second]
    assert list(event.payload["failures"]) == ["three"]


def test_a_host_that_does_not_answer_keeps_no_other_from_being_asked(world, call, aggregate):
    image = world.cloud.image()
    del world.managers["one"]  # It says that it is up, and is not.
    assert call("POST", aggregate, cache(image), who="admin").status_code == 202
    assert [asked for asked, _ in world.precached["two"]] == [image]


@pytest.mark.parametrize(("body", "told"), [
    ({"cache": []}, "cache"), ({}, "cache"), (cache("moon"), "moon"), (cache(NONE), NONE),
    ({"cache": [{"id": NONE, "size": 1}]}, "size"), (cache(NONE, NONE), "more than once")])
def test_what_is_no_image_is_refused_by_name(call, aggregate, body, told):
    answer = call("POST", aggregate, body, who="admin")
    assert answer.status_code == 400
    assert told in answer.json["badRequest"]["message"]


def test_it_is_for_admins_since_2_81(world, call, aggregate):
    body = cache(world.cloud.image())
    assert call("POST", aggregate, body).status_code == 403
    assert call("POST", aggregate, body, who="admin", version="2.80").status_code == 404
    missing = aggregate.replace("/1/", "/9/")
    assert call("POST", missing, body, who="admin").status_code == 404
    assert world.precached["one"] == []
