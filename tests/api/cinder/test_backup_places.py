"""Where backups are kept, who reaches that, and what is said where nobody does."""

import shutil

import pytest
from sqlalchemy import select

from cairn.cinder.db.models import Backup, Message, Service, Volume
from cairn.cinder.volume.backups.targets.folder import IDENTITY

pytestmark = pytest.mark.skipif(not shutil.which("qemu-nbd"), reason="needs qemu-utils")


@pytest.fixture
def share(world):
    """A folder that two hosts have mounted, another that only a third has."""
    share = world.folder / "share"
    for host in ("one", "two"):
        world.add_host(host, target=f"file:{share}")
    world.add_host("alone")
    return share


@pytest.fixture
def place(world, create):
    """place(host) -> the id of a volume there, which holds its host's name."""

    def place(host):
        others = [name for name in world.backends if name != host]
        for name in others:
            world.driver(name).capacity_gb = 0.5
        world.beat()
        made = create().json["volume"]["id"]
        world.settle()
        for name in others:
            world.driver(name).capacity_gb = 100
        world.beat()
        assert world.row(Volume, made).host.startswith(f"{host}@")
        path(world, made).write_bytes(host.encode().ljust(1 << 30, b"\0")[:1 << 20])
        with path(world, made).open("r+b") as file:
            file.truncate(1 << 30)
        return made

    return place


def path(world, volume_id):
    host = world.row(Volume, volume_id).host.partition("@")[0]
    return world.driver(host).folder / "volumes" / volume_id


@pytest.fixture
def back_up(world, call):
    def back_up(volume, **more):
        made = call("POST", "/backups", {"backup": {"volume_id": volume, **more}})
        assert made.status_code == 202, made.json
        world.settle()
        id_ = made.json["backup"]["id"]
        assert world.row(Backup, id_).status == "available", world.row(Backup, id_).fail_reason
        return id_

    return back_up


def kept(folder):
    return sorted(each.name for each in folder.iterdir() if each.name != IDENTITY)


@pytest.mark.usefixtures("share")
def test_it_is_restored_by_any_host_that_has_the_share(world, call, place, back_up):
    backup, other = back_up(place("one")), place("two")
    done = call("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": other}})
    assert done.status_code == 202, done.json
    assert world.row(Volume, other).status == "restoring-backup"
    world.settle()
    assert world.row(Volume, other).status == "available"
    assert path(world, other).read_bytes().startswith(b"one\0")
    world.down("one")
    done = call("POST", f"/backups/{backup}/restore", {"restore": {}})
    assert done.status_code == 202, done.json
    world.settle()
    new = world.row(Volume, done.json["restore"]["volume_id"])
    assert (new.status, new.host) == ("available", "two@fake#fake")
    assert path(world, new.id).read_bytes().startswith(b"one\0")


def test_any_of_them_deletes_it(world, call, share, place, back_up):
    backup = back_up(place("one"))
    world.down("one")
    assert call("DELETE", f"/backups/{backup}").status_code == 202
    world.settle()
    assert world.row(Backup, backup) is None and kept(share) == []


@pytest.mark.usefixtures("share")
def test_who_does_not_reach_it_is_told(world, call, place, back_up):
    """An owner is told what may be done, an administrator reads in the log where it is."""
    backup, other = back_up(place("one")), place("alone")
    refused = call("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": other}})
    assert refused.status_code == 400
    told = refused.json["badRequest"]["message"]
    assert "does not reach it" in told and "new volume" in told and "one" not in told.split()
    assert world.row(Volume, other).status == "available"
    assert world.row(Backup, backup).status == "available"
    world.down("one"), world.down("two")
    refused = call("POST", f"/backups/{backup}/restore", {"restore": {}})
    assert refused.status_code == 503
    assert "Try again when it is back" in refused.json["serviceUnavailable"]["message"]
    assert call("GET", "/volumes/detail").json["volumes"][-1]["status"] == "available"


@pytest.mark.usefixtures("share")
def test_a_new_volume_that_fits_nowhere_near_it_says_so(world, call, place, back_up):
    backup = back_up(place("one"))
    for host in ("one", "two"):
        world.driver(host).capacity_gb = 0.01
    world.beat()
    new = call("POST", f"/backups/{backup}/restore", {"restore": {}}).json["restore"]["volume_id"]
    world.settle()
    assert world.row(Volume, new).status == "error"
    assert world.row(Backup, backup).status == "available"
    with world.db.reading() as session:
        told = [row.text for row in session.scalars(select(Message))]
    assert any("None of 2 pools whose host reaches the backup" in text for text in told), told


@pytest.mark.usefixtures("share")
def test_an_incremental_one_stands_on_one_that_its_host_reaches(world, call, place, back_up):
    volume = place("one")
    back_up(volume)
    assert call("GET", f"/backups/{back_up(volume, incremental=True)}"
                ).json["backup"]["is_incremental"]
    # Moved to a host that keeps backups elsewhere.
    (world.driver("alone").folder / "volumes" / volume).write_bytes(
        path(world, volume).read_bytes())
    world.set(volume, host="alone@fake#fake")
    refused = call("POST", "/backups", {"backup": {"volume_id": volume, "incremental": True}})
    assert refused.status_code == 400
    assert "make a full one first" in refused.json["badRequest"]["message"]
    back_up(volume)
    back_up(volume, incremental=True)


def test_a_share_that_is_not_mounted_takes_no_backups_of_others(world, call, volume, back_up):
    """Below where it is mounted is another, empty folder."""
    backup = back_up(volume)
    folder = world.folder / "store-backups"
    folder.rename(world.folder / "elsewhere")
    made = call("POST", "/backups", {"backup": {"volume_id": volume}}).json["backup"]["id"]
    world.settle()
    row = world.row(Backup, made)
    assert row.status == "error" and "mounted" in row.fail_reason
    assert world.row(Volume, volume).status == "available"
    # Before the host has told of it, and after.
    done = call("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": volume}})
    assert done.status_code == 202
    world.settle()
    assert world.row(Volume, volume).status == "available"  # Nothing was written.
    assert world.row(Backup, backup).status == "available"
    world.beat()
    refused = call("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": volume}})
    assert refused.status_code == 503
    assert "not mounted" in refused.json["serviceUnavailable"]["message"]
    assert call("DELETE", f"/backups/{backup}").status_code == 202
    world.settle()
    assert world.row(Backup, backup).status == "error_deleting"
    shutil.rmtree(folder)
    (world.folder / "elsewhere").rename(folder)
    world.beat()
    call("DELETE", f"/backups/{backup}")
    world.settle()
    assert world.row(Backup, backup) is None and kept(folder) == []


def test_what_has_no_place_any_more_is_forgotten_by_force(world, call, volume, back_up):
    backup = back_up(volume)
    shutil.rmtree(world.folder / "store-backups")
    world.beat()
    assert call("POST", f"/backups/{backup}/action", {"os-force_delete": {}},
                who="admin").status_code == 202
    world.settle()
    assert world.row(Backup, backup) is None and world.open_works() == 0


def test_a_place_that_can_not_be_used_is_said(world, call, volume, back_up):
    back_up(volume)
    (world.folder / "store-backups" / IDENTITY).write_text("x")
    world.beat()
    refused = call("POST", "/backups", {"backup": {"volume_id": volume}})
    assert refused.status_code == 503
    assert "can not be used" in refused.json["serviceUnavailable"]["message"]
    with world.db.reading() as session:
        [row] = session.scalars(select(Service).where(Service.binary == "cinder-backup"))
    assert IDENTITY in row.report["trouble"]


def test_a_service_that_is_disabled_makes_none(call, volume, back_up):
    backup = back_up(volume)
    body = {"host": "store", "binary": "cinder-backup", "disabled_reason": "repairs"}
    assert call("PUT", "/os-services/disable-log-reason", body, who="admin").status_code == 200
    assert call("POST", "/backups", {"backup": {"volume_id": volume}}).status_code == 503
    assert call("POST", f"/backups/{backup}/restore", {"restore": {}}).status_code == 503
    call("PUT", "/os-services/enable", {"host": "store", "binary": "cinder-backup"}, who="admin")
    assert call("POST", "/backups", {"backup": {"volume_id": volume}}).status_code == 202


def test_one_of_the_first_release_is_restored_by_its_host_alone(world, call, share, place, back_up):
    backup = back_up(place("one"))
    world.set(backup, Backup, provider={})
    assert call("POST", f"/backups/{backup}/restore",
                {"restore": {"volume_id": place("two")}}).status_code == 400
    new = call("POST", f"/backups/{backup}/restore", {"restore": {}}).json["restore"]["volume_id"]
    world.settle()
    assert world.row(Volume, new).host == "one@fake#fake"
    assert path(world, new).read_bytes().startswith(b"one\0")
    call("DELETE", f"/backups/{backup}")
    world.settle()
    assert kept(share) == []


def test_two_restores_to_one_volume_are_one(world, call, volume, back_up):
    one, other = back_up(volume), back_up(volume)
    for backup, code in ((one, 202), (other, 400)):
        assert call("POST", f"/backups/{backup}/restore",
                    {"restore": {"volume_id": volume}}).status_code == code
    world.settle()
    assert world.row(Volume, volume).status == "available"
    assert {world.row(Backup, id_).status for id_ in (one, other)} == {"available"}
