"""Records of backups: what was exported is imported again, in this cloud or another."""

import base64
import json
import shutil

import pytest
from sqlalchemy import select

from cairn.cinder.core import keys
from cairn.cinder.db.models import Backup, EncryptionKey, Quota, Volume
from cairn.cinder.drivers.base import GIB, LUKS_HEADER
from cairn.cinder.settings import EncryptionSettings
from cairn.cinder.volume.backups.targets.folder import IDENTITY
from cairn.common.db import new_id

pytestmark = pytest.mark.skipif(not shutil.which("qemu-nbd"), reason="needs qemu-utils")


def path(world, volume_id):
    return world.driver().folder / "volumes" / volume_id


@pytest.fixture
def back_up(world, call):
    def back_up(volume, **more):
        made = call("POST", "/backups", {"backup": {"volume_id": volume, **more}})
        world.settle()
        return made.json["backup"]["id"]

    return back_up


@pytest.fixture
def export(call):
    return lambda id_: call("GET", f"/backups/{id_}/export_record",
                            who="admin").json["backup-record"]


@pytest.fixture
def bring(call):
    """bring(record, **changes) -> the response of its import."""

    def bring(record, **changes):
        told = json.loads(base64.b64decode(record["backup_url"])) | changes
        return call("POST", "/backups/import_record", {"backup-record": record | {
            "backup_url": base64.b64encode(json.dumps(told).encode()).decode()}}, who="admin")

    return bring


def forget(world, *ids):
    """The database is lost."""
    with world.db.writing() as session:
        for row in session.scalars(select(Backup).where(Backup.id.in_(ids))):
            if row.encryption_key_id:
                session.delete(session.scalar(select(EncryptionKey).where(
                    EncryptionKey.id == row.encryption_key_id)))
            session.delete(row)


def refusal(answer):
    assert answer.status_code in (400, 503), answer.json
    return next(iter(answer.json.values()))["message"]


def test_a_chain_comes_back_parent_first(world, call, volume, back_up, export, bring):
    with path(world, volume).open("r+b") as file:
        file.write(b"first".ljust(9 << 20, b"x"))
    full = back_up(volume)
    with path(world, volume).open("r+b") as file:
        file.seek(5 << 20)
        file.write(b"changed")
    more = back_up(volume, incremental=True, metadata={"a": "b"}, name="more")
    records = {id_: export(id_) for id_ in (full, more)}
    before = call("GET", f"/backups/{more}").json["backup"]
    forget(world, full, more)
    assert full in refusal(bring(records[more]))
    for id_ in (full, more):
        made = bring(records[id_])
        assert made.status_code == 201 and made.json["backup"]["id"] == id_
    after = call("GET", f"/backups/{more}", who="admin").json["backup"]
    for name in ("is_incremental", "size", "object_count", "data_timestamp", "metadata", "name",
                 "volume_id", "status"):
        assert after[name] == before[name], name
    assert call("DELETE", f"/backups/{full}", who="admin").status_code == 400
    new = call("POST", f"/backups/{more}/restore", {"restore": {}},
               who="admin").json["restore"]["volume_id"]
    world.settle()
    assert path(world, new).read_bytes()[5 << 20:][:7] == b"changed"
    assert path(world, new).read_bytes()[:5] == b"first"


def test_imported_twice_it_is_removed_with_the_last(world, call, volume, back_up, export, bring):
    backup, copy = back_up(volume), new_id()
    assert "already exists" in refusal(bring(export(backup)))
    assert bring(export(backup), id=copy).status_code == 201
    folder = world.folder / "store-backups"
    call("DELETE", f"/backups/{backup}")
    world.settle()
    assert world.row(Backup, backup) is None and (folder / backup).exists()
    # What stands on it may be imported still: it is known by where it is kept.
    world.set(copy, Backup, project_id="red")
    more = back_up(volume, incremental=True)
    record = export(more)
    forget(world, more)
    assert bring(record, parent_id=backup).status_code == 201
    assert world.row(Backup, more).parent_id == copy
    for id_ in (more, copy):
        assert call("DELETE", f"/backups/{id_}", who="admin").status_code == 202
        world.settle()
    assert [each.name for each in folder.iterdir()] == [IDENTITY]


def test_a_key_travels_wrapped(world, call, volume, back_up, export, bring):
    with world.db.writing() as session:
        key = keys.keep(session, world.cinder, None)
        passphrase = keys.read(session, world.cinder, key)
    world.set(volume, encryption_key_id=key)
    with path(world, volume).open("r+b") as file:
        file.truncate(GIB + LUKS_HEADER)
    backup = back_up(volume)
    record = export(backup)
    assert passphrase not in base64.b64decode(record["backup_url"]).decode()
    forget(world, backup)
    mine = world.cinder.encryption
    object.__setattr__(world.cinder, "encryption", EncryptionSettings("another's"))
    assert "[encryption] keys" in refusal(bring(record))
    assert world.row(Backup, backup) is None
    # Who adds the other's key to their own has it.
    object.__setattr__(world.cinder, "encryption", EncryptionSettings(f"another's {mine.keys}"))
    assert bring(record).status_code == 201
    object.__setattr__(world.cinder, "encryption", EncryptionSettings("another's"))
    with world.db.reading() as session:
        own = session.scalar(select(Backup).where(Backup.id == backup)).encryption_key_id
        assert keys.read(session, world.cinder, own) == passphrase
    object.__setattr__(world.cinder, "encryption", EncryptionSettings(f"another's {mine.keys}"))
    assert call("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": volume}},
                who="admin").status_code == 202
    world.settle()
    assert world.row(Volume, volume).status == "available"


def test_what_nobody_here_reaches_is_refused(world, volume, back_up, export, bring):
    backup = back_up(volume)
    record = export(backup)
    forget(world, backup)
    kept = {"id": backup, "target": f"file:{new_id()}"}
    assert "no storage host has the place" in refusal(bring(record, kept=kept))
    assert "none keeps backups by" in refusal(bring(
        record | {"backup_service": "cinder.backup.drivers.gcs.GoogleBackupDriver"}))
    assert bring(record).status_code == 201


def test_one_of_the_first_release_is_imported(world, volume, back_up, export, bring):
    backup = back_up(volume)
    record = export(backup)
    told = json.loads(base64.b64decode(record["backup_url"]))
    forget(world, backup)
    for name in ("kept", "parent_id", "snapshot_id"):
        del told[name]
    record["backup_url"] = base64.b64encode(json.dumps(told | {"provider": {}}).encode()).decode()
    assert bring(record).status_code == 201
    assert bring(record, id=new_id(), host="nobody").status_code == 503


def test_records_are_counted(world, volume, back_up, export, bring):
    backup = back_up(volume)
    with world.db.writing() as session:
        session.add(Quota(project_id="ops", resource="backups", hard_limit=0))
    assert bring(export(backup), id=new_id()).status_code == 413


@pytest.mark.parametrize("changes", [
    {"id": "../../etc"}, {"id": None}, {"size": 0}, {"size": "x"}, {"size": True},
    {"size": 1 << 40}, {"parent_id": "x"}, {"volume_id": 7}, {"kept": {"id": "../x"}},
    {"kept": "x"}, {"data_timestamp": "yesterday"}, {"volume_facts": "x"}])
def test_what_is_no_record_is_refused(volume, back_up, export, bring, changes):
    message = refusal(bring(export(back_up(volume)), **({"id": new_id()} | changes)))
    assert "backup_url" in message


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"id": "\\ud800"}', b"\xff", b"null"])
def test_what_is_no_document_is_refused(call, text):
    refused = call("POST", "/backups/import_record", {"backup-record": {
        "backup_service": "x", "backup_url": base64.b64encode(text).decode()}}, who="admin")
    assert refused.status_code == 400


def test_strange_facts_come_to_nothing(world, volume, back_up, export, bring):
    copy = new_id()
    made = bring(export(back_up(volume)), id=copy, name=7, meta={"a": [1], "b": "c"},
                 volume_facts={"meta": [], "image_meta": {"x": {}}, "bootable": "yes"},
                 stored=-1, object_count="many", container={})
    assert made.status_code == 201
    row = world.row(Backup, copy)
    assert row.meta == {"b": "c"} and row.name is None and row.object_count == 0
    assert row.volume_facts == {"type": None, "name": None, "bootable": True, "meta": {},
                                "image_meta": {}}
