"""Backups: made, restored, deleted; and what is left when that fails. QEMU's tools are real."""

import base64
import json
import shutil
from itertools import groupby

import pytest

from cairn.cinder.core import keys, records
from cairn.cinder.db.models import (
    Attachment,
    Backup,
    EncryptionKey,
    Message,
    Quota,
    Snapshot,
    Volume,
)
from cairn.cinder.drivers.base import GIB, LUKS_HEADER, NoRoom
from cairn.cinder.volume.backups import chunks
from cairn.cinder.volume.backups.targets import Kept, make
from cairn.cinder.volume.backups.targets.folder import IDENTITY, Folder
from cairn.cinder.volume.doer import snapshot_thing
from cairn.common.db import new_id

MIB = 1 << 20

pytestmark = pytest.mark.skipif(not shutil.which("qemu-nbd"), reason="needs qemu-utils")


def file_of(world, volume):
    return world.driver().folder / "volumes" / volume


def write(world, volume, content, at=0):
    with file_of(world, volume).open("r+b") as file:
        file.seek(at)
        file.write(content)


def read(world, volume, length, at=0):
    with file_of(world, volume).open("rb") as file:
        file.seek(at)
        return file.read(length)


@pytest.fixture
def back_up(world, call):
    """back_up(volume, settle=True, **more) -> the response."""

    def back_up(volume, who="alice", settle=True, **more):
        made = call("POST", "/backups", {"backup": {"volume_id": volume, **more}}, who=who)
        if settle:
            world.settle()
        return made

    return back_up


@pytest.fixture
def backup(world, back_up, volume):
    """The id of a backup of a volume that holds a little at two places."""
    write(world, volume, b"first" * 1000)
    write(world, volume, b"last", 900 * MIB)
    return back_up(volume, name="b").json["backup"]["id"]


@pytest.fixture
def shown(call):
    return lambda id_, kind="backup", who="alice": call(
        "GET", f"/{kind}s/{id_}", who=who).json[kind]


def kept(world, host="store"):
    folder = world.folder / f"{host}-backups"
    return sorted(path.name for path in folder.iterdir() if path.name != IDENTITY)


def test_a_backup_is_made_restored_and_deleted(world, call, volume, backup, shown):
    seen = shown(backup)
    assert seen["status"] == "available" and seen["object_count"] == 2 and seen["size"] == 1
    assert seen["is_incremental"] is False and seen["has_dependent_backups"] is False
    assert seen["user_id"] == "alice" and seen["metadata"] == {}
    assert "os-backup-project-attr:project_id" not in seen
    assert shown(backup, who="admin")["os-backup-project-attr:project_id"] == "red"
    assert shown(volume, "volume")["status"] == "available"
    told = call("POST", f"/backups/{backup}/restore", {"restore": {}})
    assert told.status_code == 202, told.json
    new = told.json["restore"]["volume_id"]
    assert shown(backup)["status"] == "restoring"
    world.settle()
    assert shown(backup)["status"] == "available"
    assert shown(new, "volume")["status"] == "available"
    assert read(world, new, 5000) == b"first" * 1000
    assert read(world, new, 4, 900 * MIB) == b"last"
    assert call("DELETE", f"/backups/{backup}").status_code == 202
    world.settle()
    assert call("GET", f"/backups/{backup}").status_code == 404 and kept(world) == []
    assert world.open_works() == 0


def test_a_new_one_is_nobodys_before_it_holds_the_backup(world, call, backup, shown):
    """Who waits for it to be available reads what was backed up."""
    told = call("POST", f"/backups/{backup}/restore", {"restore": {}})
    new, seen = told.json["restore"]["volume_id"], []
    for worker in world.workers.values():
        worker.probe = lambda *_: seen.append(shown(new, "volume")["status"])
    world.settle()
    assert [status for status, _ in groupby(seen)] == [
        "creating", "restoring-backup", "available"]
    assert read(world, new, 5000) == b"first" * 1000


def test_what_a_given_volume_held_is_gone(world, call, create, volume, backup, shown):
    other = create(size=2).json["volume"]["id"]
    world.settle()
    write(world, other, b"x" * 9000)
    write(world, other, b"x" * 9000, 1500 * MIB)
    assert call("POST", f"/backups/{backup}/restore",
                {"restore": {"volume_id": other}}).status_code == 202
    world.settle()
    assert shown(other, "volume")["status"] == "available"
    assert read(world, other, 9000) == b"first" * 1000 + bytes(4000)
    assert read(world, other, 9000, 1500 * MIB) == bytes(9000)


def test_an_incremental_one_keeps_what_changed(world, call, volume, backup, back_up, shown):
    write(world, volume, b"changed", 900 * MIB)
    more = back_up(volume, incremental=True).json["backup"]["id"]
    seen = shown(more)
    assert seen["is_incremental"] is True and seen["object_count"] == 1
    assert shown(backup)["has_dependent_backups"] is True
    refused = call("DELETE", f"/backups/{backup}")
    assert refused.status_code == 400
    assert "Incremental backups exist" in refused.json["badRequest"]["message"]
    new = call("POST", f"/backups/{more}/restore", {"restore": {}}).json["restore"]["volume_id"]
    world.settle()
    assert read(world, new, 5000) == b"first" * 1000
    assert read(world, new, 7, 900 * MIB) == b"changed"
    for id_ in (more, backup):
        assert call("DELETE", f"/backups/{id_}").status_code == 202
        world.settle()
    assert kept(world) == []


def test_one_that_stands_on_nothing_is_refused(back_up, volume):
    refused = back_up(volume, incremental=True)
    assert refused.status_code == 400
    assert "No backups available" in refused.json["badRequest"]["message"]


def test_a_volume_in_use_is_backed_up_by_force(world, volume, back_up, shown):
    write(world, volume, b"live")
    world.set(volume, status="in-use", attach_status="attached")
    with world.db.writing() as session:
        session.add(Attachment(project_id="red", volume_id=volume, status="attached"))
    refused = back_up(volume)
    assert refused.status_code == 400 and "force" in refused.json["badRequest"]["message"]
    made = back_up(volume, force=True, settle=False).json["backup"]["id"]
    assert shown(volume, "volume")["status"] == "backing-up"
    world.settle()
    assert shown(made)["status"] == "available"
    assert shown(volume, "volume")["status"] == "in-use"
    assert list(world.driver().stray({volume}, set())) == []


def test_a_snapshot_is_backed_up(world, volume, back_up, shown):
    with world.db.writing() as session:
        row = Snapshot(id=new_id(), project_id="red", user_id="alice", status="available",
                       volume_id=volume, size=1, provider={})
        session.add(row)
        session.flush()
        record = records.snapshot(session, row.id)
    write(world, volume, b"then")
    world.driver().create_snapshot(snapshot_thing(record))
    write(world, volume, b"now!")
    made = back_up(volume, snapshot_id=row.id).json["backup"]["id"]
    assert shown(made)["status"] == "available" and shown(made)["snapshot_id"] == row.id
    assert world.row(Snapshot, row.id).status == "available"
    target = make(f"file:{world.folder}/store-backups")
    kept = Kept(made)
    first = next(chunks.read_list(target, kept).chunks())
    assert chunks.read_chunk(target, kept, 0, first, chunks.SIZE)[:4] == b"then"


def test_where_there_is_no_room_the_backup_says_so(world, volume, back_up, shown, monkeypatch):
    write(world, volume, b"x")
    write(world, volume, b"y", 100 * MIB)
    put = Folder.put

    def full(self, kept, name, content):
        if name != "0":
            raise NoRoom(reason="where backups are kept: No space left on device")
        put(self, kept, name, content)

    monkeypatch.setattr(Folder, "put", full)
    made = back_up(volume).json["backup"]["id"]
    seen = shown(made)
    assert seen["status"] == "error" and "No space left" in seen["fail_reason"]
    assert shown(volume, "volume")["status"] == "available" and kept(world) == []
    with world.db.reading() as session:
        message = session.query(Message).one()
    assert message.resource_type == "VOLUME_BACKUP" and "No space left" in message.text


def test_a_damaged_backup_is_not_restored(world, call, create, volume, backup, shown):
    path = world.folder / "store-backups" / backup / "0"
    content = bytearray(path.read_bytes())
    content[12] ^= 0xFF
    path.write_bytes(content)
    new = call("POST", f"/backups/{backup}/restore", {"restore": {}}).json["restore"]["volume_id"]
    world.settle()
    assert shown(new, "volume")["status"] == "error_restoring"
    assert shown(backup)["status"] == "available"
    with world.db.reading() as session:
        assert any("chunk 0" in each.text for each in session.query(Message))
    assert call("DELETE", f"/volumes/{new}").status_code == 202


def test_an_encrypted_one_keeps_its_key(world, call, volume, back_up, shown, monkeypatch):
    with world.db.writing() as session:
        key = keys.keep(session, world.cinder, None)
    world.set(volume, encryption_key_id=key)
    with file_of(world, volume).open("r+b") as file:
        file.truncate(GIB + LUKS_HEADER)
    made = back_up(volume).json["backup"]["id"]
    assert shown(made)["status"] == "available"
    with world.db.reading() as session:
        own = session.query(Backup).one().encryption_key_id
        assert own != key
        assert keys.read(session, world.cinder, own) == keys.read(session, world.cinder, key)
    refused = call("POST", f"/backups/{made}/restore", {"restore": {}})
    assert refused.status_code == 400  # Its type makes no encrypted volumes.
    world.settle()
    assert call("POST", f"/backups/{made}/restore",
                {"restore": {"volume_id": volume}}).status_code == 202
    world.settle()
    with world.db.reading() as session:
        row = session.query(Volume).filter_by(id=volume).one()
        assert row.status == "available" and row.encryption_key_id not in (key, own)
        assert session.query(EncryptionKey).count() == 2
    call("DELETE", f"/backups/{made}")
    world.settle()
    with world.db.reading() as session:
        assert session.query(EncryptionKey).count() == 1


def test_a_volume_is_made_of_a_backup(world, call, create, backup, shown):
    world.add_host("other")
    made = create(size=2, backup_id=backup).json["volume"]["id"]
    world.settle()
    assert shown(made, "volume")["status"] == "available"
    assert shown(made, "volume", who="admin")["os-vol-host-attr:host"].startswith("store@")
    assert read(world, made, 5) == b"first"
    assert create(size=1, backup_id=new_id()).status_code == 404


def test_a_record_travels(world, call, backup):
    told = call("GET", f"/backups/{backup}/export_record", who="admin")
    record = told.json["backup-record"]
    assert record["backup_service"].startswith("cinder.backup.drivers")
    assert call("POST", "/backups/import_record", {"backup-record": record},
                who="admin").status_code == 400  # It is there.
    with world.db.writing() as session:
        session.delete(session.query(Backup).one())
    made = call("POST", "/backups/import_record", {"backup-record": record}, who="admin")
    assert made.status_code == 201 and made.json["backup"]["id"] == backup
    new = call("POST", f"/backups/{backup}/restore", {"restore": {}},
               who="admin").json["restore"]["volume_id"]
    world.settle()
    assert read(world, new, 5) == b"first"
    for url in ("x", base64.b64encode(b"[]").decode(), base64.b64encode(
            json.dumps({"id": "../../etc", "size": 1}).encode()).decode()):
        refused = call("POST", "/backups/import_record", {
            "backup-record": record | {"backup_url": url}}, who="admin")
        assert refused.status_code == 400, url
        assert "backup_url" in refused.json["badRequest"]["message"]


def test_lists(world, call, volume, backup, back_up):
    assert [b["id"] for b in call("GET", "/backups").json["backups"]] == [backup]
    more = back_up(volume, incremental=True, name="more").json["backup"]["id"]
    listed = call("GET", "/backups/detail?sort=created_at:asc&with_count=1").json
    assert [b["has_dependent_backups"] for b in listed["backups"]] == [True, False]
    assert listed["count"] == 2
    for query, ids in (("name=more", [more]), (f"volume_id={new_id()}", []),
                       ("status=available&limit=1", [more]), (f"marker={more}", [backup]),
                       ("offset=1", [backup])):
        assert [b["id"] for b in call("GET", f"/backups?{query}").json["backups"]] == ids, query
    assert call("GET", "/backups", who="bob").json == {"backups": []}
    assert len(call("GET", "/backups?all_tenants=1", who="admin").json["backups"]) == 2
    assert len(call("GET", "/backups?all_tenants=1&project_id=blue",
                    who="admin").json["backups"]) == 0
    assert call("GET", f"/backups?marker={new_id()}").status_code == 404


def test_changes(call, backup):
    changed = call("PUT", f"/backups/{backup}", {"backup": {
        "name": "n", "description": "d", "metadata": {"a": "b"}}})
    assert changed.status_code == 200 and changed.json["backup"]["name"] == "n"
    assert changed.json["backup"]["metadata"] == {"a": "b"}
    assert call("PUT", f"/backups/{backup}", {"backup": {}}).status_code == 400
    assert call("PUT", f"/backups/{backup}", {"backup": {"metadata": {}}},
                version="3.42").status_code == 400
    assert call("PUT", f"/backups/{backup}", {"backup": {"name": "x"}},
                version="3.8").status_code == 404


def test_an_administrator_sets_it_free(world, call, backup, shown):
    path = f"/backups/{backup}/action"
    assert call("POST", path, {"os-reset_status": {"status": "error"}}).status_code == 403
    assert call("POST", path, {"os-reset_status": {"status": "x"}}, who="admin").status_code == 400
    assert call("POST", path, {"os-reset_status": {"status": "error"}},
                who="admin").status_code == 202
    assert shown(backup)["status"] == "error"
    world.set(backup, Backup, status="restoring")
    assert call("DELETE", f"/backups/{backup}").status_code == 400
    assert call("POST", path, {"os-force_delete": {}}, who="admin").status_code == 202
    world.settle()
    assert world.row(Backup, backup) is None and kept(world) == []


def test_a_host_that_is_down_is_said(world, call, volume, backup, back_up):
    world.down("store")
    assert back_up(volume).status_code == 503
    assert call("POST", f"/backups/{backup}/restore", {"restore": {}}).status_code == 503
    assert world.row(Volume, volume).status == "available"


def test_quota(world, call, volume, back_up):
    with world.db.writing() as session:
        session.add(Quota(project_id="red", resource="backups", hard_limit=0))
    refused = back_up(volume)
    assert refused.status_code == 413
    assert "BackupLimitExceeded" in refused.json["overLimit"]["message"]
    assert world.row(Volume, volume).status == "available"


def test_wrong_requests(world, call, create, volume, backup, back_up):
    for body, field in (
        ({}, "volume_id"), ({"volume_id": "x"}, "volume_id"),
        ({"volume_id": volume, "incremental": "x"}, "incremental"),
        ({"volume_id": volume, "snapshot_id": 7}, "snapshot_id"),
        ({"volume_id": volume, "color": 7}, "color"),
        ({"volume_id": volume, "metadata": {"a": 7}}, "metadata"),
    ):
        refused = call("POST", "/backups", {"backup": body})
        assert refused.status_code == 400, body
        assert field in refused.json["badRequest"]["message"], body
    assert back_up(new_id()).status_code == 404
    assert back_up(volume, snapshot_id=new_id()).status_code == 404
    world.set(volume, status="error")
    assert back_up(volume).status_code == 400
    assert call("POST", f"/backups/{backup}/restore",
                {"restore": {"volume_id": volume}}).status_code == 400
    assert call("POST", f"/backups/{backup}/restore",
                {"restore": {"volume_id": new_id()}}).status_code == 404
    for path, method in (("", "GET"), ("", "PUT"), ("", "DELETE"), ("/restore", "POST")):
        body = {"PUT": {"backup": {"name": "x"}}, "POST": {"restore": {}}}.get(method)
        for who, code in (("bob", 404), ("rita", 200 if method == "GET" else 403)):
            assert call(method, f"/backups/{backup}{path}", body,
                        who=who).status_code == code, (method, path, who)
    assert call("GET", f"/backups/{backup}/export_record").status_code == 403


@pytest.mark.parametrize("moment", ["clone", "clone half", "clone done", "opened", "delete"])
def test_a_death_at_any_moment_leaves_nothing(world, call, volume, back_up, shown, moment):
    """What is raised once is a failure like any other: it is undone."""
    write(world, volume, b"live")
    world.set(volume, status="in-use")
    seen = []

    def fail(at, id_):
        if at == moment and not seen:
            seen.append(at)
            raise OSError("died")

    world.driver().hook = fail
    made = back_up(volume, force=True).json["backup"]["id"]
    assert seen and shown(made)["status"] == "error"
    assert shown(volume, "volume")["status"] == "in-use"
    assert kept(world) == [] and list(world.driver().stray({volume}, set())) == []
    assert world.open_works() == 0
