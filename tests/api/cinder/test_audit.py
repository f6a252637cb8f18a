"""`cairn-manage cinder audit`: each kind of damage is told, a look changes nothing, and what is
mended is well afterwards, with nobody's data less."""

import json
import os

import pytest
from sqlalchemy import delete, insert, select

from cairn.cinder.audit import report, run
from cairn.cinder.core import keys
from cairn.cinder.core.flows import actions
from cairn.cinder.db.models import (
    Attachment,
    Backup,
    Base,
    EncryptionKey,
    Service,
    Snapshot,
    Transfer,
    Volume,
    Work,
)
from cairn.cinder.drivers.base import Volume as Thing
from cairn.cinder.drivers.files import copy_sparse
from cairn.cinder.rpc import VOLUME, runner_of
from cairn.cinder.settings import ServiceSettings
from cairn.cinder.volume.backups.targets import Kept
from cairn.common.context import Context
from cairn.common.db import new_id
from cairn.common.errors import Unavailable, UnknownMessage
from cairn.common.ledger import add

ROOT = Context("audit", roles=frozenset({"admin"}))
SERVER, GONE = "5d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a1", "6d0dbbee-cd5a-4a0f-a1e4-2b2b65a6a0a2"
CONNECTOR = {"host": "one", "ip": "10.0.0.5", "initiator": "iqn.x", "multipath": False}
CONTENT = b"what nobody wants to lose"


class Scene:
    """A volume with a snapshot and a backup, one that a server uses, and one that is encrypted."""

    def __init__(self, world, call, create):
        self.world, self.call, self.create = world, call, create
        # However slow the machine is.
        object.__setattr__(world.cinder, "service", ServiceSettings(down_after=1e6))
        self.volume, self.used, self.sealed = (self.make() for _ in range(3))
        self.snapshot = call("POST", "/snapshots", {"snapshot": {
            "volume_id": self.volume}}).json["snapshot"]["id"]
        world.settle()
        world.cloud.compute.servers[SERVER] = {"id": SERVER}
        self.attachment = self.attach(self.used, SERVER)
        world.cloud.compute.used[SERVER, self.used] = self.attachment
        world.cloud.compute.held["one"] = {SERVER: [self.used]}
        with world.db.writing() as session:
            self.key = keys.keep(session, world.cinder, None)
        world.set(self.sealed, encryption_key_id=self.key)
        self.backup = self.back_up()

    def make(self):
        id_ = self.create(name="data").json["volume"]["id"]
        self.world.settle()
        with self.file(id_).open("r+b") as file:
            file.write(CONTENT)
        return id_

    def back_up(self):
        """A backup as it is kept, without QEMU's tools."""
        id_ = new_id()
        with self.world.db.writing() as session:
            session.execute(insert(Backup).values(
                id=id_, project_id="red", user_id="alice", volume_id=self.volume, size=1,
                status="available", host="store"))
        self.keep(id_)
        return id_

    def keep(self, id_, chunks=()):
        target = self.world.managers["store"].keeper.target
        target.put(Kept(id_), "chunks.json", json.dumps(
            {"version": 1, "chunk": 1, "size": 1, "chunks": list(chunks)}).encode())

    def attach(self, volume, server):
        made = self.call("POST", "/attachments", {"attachment": {
            "volume_uuid": volume, "instance_uuid": server}}, who="nova").json["attachment"]["id"]
        self.call("PUT", f"/attachments/{made}", {"attachment": {"connector": CONNECTOR}},
                  who="nova")
        assert self.call("POST", f"/attachments/{made}/action", {"os-complete": None},
                         who="nova").status_code == 204
        return made

    @property
    def folder(self):
        return self.world.driver().folder

    def file(self, id_, kind="volumes"):
        return self.folder / kind / id_

    def forget(self, model, id_):
        with self.world.db.writing() as session:
            session.execute(delete(model).where(model.id == id_))

    def audit(self, grace=0.0):
        return run.audit(self.world.cinder, ROOT, grace)

    def kinds(self, **more):
        return {(each.kind, each.id) for each in self.audit(**more)}

    def mend(self, **more):
        results = run.mend(self.world.cinder, ROOT, self.audit(), **{"safe": True, **more})
        self.world.settle()
        return results

    def state(self):
        """All that there is: rows, files and what is in them."""
        with self.world.db.reading() as session:
            rows = {name: session.execute(select(table)).all()
                    for name, table in Base.metadata.tables.items()}
        files = {str(path): (path.stat().st_size, head(path))
                 for path in self.world.folder.rglob("*")
                 if path.is_file() and path.suffix != ".db"}
        return rows, files

    def data(self):
        """What users have."""
        return {id_: head(self.file(id_)) for id_ in (self.volume, self.used, self.sealed)
                if self.file(id_).exists()}


def head(path):
    with path.open("rb") as file:
        return file.read(len(CONTENT))


def copy(source, target):
    copy_sparse(source, target, source.stat().st_size)


@pytest.fixture
def scene(world, call, create):
    return Scene(world, call, create)


# --- Damages: each does it, and says what is told: (kind, id, whether --mend mends it) ---------


def lose_a_volume(scene):
    scene.file(scene.volume).unlink()
    return [("missing-volume", scene.volume, False)]


def lose_a_snapshot(scene):
    scene.file(f"{scene.volume}@{scene.snapshot}", "snapshots").unlink()
    return [("missing-snapshot", scene.snapshot, False)]


def leave_a_volume(scene):
    id_ = new_id()
    scene.file(id_).write_bytes(CONTENT)
    return [("orphan-volume", id_, False)]


def leave_a_snapshot(scene):
    id_ = new_id()
    scene.file(f"{scene.volume}@{id_}", "snapshots").write_bytes(CONTENT)
    return [("orphan-snapshot", id_, False)]


def leave_a_moved_volume(scene):
    name = new_id()
    copy(scene.file(scene.volume), scene.file(name))
    scene.world.set(scene.volume, name_id=name)
    return [("orphan-volume", scene.volume, False)]


def resize_behind_our_back(scene):
    os.truncate(scene.file(scene.volume), 3 << 30)
    return [("size", scene.volume, False)]


def lose_the_row_of_a_snapshots_volume(scene):
    scene.forget(Volume, scene.volume)
    scene.forget(Backup, scene.backup)
    return [("snapshot-without-volume", scene.snapshot, False),
            ("orphan-volume", scene.volume, False), ("orphan-backup", scene.backup, False)]


def lose_a_backend(scene):
    scene.world.set(scene.volume, host="store@gone#gone")
    return [("no-backend", scene.volume, False), ("second-copy", scene.volume, False)]


def leave_an_export(scene):
    id_ = new_id()
    scene.file(f"{scene.volume}@{id_}", "exports").write_text("one")
    return [("export-without-attachment", id_, True)]


def lose_an_export(scene):
    scene.file(f"{scene.used}@{scene.attachment}", "exports").unlink()
    return [("attachment-without-export", scene.attachment, False)]


def lose_a_server(scene):
    id_ = scene.attach(scene.volume, GONE)
    return [("ghost-attachment", id_, True)]


def lose_a_server_whose_guest_lives(scene):
    id_ = scene.attach(scene.volume, GONE)
    scene.world.cloud.compute.held["one"][GONE] = [scene.volume]
    return [("ghost-attachment", id_, False), ("disk-without-mapping", scene.volume, False)]


def lose_a_server_while_a_host_is_silent(scene):
    id_ = scene.attach(scene.volume, GONE)
    compute = scene.world.cloud.compute
    compute.held["two"], compute.silent = {}, {"two"}
    return [("ghost-attachment", id_, False), ("not-looked-at", "two", False)]


def lose_a_mapping(scene):
    scene.world.cloud.compute.used.clear()
    scene.world.cloud.compute.held["one"][SERVER] = []
    return [("attachment-without-mapping", scene.attachment, False)]


def lose_an_attachment(scene):
    scene.world.driver().unexport(Thing(scene.used, 1), scene.attachment)
    scene.forget(Attachment, scene.attachment)
    # Its status follows once it is sure that nobody has it.
    return [("mapping-without-attachment", scene.used, False), ("status", scene.used, False)]


def lose_a_disk(scene):
    scene.world.cloud.compute.held["one"][SERVER] = []
    return [("mapping-without-disk", scene.used, False)]


def have_a_disk_that_nobody_gave(scene):
    scene.world.cloud.compute.held["one"][SERVER].append(scene.volume)
    return [("disk-without-mapping", scene.volume, False)]


def stay_detaching_in_nova(scene):
    scene.world.cloud.compute.state_of[SERVER] = "detaching"
    return [("stuck-mapping", scene.used, False)]


def stay_detaching(scene):
    scene.world.set(scene.attachment, Attachment, status="detaching")
    scene.world.set(scene.used, status="detaching", attach_status="detached")
    return [("stuck-attachment", scene.attachment, True)]


def stay_detaching_of_nobody(scene):
    scene.world.cloud.compute.used.clear()
    scene.world.cloud.compute.held["one"][SERVER] = []
    scene.world.set(scene.attachment, Attachment, status="detaching")
    scene.world.set(scene.used, status="detaching", attach_status="detached")
    return [("stuck-attachment", scene.attachment, True)]


def stay_reserved(scene):
    scene.world.set(scene.volume, status="attaching")
    return [("status", scene.volume, True)]


def say_available_in_use(scene):
    scene.world.set(scene.used, status="available", attach_status="detached")
    return [("status", scene.used, True)]


def stay_offered(scene):
    scene.call("POST", "/volume-transfers", {"transfer": {"volume_id": scene.volume}})
    with scene.world.db.writing() as session:
        session.execute(delete(Transfer))
    return [("status", scene.volume, True)]


def stay_migrating(scene):
    scene.world.set(scene.volume, migration_status="migrating")
    target = scene.make()
    scene.world.set(target, migration_status=f"target:{scene.volume}")
    return [("stuck-migration", scene.volume, True)]


def stay_starting(scene):
    scene.world.set(scene.volume, migration_status="starting")
    return [("stuck-migration", scene.volume, True)]


def lose_a_backup(scene):
    scene.world.managers["store"].keeper.target.remove(Kept(scene.backup))
    return [("missing-backup", scene.backup, False)]


def lose_a_backups_list(scene):
    target = scene.world.managers["store"].keeper.target
    target.put(Kept(scene.backup), "0", b"x")
    (target.folder / scene.backup / "chunks.json").unlink()
    return [("missing-backup", scene.backup, False)]


def lose_a_parent(scene):
    scene.world.set(scene.backup, Backup, parent_id=new_id())
    return [("missing-backup", scene.backup, False)]


def leave_a_backup(scene):
    scene.keep(id_ := new_id())
    return [("orphan-backup", id_, False)]


def leave_a_backups_clone(scene):
    scene.file(scene.backup).write_bytes(CONTENT)
    return [("leftover", scene.backup, True)]


def leave_half_a_volume(scene):
    name = f"{new_id()}.part"
    scene.file(name).write_bytes(CONTENT)
    return [("leftover", f"volumes/{name}", True)]


def leave_an_image(scene):
    folder = scene.world.managers["store"].keeper.folder
    folder.mkdir(exist_ok=True)
    (folder / (id_ := new_id())).write_bytes(b"an image")
    return [("leftover", id_, True)]


def leave_a_key(scene):
    with scene.world.db.writing() as session:
        id_ = keys.keep(session, scene.world.cinder, None)
    return [("orphan-key", id_, False)]


def lose_a_key(scene):
    scene.forget(EncryptionKey, scene.key)
    return [("missing-key", scene.sealed, False)]


def lose_a_storage_host(scene):
    scene.world.down("store")
    return [("not-looked-at", "store@fake", False)]


DAMAGES = [
    lose_a_volume, lose_a_snapshot, leave_a_volume, leave_a_snapshot, leave_a_moved_volume,
    resize_behind_our_back, lose_the_row_of_a_snapshots_volume, lose_a_backend, leave_an_export,
    lose_an_export, lose_a_server, lose_a_server_whose_guest_lives,
    lose_a_server_while_a_host_is_silent, lose_a_mapping, lose_an_attachment, lose_a_disk,
    have_a_disk_that_nobody_gave, stay_detaching_in_nova, stay_detaching,
    stay_detaching_of_nobody, stay_reserved,
    say_available_in_use, stay_offered, stay_migrating, stay_starting, lose_a_backup,
    lose_a_backups_list, lose_a_parent, leave_a_backup, leave_a_backups_clone, leave_half_a_volume,
    leave_an_image, leave_a_key, lose_a_key, lose_a_storage_host,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damage_is_told_and_mended_where_that_is_safe(scene, damage):
    assert scene.audit() == []
    data = scene.data()
    told = damage(scene)
    data = {id_: held for id_, held in data.items() if id_ in scene.data()}
    before = scene.state()
    assert scene.kinds() == {(kind, id_) for kind, id_, _ in told}
    assert scene.state() == before, "a look changes something"
    results = scene.mend()
    mended = {(each.finding.kind, each.finding.id) for each in results if each.said == "done"}
    assert mended == {(kind, id_) for kind, id_, safe in told if safe}
    assert scene.kinds() == {(kind, id_) for kind, id_, safe in told if not safe}
    assert [each for each in scene.mend() if each.said] == []
    assert scene.data() == data, "somebody's data is not as it was"


# --- Statuses: every task that an action declares -------------------------------------------------


STUCK = sorted({("volume", entry.task) for action in actions().values()
                for entry in action.entries if entry.task} | {
    ("volume", "restoring-backup"), ("snapshot", "creating"), ("snapshot", "deleting"),
    ("snapshot", "restoring"), ("backup", "creating"), ("backup", "restoring"),
    ("backup", "deleting")})


def test_what_waits_for_no_work_is_freed(scene):
    for resource, status in STUCK:
        model = {"volume": Volume, "snapshot": Snapshot, "backup": Backup}[resource]
        id_ = getattr(scene, resource)
        scene.world.set(id_, model, status=status, previous_status="available")
        assert scene.kinds() == {(f"stuck-{resource}", id_)}, status
        scene.mend()
        after = scene.world.row(model, id_)
        assert after.status in ("available", "error", "error_deleting", "error_managing",
                                "error_restoring")
        assert after.previous_status is None
        assert scene.kinds() == set()
        assert head(scene.file(scene.volume)) == CONTENT


def test_a_stuck_volume_in_use_is_in_use_again(scene):
    scene.world.set(scene.used, status="extending", previous_status="in-use")
    scene.mend()
    assert scene.world.row(Volume, scene.used).status == "in-use" and scene.audit() == []


def test_maintenance_said_by_an_administrator_stays(scene):
    scene.world.set(scene.volume, status="maintenance", previous_status=None)
    assert scene.audit() == []


# --- What is under work is none of it ------------------------------------------------------------


def begin(scene, subject, **args):
    with scene.world.db.writing() as session:
        return add(session, ROOT, Work, kind="extend", subject=subject, args=args,
                   runner=runner_of(VOLUME, "store")).id


def test_what_a_work_is_at_is_no_finding(scene):
    scene.world.set(scene.volume, status="extending", previous_status="available")
    scene.file(scene.volume).unlink()
    begin(scene, scene.volume)
    assert scene.audit() == []


def test_what_a_work_names_is_no_finding(scene):
    name = new_id()
    scene.file(name).write_bytes(CONTENT)
    begin(scene, scene.volume, leftover={"name": name})
    assert scene.audit() == []


def test_what_ends_between_the_looks_is_no_finding(scene, monkeypatch):
    """Bytes that are looked at before their row is written."""
    ask = run.storage.ask

    def meanwhile(cinder, ctx, rows):
        made = scene.make()
        answer = ask(cinder, ctx, rows)
        scene.call("DELETE", f"/volumes/{made}")
        scene.world.settle()
        return answer

    monkeypatch.setattr(run.storage, "ask", meanwhile)
    assert scene.audit() == []


def test_what_nova_is_at_is_no_finding(scene):
    scene.world.cloud.compute.held["one"][SERVER] = []
    scene.world.cloud.compute.busy.add(SERVER)
    assert scene.audit() == []


@pytest.mark.parametrize("damage", [
    lose_a_server, lose_a_mapping, stay_detaching, stay_reserved, leave_an_image, lose_an_export])
def test_a_request_may_be_at_what_changed_lately(scene, damage):
    damage(scene)
    assert scene.kinds(grace=300.0) == set()


# --- Orphans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [
    leave_a_volume, leave_a_snapshot, leave_a_backup, leave_a_key, leave_a_moved_volume])
def test_orphans_go_when_the_operator_says_so(scene, damage):
    data = scene.data()
    damage(scene)
    scene.mend()
    assert len(scene.audit()) == 1
    scene.mend(orphans=run.DELETE)
    assert scene.audit() == []
    assert scene.file(scene.world.row(Volume, scene.volume).name_id or scene.volume).exists()
    data.pop(scene.volume)
    assert data.items() <= scene.data().items()


@pytest.mark.parametrize("damage", [leave_a_volume, leave_a_snapshot])
def test_orphans_are_unmanaged_when_the_operator_says_so(scene, damage):
    damage(scene)
    scene.mend(orphans=run.UNMANAGE)
    assert scene.audit() == []
    driver = scene.world.driver()
    free = [each for each in (*driver.manageable_volumes(), *driver.manageable_snapshots())
            if each.safe_to_manage]
    assert len(free) == 1


def test_a_backup_that_others_stand_on_stays(scene):
    [(_, parent, _)] = leave_a_backup(scene)
    scene.keep(scene.backup, [{"hash": "x", "in": parent}])
    [result] = scene.mend(orphans=run.DELETE)
    assert f"backup {scene.backup} stands on {parent}" in result.said
    assert scene.kinds() == {("orphan-backup", parent)}


def test_an_orphan_that_got_a_row_stays(scene):
    [(_, id_, _)] = leave_a_volume(scene)
    findings = scene.audit()
    with scene.world.db.writing() as session:
        session.add(Volume(id=id_, project_id="red", user_id="alice", status="available", size=1,
                           availability_zone="nova", host="store@fake#fake"))
    run.mend(scene.world.cinder, ROOT, findings, safe=True, orphans=run.DELETE)
    assert head(scene.file(id_)) == CONTENT


def test_a_volume_of_a_pool_that_two_hosts_share_is_nobodys_orphan(scene):
    scene.world.add_host("second", f"fake:fake:{scene.folder}")
    assert scene.audit() == []
    scene.world.down("store")
    # What one host does not say, the other does.
    assert scene.kinds() == {("not-looked-at", "store@fake")}


def test_a_host_says_nothing_of_anothers_volumes(scene):
    """It may say that it has what it likes: rows on other hosts are held against those."""
    scene.world.add_host("liar")
    copy(scene.file(scene.volume), scene.world.driver("liar").folder / "volumes" / scene.volume)
    assert scene.kinds() == {("second-copy", scene.volume)}
    scene.mend(orphans=run.DELETE)
    assert scene.kinds() == {("second-copy", scene.volume)}
    assert scene.file(scene.volume).exists()


def test_an_older_storage_host_is_not_looked_at(scene, monkeypatch):
    def unheard(ctx, backend):
        raise UnknownMessage(topic="cinder.volume", method="inventory")

    monkeypatch.setattr(scene.world.managers["store"], "inventory", unheard)
    assert scene.kinds() == {("not-looked-at", "store@fake")}


def test_a_backend_that_was_given_up_is_not_missed(scene):
    with scene.world.db.writing() as session:
        session.execute(insert(Service).values(host="old@fake", binary="cinder-volume",
                                               zone="nova", report={}, disabled=True))
    assert scene.audit() == []
    scene.world.set(scene.volume, host="old@fake#fake")
    assert ("not-looked-at", "old@fake") in scene.kinds()


def test_a_nova_that_is_away_is_told(scene, monkeypatch):
    def away(ctx):
        raise Unavailable(reason="no answer")

    monkeypatch.setattr(scene.world.cloud.compute, "uses", away)
    lose_a_server(scene)
    assert scene.kinds() == {("not-looked-at", "nova")}
    leave_an_export(scene)
    assert [each.said for each in scene.mend()] == ["", ""], "a guest may have it"


# --- What is printed -----------------------------------------------------------------------------


def test_a_report_says_what_each_says(scene):
    assert report.table([]) == "The database, the backends and the guests agree.\n"
    leave_an_export(scene)
    lose_a_volume(scene)
    results = run.mend(scene.world.cinder, ROOT, scene.audit(), safe=False)
    text = report.table(results)
    assert text.splitlines()[0].split() == list(report.HEADS)
    assert f"store@fake has no {scene.volume}" in text and "no guest has it" in text
    assert text.endswith("1 by hand, 1 safe\n")
    document = json.loads(report.document(results))
    assert document["clean"] is False
    assert {each["kind"]: each["state"] for each in document["findings"]} == {
        "export-without-attachment": "safe", "missing-volume": "by hand"}


def test_services_are_looked_at_by_name(scene):
    """A row of a service that was never heard of has no backend that could be asked."""
    with scene.world.db.writing() as session:
        session.execute(insert(Service).values(host="new@fake", binary="cinder-volume",
                                               zone="nova", report={}))
    assert scene.kinds() == {("not-looked-at", "new@fake")}
