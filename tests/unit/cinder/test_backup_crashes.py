"""Kill whoever makes, restores or removes a backup, at any step: it is done by the next life, or
ends in a named error; nothing is stuck, and nothing half is left where backups are kept.

QEMU's tools are real."""

import random
import shutil
import subprocess

import pytest
from sqlalchemy import select
from unit.cinder.test_crashes import (
    ALICE,
    CONTENT,
    DECLARED,
    Killed,
    Scene,
    assert_sound,
    fail,
    kill_once,
    scene,
    settle,
)

from cairn.cinder.core import backups
from cairn.cinder.db.models import Attachment, Backup, Message, Volume
from cairn.cinder.rpc import BACKUP, SCHEDULER
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.targets import Kept
from cairn.cinder.volume.backups.targets.folder import Folder

pytestmark = pytest.mark.skipif(not shutil.which("qemu-nbd"), reason="needs qemu-utils")
assert scene  # The fixture.

RUNNERS = {SCHEDULER: SCHEDULER, BACKUP: "backup.store"}
MIB = 1 << 20


def target(scene: Scene):
    return Folder(str(scene.world.folder / "store-backups"))


def back_up(scene, **more):
    made = backups.create(scene.cinder, ALICE, backups.Order(scene.volume, **more))
    return made.id


def write(scene, content, at=0, volume=None):
    with scene.path(volume or scene.volume).open("r+b") as file:
        file.seek(at)
        file.write(content)


def create(scene):
    """Of what changed in a volume that somebody writes to."""
    scene.facts["full"] = back_up(scene)
    scene.world.settle()
    scene.world.set(scene.volume, status="in-use", attach_status="attached")
    with scene.world.db.writing() as session:
        session.add(Attachment(project_id="red", volume_id=scene.volume, status="attached"))
    for place in (100, 500):
        write(scene, b"more", place * MIB)
    scene.facts["backup"] = back_up(scene, incremental=True, force=True)


def created(scene):
    row = scene.world.row(Backup, scene.facts["backup"])
    assert (row.status, row.object_count) == ("available", 2)
    assert scene.world.row(Volume, scene.volume).status == "in-use"


def restore(scene):
    """Over what the volume holds by now."""
    scene.facts["backup"] = back_up(scene)
    scene.world.settle()
    write(scene, b"something else")
    backups.restore(scene.cinder, ALICE, scene.facts["backup"], scene.volume, None)


def restored(scene):
    row = scene.world.row(Volume, scene.other or scene.volume)
    assert row.status == "available"
    assert scene.path(row.id).read_bytes()[:len(CONTENT)] == CONTENT
    backup = scene.world.row(Backup, scene.facts["backup"])
    assert (backup.status, backup.restored_volume_id) == ("available", row.id)


def restore_new(scene):
    scene.facts["backup"] = back_up(scene)
    scene.world.settle()
    scene.other = backups.restore(scene.cinder, ALICE, scene.facts["backup"], None, "new")[1].id


def delete(scene):
    scene.facts["backup"] = back_up(scene)
    scene.world.settle()
    backups.delete(scene.cinder, ALICE, scene.facts["backup"])


def deleted(scene):
    assert scene.rows(Backup) == []


ASKED = {"backup_create": {"create": (create, created)},
         "backup_restore": {"restore": (restore, restored), "restore_new": (restore_new, restored)},
         "backup_delete": {"delete": (delete, deleted)}}
STEPS = [pytest.param(kind, name, RUNNERS[step.room], step.name, id=f"{name}-{step.name}")
         for kind, ways in ASKED.items() for name in ways for step in DECLARED[kind].steps]


def assert_kept(scene, *, ends=("available", "error")):
    """What is kept is what rows tell of, and all of it."""
    rows = scene.rows(Backup)
    assert {row.status for row in rows} <= set(ends)
    assert all(row.previous_status is None for row in rows)
    whole = {row.id for row in rows if row.status == "available"}
    assert {kept.id for kept in target(scene).inventory()} == whole
    for id_ in whole:
        assert chunks.lacking(target(scene), Kept(id_)) == []
    assert_sound(scene)


def begin(scene, ask, arm):
    """What the scene needs before, which is settled, is spared."""
    settled = scene.world.settle
    scene.world.settle = lambda: (settled(), arm())[0]
    ask(scene)
    scene.world.settle = settled


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("kind", "way", "runner", "step"), STEPS)
def test_it_survives_a_death(scene, kind, way, runner, step, moment):
    ask, is_done = ASKED[kind][way]
    worker = scene.world.workers[runner]

    begin(scene, ask, lambda: kill_once(worker, kind, moment, step))
    settle(scene.world)
    is_done(scene)
    assert_kept(scene)


@pytest.mark.parametrize("puts", [0, 1, 2])
def test_it_survives_a_death_in_the_middle_of_its_chunks(scene, monkeypatch, puts):
    create(scene)
    put, left = Folder.put, [puts]

    def die(self, kept, name, content):
        if left[0] == 0:
            left[0] = -1
            raise Killed
        left[0] -= 1
        put(self, kept, name, content)

    monkeypatch.setattr(Folder, "put", die)
    settle(scene.world)
    assert left[0] < 0
    created(scene)
    assert_kept(scene)


@pytest.mark.parametrize(("kind", "way", "runner", "step"), STEPS)
def test_a_failure_leaves_what_can_be_used_or_removed(scene, kind, way, runner, step):
    """Of a step that was done: all of it is undone."""
    ask, _ = ASKED[kind][way]
    worker = scene.world.workers[runner]
    begin(scene, ask, lambda: fail(worker, kind, "done", step))
    settle(scene.world)
    worker.probe = lambda *_: None
    backup = scene.world.row(Backup, scene.facts["backup"])
    volume = scene.world.row(Volume, scene.other or scene.volume)
    with scene.world.db.reading() as session:
        told = [row.text for row in session.scalars(select(Message))]
    if kind == "backup_delete" and backup is None:
        return  # It was too late.
    assert any(f"{step} broke" in text for text in told)
    if kind == "backup_create":
        assert backup.status == "error" and f"{step} broke" in backup.fail_reason
        assert volume.status == "in-use"
        assert_kept(scene)
    elif kind == "backup_restore":
        assert backup.status == "available"
        untouched = way == "restore" and step in ("volume_claimed", "backup_checked")
        if step != "restore_recorded":
            assert volume.status == ("available" if untouched else "error_restoring")
        # It is restored again, to where it failed or anew.
        scene.world.set(volume.id, status="available")
        backups.restore(scene.cinder, ALICE, backup.id, volume.id, None)
        settle(scene.world)
        restored(scene)
        assert_kept(scene)
    else:
        assert backup.status == "error_deleting"
        backups.delete(scene.cinder, ALICE, backup.id)
        settle(scene.world)
        deleted(scene)
        assert_kept(scene)


def test_a_target_that_is_really_full_takes_nothing(scene):
    """A file system of its own, of 6 MiB."""
    folder = scene.world.folder / "store-backups"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder], check=True)
    try:
        scene.world.beat()
        write(scene, random.Random(1).randbytes(3 * MIB))
        full = back_up(scene)
        settle(scene.world)
        write(scene, random.Random(2).randbytes(8 * MIB), 100 * MIB)
        for more in ({"incremental": True}, {}):
            made = back_up(scene, **more)
            settle(scene.world)
            row = scene.world.row(Backup, made)
            assert row.status == "error" and "No space left on device" in row.fail_reason
            assert scene.world.row(Volume, scene.volume).status == "available"
            with scene.world.db.reading() as session:
                [told] = session.scalars(select(Message).where(Message.resource_id == made))
            assert "full" in told.text and told.event_id.endswith("_007")
            assert_kept(scene)
        # What was whole is, and there is as much room as before.
        assert [kept.id for kept in target(scene).inventory()] == [full]
        backups.restore(scene.cinder, ALICE, full, scene.volume, None)
        settle(scene.world)
        assert scene.world.row(Volume, scene.volume).status == "available"
    finally:
        subprocess.run(["umount", folder], check=True)
