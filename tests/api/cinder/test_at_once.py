"""Requests at once, on a real server."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fakes.cinder import World

from cairn.cinder.db.models import Base, Volume, VolumeType


@pytest.fixture
def world(tmp_path, mariadb):
    return World(mariadb(Base), tmp_path)


def test_no_volume_is_of_a_type_that_went(world, call, create):
    outcomes = set()
    with ThreadPoolExecutor(2) as pool:
        for number in range(10):
            made = call("POST", "/types", {"volume_type": {"name": f"t{number}"}}, who="admin")
            type_id = made.json["volume_type"]["id"]
            volume = pool.submit(create, volume_type=type_id)
            gone = pool.submit(call, "DELETE", f"/types/{type_id}", who="admin")
            outcomes.add((volume.result().status_code, gone.result().status_code))
    # One of the two came first, and the other was told so.
    assert outcomes <= {(202, 400), (404, 202)}
    with world.db.reading() as session:
        assert session.query(Volume).filter(
            Volume.type_id.not_in(session.query(VolumeType.id))).count() == 0


def test_the_clouds_own_type_is_made_once(world, create):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: create(), range(4)))
    assert [answer.status_code for answer in made] == [202] * 4
    with world.db.reading() as session:
        assert session.query(VolumeType).count() == 1
