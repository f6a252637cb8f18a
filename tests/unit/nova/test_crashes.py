"""Kill any process at any step: the work finishes or ends in a named error, and nothing leaks."""

import json
from dataclasses import replace

import pytest
from fakes.deaths import Killed
from fakes.nova.sweeps import fail, kill_once, settle, steps_of
from fakes.nova.world import NoImages
from sqlalchemy import update

from cairn.common.errors import Invalid, Problem, Remote, Unavailable
from cairn.common.patience import patiently
from cairn.nova.conductor import doer
from cairn.nova.core import (
    backups,
    block_devices,
    interfaces,
    passwords,
    shelves,
    soft_deletes,
    volumes,
    works,
)
from cairn.nova.core.flows import (
    attach_interface,
    attach_volume,
    change_password,
    create,
    create_backup,
    create_image,
    delete,
    detach_interface,
    detach_volume,
    restore,
    shelve,
    shelve_offload,
    soft_delete,
    swap_volume,
    trigger_crash_dump,
    unshelve,
)
from cairn.nova.db.models import Usage, Work
from cairn.nova.errors import HypervisorAway, HypervisorFailed
from cairn.nova.rpc import CONDUCTOR

CREATE, DELETE = steps_of(create.ACTION), steps_of(delete.ACTION)
ATTACH, DETACH = steps_of(attach_interface.ACTION), steps_of(detach_interface.ACTION)
GET, LOSE = steps_of(attach_volume.ACTION), steps_of(detach_volume.ACTION)
SWAP = steps_of(swap_volume.ACTION)
SNAPSHOT = steps_of(create_image.ACTION)
BACKUP = steps_of(create_backup.ACTION)
SHELVE, OFFLOAD = steps_of(shelve.ACTION), steps_of(shelve_offload.ACTION)
UNSHELVE = steps_of(unshelve.ACTION)
SOFT_DELETE, RESTORE = steps_of(soft_delete.ACTION), steps_of(restore.ACTION)
PASSWORD, DUMP = steps_of(change_password.ACTION), steps_of(trigger_crash_dump.ACTION)
# Whose steps are swept here; the others' in test_every_action.py.
SWEPT = (attach_interface, attach_volume, change_password, create, create_backup, create_image,
         delete, detach_interface, detach_volume, restore, shelve, shelve_offload, soft_delete,
         swap_volume, trigger_crash_dump, unshelve)


def assert_nothing_is_left(world, alice):
    assert world.cloud.ports == {}
    assert world.cloud.allocations == {}
    assert world.cloud.cinder.attachments == {}
    for driver in world.drivers.values():
        assert (driver.domains, driver.disks, driver.aside) == ({}, set(), set())
    assert alice.open_works() == 0


def assert_runs(world, alice, server_id):
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.fault) == ("active", None, None)
    assert row.admin_pass is None
    assert list(world.cloud.allocations) == [server_id]
    assert [p["device_id"] for p in world.cloud.ports.values()] == [server_id]
    assert [host for host, d in world.drivers.items() if server_id in d.domains] == [row.host]
    assert alice.open_works() == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), CREATE)
def test_a_server_survives_the_death_of_who_builds_it(world, alice, runner, step, moment):
    kill_once(world.workers[runner], moment, step)
    server_id = alice.boot()
    settle(world)
    assert_runs(world, alice, server_id)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), DELETE)
def test_a_deletion_survives_the_death_of_who_does_it(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers[runner], moment, step)
    alice.delete(server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)
    with world.db.reading() as session:
        assert session.get(Usage, "red").instances == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("step", [name for runner, name in SNAPSHOT if runner != CONDUCTOR])
def test_a_snapshot_survives_the_death_of_who_takes_it(world, alice, step, moment):
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers["compute.one"], moment, step)
    image_id = alice.snapshot(server_id)
    settle(world)
    assert world.cloud.images[image_id]["status"] == "active"
    assert_runs(world, alice, server_id)
    assert not list(world.folder.rglob("snapshot-*"))


@pytest.mark.parametrize("step", ["image_cached", "ports_plugged"])
def test_a_host_waits_for_a_neighbour_that_restarts(world, alice, monkeypatch, step):
    away = [Remote("network 502", 502, "it may be starting"), Unavailable(reason="no answer")]

    def question(*_, **__):
        if away:
            raise away.pop()

    def probe(moment, job, name):
        # Two questions in a row find nobody.
        world.cloud.before = question if (moment, name) == ("begun", step) else (lambda *_: None)

    monkeypatch.setattr(NoImages, "fetch", lambda images, ctx, spec, _: world.cloud.before("image"))
    world.add_host("one", plugging_timeout=30.0)
    world.workers["compute.one"].probe = probe
    server_id = alice.boot()
    settle(world)
    assert not away
    assert_runs(world, alice, server_id)


def test_a_port_whose_maker_died_before_it_said_so_is_the_servers(world, alice, monkeypatch):
    answer, lost = world.cloud.request, []

    def request(service, method, path, *words, **more):
        answered = answer(service, method, path, *words, **more)
        if (service, method) == ("network", "POST") and not lost:
            lost.append(path)
            raise Unavailable(reason="no answer")
        return answered

    monkeypatch.setattr(world.cloud, "request", request)
    monkeypatch.setattr(doer, "patiently", lambda func, _, what: patiently(func, 30.0, what))
    server_id = alice.boot()
    settle(world)
    assert lost
    assert_runs(world, alice, server_id)


def carried_out_late(world, monkeypatch, what):
    """A question for such a thing that nobody answers is carried out all the same, but not before
    it is asked again."""
    answer, late = world.cloud.request, []

    def request(service, method, path, *words, **more):
        if (method, path.rpartition("/")[2]) == ("POST", what):
            late.append((service, method, path, words, more))
            if len(late) == 1:
                raise Unavailable(reason="no answer")
            if len(late) == 2:
                service, method, path, words, more = late[0]
                answer(service, method, path, *words, **more)
                service, method, path, words, more = late[1]
        return answer(service, method, path, *words, **more)

    monkeypatch.setattr(world.cloud, "request", request)
    monkeypatch.setattr(doer, "patiently", lambda func, _, what: patiently(func, 30.0, what))
    return late


def test_a_port_that_was_made_twice_is_there_once(world, alice, monkeypatch):
    late = carried_out_late(world, monkeypatch, "ports")
    server_id = alice.boot()
    settle(world)
    assert len(late) == 2 and len(world.cloud.ports) == 1
    assert_runs(world, alice, server_id)


def test_an_interface_that_was_made_twice_is_there_once(world, alice, monkeypatch):
    server_id = alice.boot()
    settle(world)
    late = carried_out_late(world, monkeypatch, "ports")
    attach(world, alice, server_id)
    settle(world)
    assert len(late) == 2 and len(world.cloud.ports) == 2


def test_a_volume_that_was_made_twice_is_there_once(world, alice, monkeypatch):
    late = carried_out_late(world, monkeypatch, "volumes")
    server_id = alice.boot(imageRef="", block_device_mapping_v2=[
        {"source_type": "image", "destination_type": "volume", "uuid": alice.image,
         "boot_index": 0, "volume_size": 1, "delete_on_termination": True}])
    settle(world)
    assert len(late) == 2 and len(world.cloud.cinder.volumes) == 1
    assert_runs(world, alice, server_id)


# --- Interfaces ---


def attach(world, alice, server_id, own=False):
    """Ask for one more port, a new one or one of alice's own; its id, or None for a new one."""
    network = world.cloud.network("red", "second")
    if not own:
        interfaces.ask_attach(world.nova, alice.ctx, server_id, [{"uuid": network}])
        return None
    port = world.cloud.post("network", "/ports", json={"port": {"network_id": network}}).json()
    port_id = port["port"]["id"]
    interfaces.ask_attach(world.nova, alice.ctx, server_id, [{"port": port_id}])
    return port_id


def assert_has_ports(world, alice, server_id, number):
    """Neutron, the row and the guest agree."""
    ports = {p["id"] for p in world.cloud.ports.values() if p["device_id"] == server_id}
    row = alice.row(server_id)
    assert len(ports) == number
    assert {vif["id"] for vif in row.vifs} == ports == world.drivers["one"].vifs[server_id]
    assert (row.vm_state, row.task_state, row.fault) == ("active", None, None)
    assert alice.open_works() == 0


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), ATTACH)
def test_attaching_survives_the_death_of_who_does_it(world, alice, runner, step, moment, own):
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers[runner], moment, step)
    attach(world, alice, server_id, own)
    settle(world)
    assert_has_ports(world, alice, server_id, 2)
    assert [v["preserve"] for v in alice.row(server_id).vifs] == [False, own]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("runner", "step"), ATTACH)
@pytest.mark.parametrize("moment", ["begun", "done"])
def test_attaching_that_fails_undoes_itself(world, alice, runner, step, moment, own):
    server_id = alice.boot()
    settle(world)
    world.workers[runner].probe = fail(step, moment=moment)
    port_id = attach(world, alice, server_id, own)
    settle(world)
    assert_has_ports(world, alice, server_id, 1)
    assert [p for p in world.cloud.ports if p == port_id] == ([port_id] if own else [])


@pytest.mark.parametrize(("runner", "step"), ATTACH)
def test_a_server_may_be_deleted_while_it_gets_an_interface(world, alice, runner, step):
    server_id = alice.boot()
    settle(world)

    def probe(moment, job, name):
        if (moment, name) == ("done", step) and job.kind == "attach_interface":
            alice.delete(server_id)

    world.workers[runner].probe = probe
    attach(world, alice, server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), DETACH)
def test_detaching_survives_the_death_of_who_does_it(world, alice, runner, step, moment, own):
    server_id = alice.boot()
    settle(world)
    port_id = attach(world, alice, server_id, own)
    settle(world)
    kill_once(world.workers[runner], moment, step)
    interfaces.detach(world.nova, alice.ctx, server_id, alice.row(server_id).vifs[1]["id"])
    settle(world)
    assert_has_ports(world, alice, server_id, 1)
    assert len(world.cloud.ports) == (2 if own else 1)
    assert port_id is None or world.cloud.ports[port_id]["device_id"] == ""


@pytest.mark.parametrize(("runner", "step"), CREATE)
def test_a_step_that_fails_leaves_an_error_and_nothing_else(world, alice, runner, step):
    world.workers[runner].probe = fail(step)
    server_id = alice.boot()
    settle(world)
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.host) == ("error", None, None)
    assert row.fault["message"] == f"{step} broke"
    assert_nothing_is_left(world, alice)
    alice.delete(server_id)
    settle(world)
    assert alice.row(server_id).deleted


@pytest.mark.parametrize(("runner", "step"), [c for c in CREATE if c[0] != CONDUCTOR])
def test_undoing_survives_a_death_too(world, alice, runner, step):
    world.add_host("two")
    world.workers["compute.one"].probe = fail(step)
    world.workers["compute.two"].probe = fail(step)
    kill_once(world.workers[CONDUCTOR], "undoing", "ports_created")
    server_id = alice.boot()
    settle(world)
    assert alice.row(server_id).vm_state == "error"
    assert_nothing_is_left(world, alice)


@pytest.mark.parametrize(("runner", "step"), CREATE)
def test_a_server_may_be_deleted_while_it_is_built(world, alice, runner, step):
    ids = []

    def probe(moment, job, name):
        if (moment, name) == ("done", step) and job.kind == "create":
            alice.delete(ids[0])

    world.workers[runner].probe = probe
    ids.append(alice.boot())
    settle(world)
    assert alice.row(ids[0]).deleted
    assert_nothing_is_left(world, alice)


def test_another_host_is_tried(world, alice):
    world.add_host("two")
    world.workers["compute.one"].probe = fail("disks_prepared")
    for _ in range(4):
        server_id = alice.boot()
        settle(world)
        assert alice.row(server_id).host == "two"
        assert alice.row(server_id).vm_state == "active"


def test_the_fault_says_what_each_host_said(world, alice):
    world.add_host("two")
    for name in ("one", "two"):
        world.workers[f"compute.{name}"].probe = fail("disks_prepared", f"no room on {name}")
    server_id = alice.boot()
    settle(world)
    fault = alice.row(server_id).fault
    assert fault["message"] == "no room on its host"
    assert "one: no room on one" in fault["details"]
    assert "two: no room on two" in fault["details"]


def test_neighbours_that_are_away_leave_a_named_error(world, alice):
    server_id = alice.boot()
    world.cloud.away("network")
    settle(world)
    assert alice.open_works() == 1  # Its undoing waits for them.
    world.cloud.away()
    with world.db.writing() as session:
        from cairn.nova.db.models import Work
        session.query(Work).update({"not_before": None})
    settle(world)
    assert alice.row(server_id).vm_state == "error"
    assert "network service" in alice.row(server_id).fault["message"]
    assert_nothing_is_left(world, alice)


def test_a_dead_host_keeps_no_deletion_waiting(world, alice):
    from cairn.nova.conductor.sweeper import Sweeper
    from cairn.nova.settings import ConductorSettings

    server_id = alice.boot()
    settle(world)
    alice.delete(server_id)  # Its host was up, then.
    world.down("one")
    world.drivers.pop("one")
    assert Sweeper(world.nova, ConductorSettings()).strand() == 1
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)


@pytest.mark.parametrize(("before", "left"), [(True, None), (False, "active")])
def test_whoever_asks_for_an_image_may_die_while_it_is_made(world, alice, before, left):
    """The work is written first: it fills the image, or finds none and ends."""
    server_id = alice.boot()
    settle(world)
    there, make = set(world.cloud.images), world.cloud.post

    def die(service, path, **options):
        if not before:
            make(service, path, **options)
        raise Killed

    world.cloud.post = die
    with pytest.raises(Killed):
        alice.snapshot(server_id)
    world.cloud.post = make
    settle(world)
    assert alice.row(server_id).task_state == "image_snapshot_pending"  # It is not waited out yet.
    with world.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    settle(world)
    made = [image["status"] for id_, image in world.cloud.images.items() if id_ not in there]
    assert made == ([left] if left else [])
    assert (alice.row(server_id).vm_state, alice.row(server_id).task_state) == ("active", None)
    assert alice.open_works() == 0


@pytest.mark.parametrize("code", [413, 503])
def test_an_image_that_glance_refuses_leaves_the_server_as_it_was(world, alice, code):
    server_id = alice.boot()
    settle(world)
    there = set(world.cloud.images)

    def refuse(service, method, path):
        if (service, method) == ("image", "POST"):
            raise Remote(f"image {code}", code, "no more of these")

    world.cloud.before = refuse
    with pytest.raises(Problem, match="no more of these"):
        alice.snapshot(server_id)
    if code < 500:
        assert (alice.row(server_id).task_state, alice.open_works()) == (None, 0)
    settle(world)
    assert (alice.row(server_id).task_state, alice.open_works()) == (None, 0)
    assert set(world.cloud.images) == there
    world.cloud.before = lambda *_: None
    alice.snapshot(server_id)
    settle(world)
    assert len(set(world.cloud.images) - there) == 1


def test_an_image_that_was_made_too_late_goes(world, alice):
    server_id = alice.boot()
    settle(world)
    there = set(world.cloud.images)

    def slow(service, method, path):
        if (service, method) == ("image", "POST"):
            world.cloud.before = lambda *_: None
            with world.db.writing() as session:
                session.execute(update(Work).values(not_before=None))
            settle(world)

    world.cloud.before = slow
    with pytest.raises(Unavailable, match="took"):
        alice.snapshot(server_id)
    settle(world)
    assert set(world.cloud.images) == there
    assert (alice.row(server_id).task_state, alice.open_works()) == (None, 0)


# --- Volumes ---


def get_volume(world, alice, server_id, **properties):
    """Ask for a volume of alice's; its id."""
    volume_id = world.cloud.cinder.volume(**properties)
    volumes.attach(world.nova, alice.ctx, server_id, {"volumeId": volume_id})
    return volume_id


def assert_has_volumes(world, alice, server_id, *volume_ids, guest=None):
    """Cinder, the rows and the guest agree; a guest knows a volume that moved as `guest`."""
    cinder = world.cloud.cinder
    assert {a["volume_id"] for a in cinder.attachments.values()} == set(volume_ids)
    assert len(cinder.attachments) == len(volume_ids)
    for volume in cinder.volumes.values():
        assert volume["status"] == ("in-use" if volume["id"] in volume_ids else "available")
    rows = volumes.list_of(world.nova, alice.ctx, server_id)
    assert [(row.volume_id, row.state) for row in rows] == [(v, "attached") for v in volume_ids]
    assert {row.attachment_id for row in rows} == set(cinder.attachments)
    has = world.drivers["one"].volumes[server_id]
    assert {volume for volume, _ in has.values()} == ({guest} if guest else set(volume_ids))
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.fault) == ("active", None, None)
    assert alice.open_works() == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), GET)
def test_a_volume_survives_the_death_of_who_attaches_it(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers[runner], moment, step)
    volume_id = get_volume(world, alice, server_id, encrypted=True)
    settle(world)
    assert_has_volumes(world, alice, server_id, volume_id)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), GET)
def test_a_volume_that_is_not_attached_is_available(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    world.workers[runner].probe = fail(step, moment=moment)
    get_volume(world, alice, server_id)
    settle(world)
    assert_has_volumes(world, alice, server_id)


@pytest.mark.parametrize(("runner", "step"), GET)
def test_a_server_may_be_deleted_while_it_gets_a_volume(world, alice, runner, step):
    server_id = alice.boot()
    settle(world)

    def probe(moment, job, name):
        if (moment, name) == ("done", step):
            alice.delete(server_id)

    world.workers[runner].probe = probe
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert world.cloud.cinder.volumes[volume_id]["status"] == "available"
    assert_nothing_is_left(world, alice)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), LOSE)
def test_a_volume_survives_the_death_of_who_detaches_it(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    kill_once(world.workers[runner], moment, step)
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    assert_has_volumes(world, alice, server_id)


def test_a_guest_that_does_not_let_go_keeps_its_volume(world, alice):
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    world.workers["compute.one"].probe = fail("volume_detached")
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    assert_has_volumes(world, alice, server_id, volume_id)
    world.workers["compute.one"].probe = lambda *_: None
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    assert_has_volumes(world, alice, server_id)


@pytest.mark.parametrize("left", ["gone", "detaching", "attached"])
def test_a_cinder_that_does_not_answer_says_later_what_it_did(world, alice, left):
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    cinder = world.cloud.cinder
    (attachment,) = cinder.attachments.values()

    def deaf(service, method, path):
        if (service, method) == ("block-storage", "DELETE"):
            if left == "gone":
                cinder.attachments.clear()
            attachment["attach_status"] = left
            raise Unavailable(reason="nobody answers")

    world.cloud.before = deaf
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    with world.nova.db.reading() as session:
        devices = block_devices.volumes_of(session, server_id)
    assert [d.state for d in devices] == (["attached"] if left == "attached" else [])
    assert alice.open_works() == 0
    if left == "attached":
        assert_has_volumes(world, alice, server_id, volume_id)


def test_a_guest_that_half_let_go_has_it_again(world, alice, monkeypatch):
    """Its hypervisor died between what runs and what shall run next."""
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    driver = world.drivers["one"]
    detach = driver.detach

    def dies(spec, device):
        detach(spec, device)
        raise HypervisorFailed(reason="the connection was closed")

    monkeypatch.setattr(driver, "detach", dies)
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    assert_has_volumes(world, alice, server_id, volume_id)


def test_a_hypervisor_that_ended_is_asked_again(world, alice, monkeypatch):
    """A guest that it had asked lets go when nobody looks."""
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    driver = world.drivers["one"]
    detach, tries = driver.detach, []

    def ends(spec, device):
        tries.append(device)
        if len(tries) < 3:
            raise HypervisorAway(reason="the connection was closed")
        detach(spec, device)

    monkeypatch.setattr(driver, "detach", ends)
    volumes.detach(world.nova, alice.ctx, server_id, volume_id)
    settle(world)
    assert_has_volumes(world, alice, server_id)


@pytest.mark.parametrize("migrates", [False, True])
@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), SWAP)
def test_a_swap_survives_the_death_of_who_does_it(world, alice, runner, step, moment, migrates):
    server_id = alice.boot()
    settle(world)
    old = get_volume(world, alice, server_id)
    settle(world)
    new = world.cloud.cinder.volume(migration_status=f"target:{old}" if migrates else None)
    kill_once(world.workers[runner], moment, step)
    volumes.swap(world.nova, alice.ctx, server_id, old, new)
    settle(world)
    if not migrates:
        assert_has_volumes(world, alice, server_id, new)
        return
    assert_has_volumes(world, alice, server_id, old, guest=new)
    assert new not in world.cloud.cinder.volumes


def swapped(world, alice, *, migrates):
    """A server whose volume is being swapped; (server, old, new)."""
    server_id = alice.boot()
    settle(world)
    old = get_volume(world, alice, server_id)
    settle(world)
    new = world.cloud.cinder.volume(migration_status=f"target:{old}" if migrates else None)
    volumes.swap(world.nova, alice.ctx, server_id, old, new)
    return server_id, old, new


@pytest.mark.parametrize("migrates", [False, True])
@pytest.mark.parametrize("question", ["complete_attachment", "complete_migration",
                                      "delete_attachment"])
def test_a_guest_that_has_gone_on_is_not_taken_back(
    world, alice, monkeypatch, question, migrates
):
    """Cinder is away when the guest has the new volume already, for longer than anybody waits."""
    def away(*_, **__):
        raise Unavailable(reason="No answer from Cinder.")

    server_id, old, new = swapped(world, alice, migrates=migrates)
    with monkeypatch.context() as patch:
        patch.setattr(world.nova.cloud.volumes, question, away)
        settle(world)
    with world.nova.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    settle(world)
    assert_has_volumes(world, alice, server_id, old if migrates else new, guest=new)


@pytest.mark.parametrize("refused", ["complete_attachment", "complete_migration",
                                     "delete_attachment"])
def test_what_cinder_does_not_want_to_know_keeps_no_guest_between_two_volumes(
    world, alice, monkeypatch, refused
):
    def refuse(*_, **__):
        raise Remote("BadRequest", 400, "No.")

    server_id, old, new = swapped(world, alice, migrates=True)
    with monkeypatch.context() as patch:
        patch.setattr(world.nova.cloud.volumes, refused, refuse)
        settle(world)
    [row] = volumes.list_of(world.nova, alice.ctx, server_id)
    assert row.state == "attached" and alice.open_works() == 0
    assert row.volume_id == (new if refused == "complete_migration" else old)


@pytest.mark.parametrize("migrates", [False, True])
def test_a_swap_that_is_called_off_when_it_is_over_stays(world, alice, migrates):
    """The host died when the guest had just gone on, and was to stop when it came back."""
    server_id, old, new = swapped(world, alice, migrates=migrates)
    kill_once(world.workers["compute.one"], "done", "volume_copied")
    with pytest.raises(Killed):
        world.settle()
    with world.nova.db.writing() as session:
        session.execute(update(Work).where(Work.kind == "swap_volume").values(cancelled=True))
    settle(world)
    assert_has_volumes(world, alice, server_id, old if migrates else new, guest=new)


@pytest.mark.parametrize(("runner", "step"), SWAP[:2])
def test_a_swap_that_fails_leaves_the_old_volume(world, alice, runner, step):
    server_id = alice.boot()
    settle(world)
    old = get_volume(world, alice, server_id)
    settle(world)
    world.workers[runner].probe = fail(step)
    volumes.swap(world.nova, alice.ctx, server_id, old, world.cloud.cinder.volume())
    settle(world)
    assert_has_volumes(world, alice, server_id, old)


@pytest.mark.parametrize("where", ["before Cinder", "after Cinder"])
def test_a_request_that_dies_leaves_no_volume_reserved(world, alice, monkeypatch, where):
    server_id = alice.boot()
    settle(world)
    cinder = world.cloud.cinder
    reserve = cinder._reserve

    def die(asked):
        if where == "after Cinder":
            reserve(asked)
        raise Killed

    monkeypatch.setattr(cinder, "_reserve", die)
    with pytest.raises(Killed):
        get_volume(world, alice, server_id)
    assert volumes.list_of(world.nova, alice.ctx, server_id) == []
    assert volumes.sweep(world.nova, 60.0) == 0  # It may go on still.
    assert volumes.sweep(world.nova, -1.0) == 1
    assert_has_volumes(world, alice, server_id)


# --- Booting from volumes ---

VOLUMES = [step for step in CREATE if step[1].startswith("volumes_")]


def boot_from_volumes(world, alice):
    """From an image in a volume of its own, with a volume of alice's; (server, her volume)."""
    own = world.cloud.cinder.volume()
    return alice.boot(imageRef="", block_device_mapping_v2=[
        {"source_type": "image", "destination_type": "volume", "uuid": alice.image,
         "boot_index": 0, "volume_size": 1, "delete_on_termination": True},
        {"source_type": "volume", "uuid": own}]), own


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), [*VOLUMES, CREATE[-1]])
def test_a_server_on_volumes_survives_the_death_of_who_builds_it(
    world, alice, runner, step, moment
):
    kill_once(world.workers[runner], moment, step)
    server_id, own = boot_from_volumes(world, alice)
    settle(world)
    assert_runs(world, alice, server_id)
    [made] = set(world.cloud.cinder.volumes) - {own}
    assert_has_volumes(world, alice, server_id, made, own)
    alice.delete(server_id)
    settle(world)
    assert_nothing_is_left(world, alice)
    assert list(world.cloud.cinder.volumes) == [own]


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), [*VOLUMES, CREATE[-1]])
def test_a_server_on_volumes_that_fails_leaves_none(world, alice, runner, step, moment):
    world.workers[runner].probe = fail(step, moment=moment)
    server_id, own = boot_from_volumes(world, alice)
    settle(world)
    assert alice.row(server_id).vm_state == "error"
    assert_nothing_is_left(world, alice)
    assert {v["id"]: v["status"] for v in world.cloud.cinder.volumes.values()} == {
        own: "available"}


def test_a_volume_whose_maker_died_before_it_said_so_is_the_servers(world, alice, monkeypatch):
    cinder = world.cloud.cinder
    make, died = cinder._made, []

    def die_once(asked, project):
        made = make(asked, project)
        if not died:
            died.append(made)
            raise Killed
        return made

    monkeypatch.setattr(cinder, "_made", die_once)
    server_id, own = boot_from_volumes(world, alice)
    settle(world)
    assert_has_volumes(world, alice, server_id, died[0]["id"], own)


# --- Images of servers on volumes ---

PICTURED = [step for step in SNAPSHOT if step[0] == CONDUCTOR]


@pytest.fixture
def on_volumes(world, alice):
    """(server, its two volumes)."""
    server_id, _ = boot_from_volumes(world, alice)
    settle(world)
    return server_id, set(world.cloud.cinder.volumes)


def assert_pictured(world, alice, server_id, image_id, volume_ids):
    """The image names one snapshot of each volume, and there is no other."""
    image = world.cloud.images[image_id]
    mapped = [device["snapshot_id"] for device in json.loads(image["block_device_mapping"])]
    snapshots = world.cloud.cinder.snapshots
    assert image["status"] == "active"
    assert len(mapped) == len(snapshots) and set(mapped) == set(snapshots)
    assert {each["volume_id"] for each in snapshots.values()} == volume_ids
    assert_runs(world, alice, server_id)


def assert_not_pictured(world, alice, server_id, image_id):
    assert image_id not in world.cloud.images
    assert world.cloud.cinder.snapshots == {}
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, alice.open_works()) == ("active", None, 0)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), PICTURED)
def test_an_image_of_volumes_survives_the_death_of_who_makes_it(
    world, alice, on_volumes, runner, step, moment
):
    server_id, volume_ids = on_volumes
    kill_once(world.workers[runner], moment, step)
    image_id = alice.snapshot(server_id)
    assert alice.row(server_id).task_state == "image_snapshot_pending"
    assert world.cloud.cinder.snapshots == {}
    settle(world)
    assert_pictured(world, alice, server_id, image_id, volume_ids)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), PICTURED)
def test_an_image_of_volumes_that_fails_leaves_nothing(
    world, alice, on_volumes, runner, step, moment
):
    world.workers[runner].probe = fail(step, moment=moment)
    image_id = alice.snapshot(on_volumes[0])
    settle(world)
    assert_not_pictured(world, alice, on_volumes[0], image_id)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), PICTURED)
def test_a_server_may_be_deleted_while_an_image_of_its_volumes_is_made(
    world, alice, on_volumes, runner, step, moment
):
    """The last step is not called off: then all of the image is there."""
    server_id, _ = on_volumes

    def probe(now, job, name):
        if (now, name) == (moment, step):
            alice.delete(server_id)

    world.workers[runner].probe = probe
    image_id = alice.snapshot(server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)
    whole = step == PICTURED[-1][1]
    assert (image_id in world.cloud.images) == whole
    assert len(world.cloud.cinder.snapshots) == (2 if whole else 0)
    assert len(world.cloud.cinder.volumes) == (2 if whole else 1)


def test_the_undoing_of_an_image_of_volumes_survives_a_death(world, alice, on_volumes):
    def probe(now, job, name):
        if (now, name) == ("begun", "image_described"):
            kill_once(world.workers[CONDUCTOR], "undoing", "volumes_snapshotted")
            raise Invalid(reason="broke")

    world.workers[CONDUCTOR].probe = probe
    image_id = alice.snapshot(on_volumes[0])
    settle(world)
    assert_not_pictured(world, alice, on_volumes[0], image_id)


@pytest.mark.parametrize("which", [1, 2])
@pytest.mark.parametrize("called_off", [False, True])
def test_a_snapshot_whose_maker_died_before_it_said_so(
    world, alice, on_volumes, monkeypatch, which, called_off
):
    server_id, volume_ids = on_volumes
    cinder, made = world.cloud.cinder, []
    take = cinder._taken

    def die_once(volume, asked):
        made.append(take(volume, asked))
        if len(made) == which:
            raise Killed
        return made[-1]

    monkeypatch.setattr(cinder, "_taken", die_once)
    image_id = alice.snapshot(server_id)
    with pytest.raises(Killed):
        world.settle()
    if called_off:
        alice.delete(server_id)
    settle(world)
    if called_off:
        assert (image_id in world.cloud.images, cinder.snapshots) == (False, {})
        assert_nothing_is_left(world, alice)
        return
    assert_pictured(world, alice, server_id, image_id, volume_ids)
    assert len(made) == 2


def test_a_snapshot_that_was_taken_twice_is_there_once(world, alice, on_volumes, monkeypatch):
    server_id, volume_ids = on_volumes
    late = carried_out_late(world, monkeypatch, "snapshots")
    image_id = alice.snapshot(server_id)
    settle(world)
    assert len(late) == 3
    assert_pictured(world, alice, server_id, image_id, volume_ids)


def test_a_snapshot_that_ends_in_error_makes_no_image(world, alice, on_volumes):
    world.cloud.cinder.ends = "error"
    image_id = alice.snapshot(on_volumes[0])
    settle(world)
    assert "Snapshot" in alice.row(on_volumes[0]).fault["message"]
    assert "its status is error" in alice.row(on_volumes[0]).fault["message"]
    assert_not_pictured(world, alice, on_volumes[0], image_id)


def test_a_snapshot_that_is_being_taken_is_deleted_later(world, alice, on_volumes):
    def give_up(seconds):
        raise Invalid(reason="no time")

    cinder = world.cloud.cinder
    cinder.ends = "creating"
    object.__setattr__(world.nova, "pause", give_up)
    image_id = alice.snapshot(on_volumes[0])
    settle(world)
    assert (alice.open_works(), len(cinder.snapshots)) == (1, 2)
    for snapshot in cinder.snapshots.values():
        snapshot["status"] = "available"
    with world.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    settle(world)
    assert_not_pictured(world, alice, on_volumes[0], image_id)


def test_another_host_is_tried_with_the_same_volume(world, alice):
    world.add_host("two")
    world.workers["compute.one"].probe = fail("domain_started")
    for _ in range(3):
        server_id, own = boot_from_volumes(world, alice)
        settle(world)
        row = alice.row(server_id)
        assert (row.vm_state, row.host) == ("active", "two")
        assert own in {volume for volume, _ in world.drivers["two"].volumes[server_id].values()}
    assert {a["connector"]["host"] for a in world.cloud.cinder.attachments.values()} == {"two"}


# --- The shelf ---


def setting(world, **api):
    world.nova.__dict__["api"] = replace(world.nova.api, **api)


def with_a_volume(world, alice):
    """A server of alice's that has a volume; both ids."""
    server_id = alice.boot()
    settle(world)
    volume_id = get_volume(world, alice, server_id)
    settle(world)
    return server_id, volume_id


def shelved(world, alice, *, offloaded=True):
    """The same, shelved."""
    setting(world, shelved_offload_time=0 if offloaded else -1)
    server_id, volume_id = with_a_volume(world, alice)
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    return server_id, volume_id


def images_on_the_shelf(world):
    return [image["status"] for image in world.cloud.images.values()
            if image["name"] == "web-shelved"]


def assert_is_on_the_shelf(world, alice, server_id, volume_id):
    """It is on no host, and nothing of it is lost."""
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.host) == ("shelved_offloaded", None, None)
    assert world.cloud.allocations == {}
    [port] = world.cloud.ports.values()
    assert (port["device_id"], port["binding:host_id"]) == (server_id, "")
    [attachment] = world.cloud.cinder.attachments.values()
    assert (attachment["volume_id"], attachment["connector"]) == (volume_id, None)
    for driver in world.drivers.values():
        assert (driver.domains, driver.disks) == ({}, set())
    assert images_on_the_shelf(world) == ["active"]
    assert alice.open_works() == 0
    assert not list(world.folder.rglob("snapshot-*"))


def assert_waits_on_its_host(world, alice, server_id, volume_id):
    """It is shelved there still, as it was."""
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.host) == ("shelved", None, "one")
    assert list(world.cloud.allocations) == [server_id]
    [port] = world.cloud.ports.values()
    assert port["binding:host_id"] == "one"
    assert world.cloud.cinder.volumes[volume_id]["status"] == "in-use"
    [attachment] = world.cloud.cinder.attachments.values()
    assert attachment["connector"]["host"] == "one"
    assert world.drivers["one"].domains == {server_id: 4}
    assert world.drivers["one"].disks == {server_id}
    assert images_on_the_shelf(world) == ["active"]
    assert alice.open_works() == 0


def assert_runs_with(world, alice, server_id, volume_id):
    row = alice.row(server_id)
    assert (row.shelved_at, row.shelved_image) == (None, None)
    assert_runs_as_before(world, alice, server_id, volume_id)
    assert row.fault is None


def assert_runs_as_before(world, alice, server_id, volume_id):
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state) == ("active", None)
    assert list(world.cloud.allocations) == [server_id]
    [port] = world.cloud.ports.values()
    assert port["binding:host_id"] == row.host
    assert world.cloud.cinder.volumes[volume_id]["status"] == "in-use"
    assert len(world.cloud.cinder.attachments) == 1
    driver = world.drivers[row.host]
    assert driver.domains == {server_id: 1}
    assert {volume for volume, _ in driver.volumes[server_id].values()} == {volume_id}
    assert images_on_the_shelf(world) == []
    assert alice.open_works() == 0
    assert not list(world.folder.rglob("snapshot-*"))


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), SHELVE + OFFLOAD)
def test_a_server_survives_the_death_of_who_shelves_it(world, alice, runner, step, moment):
    server_id, volume_id = with_a_volume(world, alice)
    kill_once(world.workers[runner], moment, step)
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert_is_on_the_shelf(world, alice, server_id, volume_id)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), [s for s in SHELVE if s[0] != CONDUCTOR])
def test_a_server_that_is_not_shelved_runs(world, alice, runner, step, moment):
    server_id, volume_id = with_a_volume(world, alice)
    world.workers[runner].probe = fail(step, moment=moment)
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert_runs_as_before(world, alice, server_id, volume_id)
    world.workers[runner].probe = lambda *_: None
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert_is_on_the_shelf(world, alice, server_id, volume_id)


def test_a_server_that_nobody_could_call_shelved_runs(world, alice):
    server_id, volume_id = with_a_volume(world, alice)
    world.workers[CONDUCTOR].probe = fail("server_shelved")
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert_runs_as_before(world, alice, server_id, volume_id)


def test_what_fails_once_it_is_shelved_costs_no_image(world, alice):
    server_id, volume_id = with_a_volume(world, alice)
    world.workers[CONDUCTOR].probe = fail("server_shelved", moment="done")
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert_is_on_the_shelf(world, alice, server_id, volume_id)


@pytest.mark.parametrize(("runner", "step"), SHELVE + OFFLOAD)
def test_a_server_may_be_deleted_while_it_is_shelved(world, alice, runner, step):
    server_id, volume_id = with_a_volume(world, alice)

    def probe(moment, job, name):
        if (moment, name) == ("done", step):
            world.workers[runner].probe = lambda *_: None
            alice.delete(server_id)

    world.workers[runner].probe = probe
    shelves.shelve(world.nova, alice.ctx, server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)
    assert images_on_the_shelf(world) == []
    assert world.cloud.cinder.volumes[volume_id]["status"] == "available"


@pytest.mark.parametrize(("runner", "step"), OFFLOAD[:3])
def test_a_server_that_does_not_leave_its_host_waits_there(world, alice, runner, step):
    server_id, volume_id = shelved(world, alice, offloaded=False)
    world.workers[runner].probe = fail(step)
    shelves.offload(world.nova, alice.ctx, server_id)
    settle(world)
    assert_waits_on_its_host(world, alice, server_id, volume_id)
    world.workers[runner].probe = lambda *_: None
    shelves.offload(world.nova, alice.ctx, server_id)
    settle(world)
    assert_is_on_the_shelf(world, alice, server_id, volume_id)


def test_a_placement_that_is_away_is_waited_for(world, alice):
    """The server is gone from its host already."""
    server_id, volume_id = shelved(world, alice, offloaded=False)
    world.cloud.away("placement")
    shelves.offload(world.nova, alice.ctx, server_id)
    settle(world)
    assert (alice.row(server_id).task_state, alice.open_works()) == ("shelving_offloading", 1)
    world.cloud.away()
    with world.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    settle(world)
    assert_is_on_the_shelf(world, alice, server_id, volume_id)


def unshelve_it(world, alice, server_id):
    shelves.bring_back(world.nova, alice.ctx, server_id, shelves.Destination())


@pytest.mark.parametrize("offloaded", [False, True])
@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), UNSHELVE)
def test_a_server_survives_the_death_of_who_unshelves_it(
    world, alice, runner, step, moment, offloaded
):
    server_id, volume_id = shelved(world, alice, offloaded=offloaded)
    kill_once(world.workers[runner], moment, step)
    unshelve_it(world, alice, server_id)
    settle(world)
    assert_runs_with(world, alice, server_id, volume_id)


# What fails then fails a server that runs.
LATE = [("domain_started", "done"), ("image_deleted", "begun"), ("image_deleted", "done")]
EARLY = [(runner, step, moment) for runner, step in UNSHELVE for moment in ("begun", "done")
         if (step, moment) not in LATE]


@pytest.mark.parametrize("offloaded", [False, True])
@pytest.mark.parametrize(("runner", "step", "moment"), EARLY)
def test_a_server_that_is_not_unshelved_is_as_it_was(
    world, alice, runner, step, moment, offloaded
):
    server_id, volume_id = shelved(world, alice, offloaded=offloaded)
    world.workers[runner].probe = fail(step, moment=moment)
    unshelve_it(world, alice, server_id)
    settle(world)
    assert alice.row(server_id).fault["message"] == f"{step} broke"
    world.workers[runner].probe = lambda *_: None
    assert_as_it_was = assert_is_on_the_shelf if offloaded else assert_waits_on_its_host
    assert_as_it_was(world, alice, server_id, volume_id)
    unshelve_it(world, alice, server_id)
    settle(world)
    assert_runs_with(world, alice, server_id, volume_id)


@pytest.mark.parametrize("offloaded", [False, True])
@pytest.mark.parametrize(("step", "moment"), LATE)
def test_nothing_is_taken_from_a_server_that_runs(world, alice, step, moment, offloaded):
    server_id, volume_id = shelved(world, alice, offloaded=offloaded)
    runner = next(runner for runner, name in UNSHELVE if name == step)
    world.workers[runner].probe = fail(step, moment=moment)
    unshelve_it(world, alice, server_id)
    settle(world)
    row = alice.row(server_id)
    if row.shelved_image is not None:  # It goes with the server, then.
        assert images_on_the_shelf(world) == ["active"]
        world.cloud.images.pop(row.shelved_image["id"])
    assert_runs_as_before(world, alice, server_id, volume_id)


@pytest.mark.parametrize("offloaded", [False, True])
@pytest.mark.parametrize(("runner", "step"), UNSHELVE)
def test_a_server_may_be_deleted_while_it_is_unshelved(world, alice, runner, step, offloaded):
    server_id, volume_id = shelved(world, alice, offloaded=offloaded)

    def probe(moment, job, name):
        if (moment, name) == ("done", step):
            world.workers[runner].probe = lambda *_: None
            alice.delete(server_id)

    world.workers[runner].probe = probe
    unshelve_it(world, alice, server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)
    assert images_on_the_shelf(world) == []
    assert world.cloud.cinder.volumes[volume_id]["status"] == "available"


def test_a_glance_that_is_away_is_waited_for_by_a_server_that_runs(world, alice):
    server_id, volume_id = shelved(world, alice)

    def away(service, method, path):
        if (service, method) == ("image", "DELETE"):
            raise Unavailable(reason="nobody answers")

    world.cloud.before = away
    unshelve_it(world, alice, server_id)
    settle(world)
    assert (alice.row(server_id).vm_state, alice.open_works()) == ("active", 1)
    world.cloud.before = lambda *_: None
    with world.db.writing() as session:
        session.execute(update(Work).values(not_before=None))
    settle(world)
    assert_runs_with(world, alice, server_id, volume_id)


# --- Backups, passwords, interrupts, deletions that are taken back ---


def back_up(world, alice, server_id):
    return backups.ask(world.nova, alice.ctx, server_id, {
        "name": "kept", "backup_type": "daily", "rotation": 1})


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), BACKUP)
def test_a_backup_survives_the_death_of_who_makes_it(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    before = back_up(world, alice, server_id)
    settle(world)
    kill_once(world.workers[runner], moment, step)
    image_id = back_up(world, alice, server_id)
    settle(world)
    assert world.cloud.images[image_id]["status"] == "active"
    assert before not in world.cloud.images
    assert_runs(world, alice, server_id)
    assert not list(world.folder.rglob("snapshot-*"))


@pytest.mark.parametrize(("runner", "step"), BACKUP)
def test_a_backup_that_fails_costs_none_before(world, alice, runner, step):
    server_id = alice.boot()
    settle(world)
    before = back_up(world, alice, server_id)
    settle(world)
    world.workers[runner].probe = fail(step)
    image_id = back_up(world, alice, server_id)
    settle(world)
    assert before in world.cloud.images
    assert (image_id in world.cloud.images) == (step == "backups_rotated")
    assert (alice.row(server_id).vm_state, alice.row(server_id).task_state) == ("active", None)
    assert alice.open_works() == 0
    assert not list(world.folder.rglob("snapshot-*"))


def with_an_agent(world, alice):
    alice.image = world.cloud.image(hw_qemu_guest_agent="yes")
    server_id = alice.boot()
    settle(world)
    setting(world, password_timeout=0.0)
    return server_id


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), PASSWORD)
def test_a_password_survives_the_death_of_who_sets_it(world, alice, runner, step, moment):
    server_id = with_an_agent(world, alice)
    kill_once(world.workers[runner], moment, step)
    passwords.change(world.nova, alice.ctx, server_id, "secret")
    settle(world)
    assert world.drivers["one"].passwords == {server_id: ("root", "secret")}
    assert_runs(world, alice, server_id)


@pytest.mark.parametrize(("runner", "step"), PASSWORD)
def test_a_password_that_is_not_set_is_forgotten(world, alice, runner, step):
    server_id = with_an_agent(world, alice)
    world.workers[runner].probe = fail(step)
    passwords.change(world.nova, alice.ctx, server_id, "secret")
    settle(world)
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.admin_pass) == ("active", None, None)
    assert alice.open_works() == 0


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), DUMP)
def test_an_interrupt_survives_the_death_of_who_sends_it(world, alice, runner, step, moment):
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers[runner], moment, step)
    works.ask(world.nova, alice.ctx, server_id, trigger_crash_dump.ACTION)
    settle(world)
    assert set(world.drivers["one"].interrupted) == {server_id}
    assert_runs(world, alice, server_id)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), SOFT_DELETE)
def test_a_soft_deletion_survives_the_death_of_who_does_it(world, alice, runner, step, moment):
    setting(world, reclaim_instance_interval=60)
    server_id = alice.boot()
    settle(world)
    kill_once(world.workers[runner], moment, step)
    soft_deletes.delete(world.nova, alice.ctx, server_id)
    settle(world)
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.state_before) == ("soft-delete", None, "active")
    assert world.drivers["one"].domains == {server_id: 4}
    assert alice.open_works() == 0


@pytest.mark.parametrize(("runner", "step"), SOFT_DELETE)
def test_a_soft_deletion_that_fails_may_be_asked_for_again(world, alice, runner, step):
    setting(world, reclaim_instance_interval=60)
    server_id = alice.boot()
    settle(world)
    world.workers[runner].probe = fail(step)
    soft_deletes.delete(world.nova, alice.ctx, server_id)
    settle(world)
    row = alice.row(server_id)
    assert (row.vm_state, row.task_state, row.soft_deleted_at) == ("active", None, None)
    world.workers[runner].probe = lambda *_: None
    soft_deletes.delete(world.nova, alice.ctx, server_id)
    settle(world)
    assert alice.row(server_id).vm_state == "soft-delete"


@pytest.mark.parametrize(("runner", "step"), SOFT_DELETE)
def test_a_server_may_be_deleted_while_it_is_soft_deleted(world, alice, runner, step):
    setting(world, reclaim_instance_interval=60)
    server_id = alice.boot()
    settle(world)

    def probe(moment, job, name):
        if (moment, name) == ("done", step):
            alice.delete(server_id)

    world.workers[runner].probe = probe
    soft_deletes.delete(world.nova, alice.ctx, server_id)
    settle(world)
    assert alice.row(server_id).deleted
    assert_nothing_is_left(world, alice)


def soft_deleted(world, alice):
    setting(world, reclaim_instance_interval=60)
    server_id = alice.boot()
    settle(world)
    soft_deletes.delete(world.nova, alice.ctx, server_id)
    settle(world)
    return server_id


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("runner", "step"), RESTORE)
def test_a_server_survives_the_death_of_who_restores_it(world, alice, runner, step, moment):
    server_id = soft_deleted(world, alice)
    kill_once(world.workers[runner], moment, step)
    soft_deletes.restore(world.nova, alice.ctx, server_id)
    settle(world)
    assert_runs(world, alice, server_id)
    assert alice.row(server_id).soft_deleted_at is None


@pytest.mark.parametrize(("runner", "step"), RESTORE)
def test_a_server_that_is_not_restored_may_be_still(world, alice, runner, step):
    server_id = soft_deleted(world, alice)
    world.workers[runner].probe = fail(step)
    soft_deletes.restore(world.nova, alice.ctx, server_id)
    settle(world)
    assert (alice.row(server_id).vm_state, alice.open_works()) == ("soft-delete", 0)
    world.workers[runner].probe = lambda *_: None
    soft_deletes.restore(world.nova, alice.ctx, server_id)
    settle(world)
    assert alice.row(server_id).vm_state == "active"
