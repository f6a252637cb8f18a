"""What a storage host may ask: of volumes that are on it, and of works that are its own."""

import pytest
from fakes.cinder import World

from cairn.cinder.core import keys
from cairn.cinder.db.models import Base, Volume, Work
from cairn.cinder.rpc import VOLUME, runner_of
from cairn.common.context import Context
from cairn.common.errors import Problem, Refused
from cairn.common.ledger import add

OWNER, THIEF = Context(host="one"), Context(host="two")


@pytest.fixture
def world(tmp_path, sqlite):
    world = World(sqlite(Base), tmp_path, hosts=("one", "two"))
    with world.db.writing() as session:
        key = keys.keep(session, world.cinder, None)
        session.add(Volume(id="v", project_id="red", user_id="alice", status="available", size=1,
                           availability_zone="nova", host="one@fake#fake",
                           encryption_key_id=key))
        image = {"id": "img", "purpose": "read"}
        add(session, Context(), Work, kind="create", subject="w", runner=runner_of(VOLUME, "one"),
            args={"image": image})
    return world


def work(world):
    with world.db.reading() as session:
        return session.query(Work).one().id


def test_a_passphrase_is_for_the_host_of_the_volume(world):
    assert len(world.scheduler.passphrase(OWNER, "v")) == 64
    with pytest.raises(Problem) as refused:
        world.scheduler.passphrase(THIEF, "v")
    assert refused.value.code == 404


def test_an_image_is_lent_to_the_host_of_the_work_for_what_it_is(world):
    assert world.scheduler.lend_image(OWNER, work(world), "read")["image_id"] == "img"
    for who, purpose in ((THIEF, "read"), (OWNER, "fill")):
        with pytest.raises(Problem) as refused:
            world.scheduler.lend_image(who, work(world), purpose)
        assert refused.value.code == 404


def test_a_work_is_its_hosts(world):
    with pytest.raises(Refused):
        world.scheduler.work_take(THIEF, runner_of(VOLUME, "one"), "two", False)
    assert world.scheduler.work_take(OWNER, runner_of(VOLUME, "one"), "one", False)


def test_a_host_has_no_backend_but_its_own(world):
    report = world.reporters["one"].look("one@fake")
    with pytest.raises(Refused):
        world.scheduler.report_backend(THIEF, "two", report)
    with pytest.raises(Refused):
        world.scheduler.report_service(THIEF, "cinder-scheduler", "two", "nova")
