"""Kill any process at any step, or let any step fail: what was asked is done or ends in a named
error, nothing is stuck, nothing is lost and nothing is left behind.

The steps are those that actions declare. What an action is asked by is an entry of ASKED; one that
has none is named in ELSEWHERE, with the test that is its own.
"""

from dataclasses import dataclass, field

import pytest
from fakes.cinder import World
from fakes.cinder.people import ADMIN, ALICE
from fakes.deaths import Killed
from sqlalchemy import select

from cairn.cinder.core import (
    contents,
    extending,
    flows,
    group_snapshots,
    groups,
    managing,
    migrations,
    quotas,
    snapshots,
    unified_limits,
    volumes,
)
from cairn.cinder.db.models import (
    Base,
    EncryptionKey,
    Group,
    GroupSnapshot,
    GroupType,
    Snapshot,
    Volume,
    VolumeType,
)
from cairn.cinder.drivers.base import GIB
from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.cinder.settings import VolumeSettings
from cairn.cinder.volume.doer import forget_transfers
from cairn.common.db import new_id
from cairn.common.errors import Invalid
from cairn.common.flows import load

RUNNERS = {SCHEDULER: SCHEDULER, VOLUME: "volume.store"}
DECLARED = load(flows.__name__, "ACTION")
ENDS = {"available", "in-use", "error", "error_deleting", "error_managing"}
CONTENT = b"what it holds" * 1000


@dataclass
class Scene:
    """A world with one volume of 1 GiB in it that holds something."""

    world: World
    volume: str = ""
    snapshot: str = ""
    other: str = ""
    facts: dict = field(default_factory=dict)

    @property
    def cinder(self):
        return self.world.cinder

    def path(self, volume_id):
        row = self.world.row(Volume, volume_id)
        driver = self.world.backends["store"].driver(row.host)
        return driver.folder / "volumes" / (row.name_id or row.id)

    def rows(self, model):
        with self.world.db.reading() as session:
            return session.scalars(select(model)).all()

    def add_type(self, name, **more):
        with self.world.db.writing() as session:
            session.add(VolumeType(name=name, extra_specs=more.pop("specs", {}), **more))

    def take_snapshot(self):
        self.snapshot = snapshots.create(
            self.cinder, ALICE, snapshots.Order(self.volume, force=True))
        self.world.settle()


@pytest.fixture
def scene(tmp_path, sqlite):
    unified_limits._remembered.clear()
    world = World(sqlite(Base), tmp_path, hosts=())
    world.add_host("store", f"fake:fake:{tmp_path}/one second:fake:{tmp_path}/two")
    made = Scene(world)
    # The first choice is one for all tests.
    world.driver(backend="second").capacity_gb = 20
    world.beat()
    made.volume = volumes.create(world.cinder, ALICE, volumes.Order(1, name="data")).id
    world.settle()
    with made.path(made.volume).open("r+b") as file:
        file.write(CONTENT)
    return made


def create(scene):
    image = scene.world.cloud.images.add(CONTENT)
    scene.other = volumes.create(scene.cinder, ALICE, volumes.Order(1, image_id=image)).id


def created(scene):
    assert scene.world.row(Volume, scene.other).status == "available"
    assert scene.path(scene.other).read_bytes()[:len(CONTENT)] == CONTENT


def delete(scene):
    scene.take_snapshot()
    volumes.delete(scene.cinder, ALICE, scene.volume, cascade=True)


def deleted(scene):
    assert scene.rows(Volume) == scene.rows(Snapshot) == []


def extend(scene):
    extending.extend(scene.cinder, ALICE, scene.volume, 3)


def extended(scene):
    assert scene.world.row(Volume, scene.volume).size == 3


def create_snapshot(scene):
    scene.snapshot = snapshots.create(scene.cinder, ALICE, snapshots.Order(scene.volume))


def snapshot_created(scene):
    assert scene.world.row(Snapshot, scene.snapshot).status == "available"


def delete_snapshot(scene):
    scene.take_snapshot()
    snapshots.delete(scene.cinder, ALICE, scene.snapshot)


def snapshot_deleted(scene):
    assert scene.rows(Snapshot) == []


def other_pool(scene):
    host = scene.world.row(Volume, scene.volume).host
    return "store@second#second" if host == "store@fake#fake" else "store@fake#fake"


def migrate(scene):
    scene.facts["to"] = other_pool(scene)
    migrations.migrate(scene.cinder, ADMIN, scene.volume, scene.facts["to"])


def migrated(scene):
    row = scene.world.row(Volume, scene.volume)
    assert row.host == scene.facts["to"] and row.migration_status == "success"


def retype(scene):
    """It moves, for its pool has no room for it."""
    scene.add_type("gold")
    scene.facts["to"] = other_pool(scene)
    backend = "fake" if scene.facts["to"].startswith("store@second") else "second"
    for name, capacity in (("fake", 100), ("second", 100), (backend, 0.5)):
        scene.world.driver(backend=name).capacity_gb = capacity
    scene.world.beat()
    migrations.retype(scene.cinder, ALICE, scene.volume, "gold", "on-demand")


def retyped(scene):
    migrated(scene)
    with scene.world.db.reading() as session:
        gold = session.scalar(select(VolumeType.id).where(VolumeType.name == "gold"))
    assert scene.world.row(Volume, scene.volume).type_id == gold
    assert scene.path(scene.volume).read_bytes()[:len(CONTENT)] == CONTENT


def remove_leftover(scene):
    migrate(scene)


def revert(scene):
    scene.take_snapshot()
    with scene.path(scene.volume).open("r+b") as file:
        file.write(b"something else")
    contents.revert(scene.cinder, ALICE, scene.volume, scene.snapshot)


def reverted(scene):
    assert scene.path(scene.volume).read_bytes()[:len(CONTENT)] == CONTENT


def reimage(scene):
    image = scene.world.cloud.images.add(b"another image")
    contents.reimage(scene.cinder, ALICE, scene.volume, image, reserved=False)


def reimaged(scene):
    assert scene.path(scene.volume).read_bytes()[:13] == b"another image"


def copy_volume_to_image(scene):
    scene.facts["image"] = contents.upload(scene.cinder, ALICE, scene.volume, {
        "name": "i", "disk_format": "raw", "container_format": "bare"}, force=False)[1]["id"]


def uploaded(scene):
    images = scene.world.cloud.images
    assert images.images[scene.facts["image"]]["status"] == "active"
    assert images.bytes[scene.facts["image"]][:len(CONTENT)] == CONTENT


def stranger(scene):
    path = scene.world.driver().folder / "unmanaged" / "theirs"
    with path.open("wb") as file:
        file.write(CONTENT)
        file.truncate(2 * GIB)


def manage(scene):
    stranger(scene)
    scene.other = managing.manage(scene.cinder, ADMIN, managing.Order(
        "store@fake#fake", {"source-name": "theirs"}))


def managed(scene):
    row = scene.world.row(Volume, scene.other)
    assert (row.status, row.size) == ("available", 2)


def unmanage(scene):
    managing.unmanage(scene.cinder, ADMIN, scene.volume)


def unmanaged(scene):
    assert scene.rows(Volume) == []
    folders = [scene.world.driver(backend=name).folder for name in ("fake", "second")]
    (left,) = [path for folder in folders for path in (folder / "unmanaged").iterdir()]
    assert left.read_bytes()[:len(CONTENT)] == CONTENT


def unmanage_snapshot(scene):
    scene.take_snapshot()
    managing.unmanage_snapshot(scene.cinder, ADMIN, scene.snapshot)


def manage_snapshot(scene):
    unmanage_snapshot(scene)
    scene.world.settle()
    folder = scene.path(scene.volume).parents[1] / "unmanaged-snapshots"
    (path,) = folder.iterdir()
    scene.snapshot = managing.manage_snapshot(
        scene.cinder, ADMIN, snapshots.Order(scene.volume),
        {"source-name": path.name.partition("@")[2]})


def group(scene):
    """With the volume and another in it, whose snapshots are of one moment."""
    type_id = scene.world.row(Volume, scene.volume).type_id
    with scene.world.db.writing() as session:
        session.add(GroupType(name="together", group_specs={groups.CONSISTENT: groups.TRUE}))
    made = groups.create(scene.cinder, ALICE, groups.Order("together", [type_id]))
    groups.update(scene.cinder, ALICE, made, {}, [scene.volume], [])
    scene.other = volumes.create(scene.cinder, ALICE, volumes.Order(
        1, type=type_id, group_id=made)).id
    scene.world.settle()
    return made


def create_group_snapshot(scene):
    scene.facts["group"] = group(scene)
    scene.facts["taken"] = group_snapshots.create(
        scene.cinder, ALICE, group_snapshots.Order(scene.facts["group"]))


def group_snapshot_created(scene):
    assert scene.world.row(GroupSnapshot, scene.facts["taken"]).status == "available"
    assert [each.status for each in scene.rows(Snapshot)] == ["available"] * 2


def delete_group_snapshot(scene):
    create_group_snapshot(scene)
    scene.world.settle()
    group_snapshots.delete(scene.cinder, ALICE, scene.facts["taken"])


def group_snapshot_deleted(scene):
    assert scene.rows(Snapshot) == scene.rows(GroupSnapshot) == []


def ungroup(scene):
    """What is left of a group's snapshot goes, then the group without its volumes."""
    for taken in scene.rows(GroupSnapshot):
        group_snapshots.delete(scene.cinder, ALICE, taken.id)
    settle(scene.world)
    for each in scene.rows(Group):
        groups.update(scene.cinder, ALICE, each.id, {}, [],
                      [row.id for row in scene.rows(Volume)])
        groups.delete(scene.cinder, ALICE, each.id, with_volumes=False)


ASKED = {
    "create": (create, created), "delete": (delete, deleted), "extend": (extend, extended),
    "create_snapshot": (create_snapshot, snapshot_created),
    "delete_snapshot": (delete_snapshot, snapshot_deleted), "migrate": (migrate, migrated),
    "retype": (retype, retyped), "remove_leftover": (remove_leftover, migrated),
    "revert": (revert, reverted), "reimage": (reimage, reimaged),
    "copy_volume_to_image": (copy_volume_to_image, uploaded), "manage": (manage, managed),
    "unmanage": (unmanage, unmanaged), "unmanage_snapshot": (unmanage_snapshot, snapshot_deleted),
    "manage_snapshot": (manage_snapshot, snapshot_created),
    "create_group_snapshot": (create_group_snapshot, group_snapshot_created),
    "delete_group_snapshot": (delete_group_snapshot, group_snapshot_deleted),
}
# By the file whose own these actions are.
BACKUPS = "tests/unit/cinder/test_backup_crashes.py"
ELSEWHERE = dict.fromkeys(("backup_create", "backup_delete", "backup_restore"), BACKUPS)
STEPS = [pytest.param(kind, RUNNERS[step.room], step.name, id=f"{kind}-{step.name}")
         for kind in ASKED for step in DECLARED[kind].steps]


def test_every_action_is_tried():
    assert {action.kind for action in DECLARED.values()} == {*ASKED, *ELSEWHERE}


def kill_once(worker, kind, moment, step):
    def probe(now, job, name):
        if (job.kind, now, name) == (kind, moment, step):
            worker.probe = lambda *_: None
            raise Killed

    worker.probe = probe


def fail(worker, kind, moment, step):
    def probe(now, job, name):
        if (job.kind, now, name) == (kind, moment, step):
            raise Invalid(reason=f"{step} broke")

    worker.probe = probe


def settle(world):
    """Run what there is; a killed process starts again."""
    for _ in range(5):
        try:
            world.settle()
            return
        except Killed:
            pass
    raise AssertionError("it never settles")


def assert_sound(scene):
    """Nothing is stuck, lost or left behind."""
    world = scene.world
    assert world.open_works() == 0
    rows, taken = scene.rows(Volume), scene.rows(Snapshot)
    for row in (*rows, *taken, *scene.rows(Group), *scene.rows(GroupSnapshot)):
        assert row.status in ENDS and row.previous_status is None, row.status
    assert {row.migration_status for row in rows} <= {None, "success", "error"}
    for row in rows:
        if row.status == "available":
            assert scene.path(row.id).stat().st_size >= row.size * GIB
    for each in taken:
        if each.status == "available":
            of_volume = scene.path(each.volume_id)
            assert (of_volume.parents[1] / "snapshots" / f"{of_volume.name}@{each.id}").exists()
    for backend in ("fake", "second"):
        names = {row.name_id or row.id for row in rows if row.host == f"store@{backend}#{backend}"}
        assert list(world.driver(backend=backend).stray(names, {row.id for row in taken})) == []
    folder = world.folder / "store-transfers"
    assert not folder.exists() or list(folder.iterdir()) == []
    keys = {row.encryption_key_id for row in rows} - {None}
    assert {key.id for key in scene.rows(EncryptionKey)} == keys
    with world.db.reading() as session:
        used = quotas.usage(session, "red", world.cinder.quota)
    assert used["volumes"] == len(rows) and used["snapshots"] == len(taken)
    assert used["gigabytes"] == sum(row.size for row in (*rows, *taken))


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("kind", "runner", "step"), STEPS)
def test_it_survives_a_death(scene, kind, runner, step, moment):
    ask, is_done = ASKED[kind]
    kill_once(scene.world.workers[runner], kind, moment, step)
    ask(scene)
    settle(scene.world)
    is_done(scene)
    assert_sound(scene)


@pytest.mark.parametrize("kind", ASKED)
def test_it_survives_a_death_in_the_middle_of_what_a_driver_does(scene, kind):
    ask, is_done = ASKED[kind]
    drivers = [scene.world.driver(backend=name) for name in ("fake", "second")]

    def kill(moment, id_):
        if moment.endswith("half"):
            for driver in drivers:
                driver.hook = lambda *_: None
            raise Killed

    for driver in drivers:
        driver.hook = kill
    try:
        ask(scene)
    except Killed:
        pytest.skip("it needs what a driver does to be asked")
    settle(scene.world)
    is_done(scene)
    assert_sound(scene)


def copy_group(scene, source):
    return groups.copy(scene.cinder, ALICE, groups.Copy(source_group_id=source))


GROUPED = [pytest.param(kind, RUNNERS[step.room], step.name, id=f"{kind}-{step.name}")
           for kind in ("create", "delete") for step in DECLARED[kind].steps]


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("kind", "runner", "step"), GROUPED)
def test_a_group_comes_and_goes_with_its_volumes_through_a_death(
    scene, kind, runner, step, moment
):
    made = copy_group(scene, group(scene))
    if kind == "delete":
        settle(scene.world)
    kill_once(scene.world.workers[runner], kind, moment, step)
    if kind == "delete":
        groups.delete(scene.cinder, ALICE, made, with_volumes=True)
    settle(scene.world)
    row = scene.world.row(Group, made)
    assert row is None if kind == "delete" else row.status == "available"
    assert_sound(scene)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("kind", "runner", "step"), GROUPED)
def test_a_group_is_in_error_when_one_of_its_volumes_fails(scene, kind, runner, step, moment):
    made = copy_group(scene, group(scene))
    worker = scene.world.workers[runner]
    if kind == "delete":
        settle(scene.world)
    fail(worker, kind, moment, step)
    if kind == "delete":
        groups.delete(scene.cinder, ALICE, made, with_volumes=True)
    settle(scene.world)
    worker.probe = lambda *_: None
    if (kind, step, moment) == ("delete", "volume_forgotten", "done"):
        assert scene.world.row(Group, made) is None
        return
    assert scene.world.row(Group, made).status == "error"
    groups.delete(scene.cinder, ALICE, made, with_volumes=True)
    settle(scene.world)
    assert scene.world.row(Group, made) is None
    assert_sound(scene)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("kind", "runner", "step"), STEPS)
def test_a_failure_leaves_what_can_be_used_or_removed(scene, kind, runner, step, moment):
    ask, _ = ASKED[kind]
    worker = scene.world.workers[runner]
    fail(worker, kind, moment, step)
    ask(scene)
    settle(scene.world)
    worker.probe = lambda *_: None
    if kind == "remove_leftover":
        return  # What it did not remove is named by its message, and an audit's to find.
    assert_sound(scene)
    if kind == "copy_volume_to_image":
        assert scene.facts["image"] not in scene.world.cloud.images.images
    ungroup(scene)
    if (row := scene.world.row(Volume, scene.volume)) is not None:
        if row.status == "available" and kind not in ("revert", "reimage"):
            assert scene.path(scene.volume).read_bytes()[:len(CONTENT)] == CONTENT
        for each in scene.rows(Volume):
            volumes.delete(scene.cinder, ALICE, each.id, cascade=True)
        settle(scene.world)
    deleted(scene)
    for backend in ("fake", "second"):
        assert list(scene.world.driver(backend=backend).stray(set(), set())) == []


def test_a_new_life_forgets_what_was_fetched(tmp_path):
    """The work it was for may have ended while nobody was here."""
    settings = VolumeSettings(folder=str(tmp_path / "transfers"))
    forget_transfers(settings)
    path = tmp_path / "transfers" / new_id()
    path.parent.mkdir()
    path.write_bytes(b"half of an image")
    forget_transfers(settings)
    assert not path.exists()
