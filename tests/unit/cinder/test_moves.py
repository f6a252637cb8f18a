"""Volumes that move: between backends of a host, between hosts, with the guest that uses them. Kill
any process at any step, or let any step fail: the volume is there or where it was, its guest has
exactly one of the two, and nothing is left behind."""

from dataclasses import dataclass, field

import pytest
from fakes.cinder import World
from fakes.cinder.people import ADMIN, ALICE
from fakes.deaths import Killed
from sqlalchemy import select

from cairn.cinder.core import attachments, connections, flows, keys, migrations, volumes
from cairn.cinder.db.models import (
    Attachment,
    Base,
    EncryptionKey,
    Message,
    Service,
    Snapshot,
    Volume,
    VolumeType,
    Work,
)
from cairn.cinder.drivers.base import GIB
from cairn.cinder.errors import InvalidInput, InvalidVolume
from cairn.cinder.rpc import SCHEDULER, VOLUME
from cairn.common.context import Context
from cairn.common.errors import Invalid, Problem, Remote, Unavailable
from cairn.common.flows import load

NOVA = Context("nova", project_id="service", roles=frozenset({"admin", "service"}),
               version=(3, 71))
CONTENT = b"what it holds" * 1000
HOME, BESIDE, AWAY = "store@fake#fake", "store@second#second", "other@fake#fake"
DECLARED = load(flows.__name__, "ACTION")


class Nova:
    """What it does when it is asked to move a guest, as far as cinder sees it."""

    def __init__(self, world):
        self.world, self.fails, self.swaps = world, False, 0
        world.cloud.compute.on_swap = self.begin

    @property
    def cinder(self):
        return self.world.cinder

    def boot(self, volume_id):
        """A server that uses the volume."""
        self.finish(connections.create(self.cinder, NOVA, volume_id, "server",
                                       connector={"host": "one"}))

    def finish(self, attachment):
        attachments.complete(self.cinder, NOVA, attachment.id)

    def begin(self, server, old, new):
        """The request reserves the new one; the rest is a work of its own."""
        self.swaps += 1
        self.taken = connections.create(self.cinder, NOVA, new, server)
        self.pair = old, new

    def go_on(self):
        """The work: the guest has the new one, or stays."""
        old, new = self.pair
        if self.world.row(Volume, new) is None:
            return
        if self.fails:
            connections.drop(self.cinder, NOVA, self.taken.id)
            migrations.complete(self.cinder, NOVA, old, new, failed=True)
            return
        taken = connections.connect(self.cinder, NOVA, self.taken.id, {"host": "one"})
        path = taken.connection_info["device_path"]
        with open(path, "r+b") as file:
            file.write(CONTENT)
        self.finish(taken)
        assert migrations.complete(self.cinder, NOVA, old, new, failed=False) == old


@dataclass
class Scene:
    world: World
    nova: Nova
    volume: str = ""
    facts: dict = field(default_factory=dict)

    @property
    def cinder(self):
        return self.world.cinder

    def row(self):
        return self.world.row(Volume, self.volume)

    def rows(self, model):
        with self.world.db.reading() as session:
            return session.scalars(select(model)).all()

    def path(self):
        row = self.row()
        driver = self.world.backends[row.host.partition("@")[0]].driver(row.host)
        return driver.folder / "volumes" / (row.name_id or row.id)

    def add_type(self, name, **more):
        with self.world.db.writing() as session:
            session.add(VolumeType(name=name, extra_specs=more.pop("specs", {}), **more))

    def messages(self):
        return [message.text for message in self.rows(Message)]

    def settle(self):
        """Run what there is; a killed process starts again, and Nova goes on with its work."""
        for _ in range(12):
            try:
                self.world.settle()
            except Killed:
                continue
            if self.nova.swaps:
                self.nova.swaps = 0
                self.nova.go_on()
            elif not self.world.open_works():
                return
            self.world.wake()
        raise AssertionError("it never settles")


@pytest.fixture
def scene(tmp_path, sqlite):
    world = World(sqlite(Base), tmp_path, hosts=())
    world.add_host("store", f"fake:fake:{tmp_path}/one second:fake:{tmp_path}/two")
    world.add_host("other")
    made = Scene(world, Nova(world))
    for host, backend in (("store", "second"), ("other", "fake")):
        world.driver(host, backend).capacity_gb = 20
    world.beat()
    made.volume = volumes.create(world.cinder, ALICE, volumes.Order(1, name="data")).id
    world.settle()
    assert made.row().host == HOME
    with made.path().open("r+b") as file:
        file.write(CONTENT)
    return made


def migrate(scene, to=AWAY):
    scene.facts["to"] = to
    scene.world.beat()
    migrations.migrate(scene.cinder, ADMIN, scene.volume, to)


def migrate_in_use(scene):
    scene.nova.boot(scene.volume)
    migrate(scene)


def retype(scene, in_use=False):
    """To a type that only the other host can have."""
    if in_use:
        scene.nova.boot(scene.volume)
    scene.facts["to"] = AWAY
    scene.add_type("gold")
    scene.world.driver("store", "fake").capacity_gb = 0.5
    scene.world.driver("store", "second").capacity_gb = 0.5
    scene.world.beat()
    migrations.retype(scene.cinder, ALICE, scene.volume, "gold", "on-demand")


def retype_in_use(scene):
    retype(scene, in_use=True)


WAYS = {"migrate": migrate, "migrate_in_use": migrate_in_use, "retype": retype,
        "retype_in_use": retype_in_use}
RUNNERS = {SCHEDULER: SCHEDULER, VOLUME: "volume.other"}
STEPS = [pytest.param(way, RUNNERS[step.room], step.name, id=f"{way}-{step.name}")
         for way in WAYS for step in DECLARED["migrate"].steps]


def kind_of(way):
    return way.partition("_")[0]


def assert_sound(scene, *, moved, begun=True):
    """`begun`: it was on its way at all."""
    world, row = scene.world, scene.row()
    assert world.open_works() == 0
    assert len(scene.rows(Volume)) == 1
    assert row.previous_status is None
    assert row.migration_status == (("success" if moved else "error") if begun else None)
    assert row.host == (scene.facts["to"] if moved else HOME)
    assert scene.path().read_bytes()[:len(CONTENT)] == CONTENT
    mine = {row.name_id or row.id}
    for name, host, backend in ((HOME, "store", "fake"), (BESIDE, "store", "second"),
                                (AWAY, "other", "fake")):
        driver = world.driver(host, backend)
        assert list(driver.stray(mine if row.host == name else set(), set())) == []
        has = {attachment for _, attachment in driver.exports()}
        guests = {each.id for each in scene.rows(Attachment)} if row.host == name else set()
        assert has == guests
    used = scene.rows(Attachment)
    assert row.status == ("in-use" if used else "available")
    for each in used:
        assert (each.volume_id, each.status) == (row.id, "attached")
        assert each.connection_info["volume_id"] == row.id
        assert each.connection_info["device_path"] == str(scene.path())
    assert (scene.messages() == []) is moved
    types = {each.name: each.id for each in scene.rows(VolumeType)}
    assert row.type_id == types["gold" if moved and "gold" in types else "__DEFAULT__"]
    keys = {each.id for each in scene.rows(EncryptionKey)}
    assert keys == {row.encryption_key_id} - {None}


def probe(scene, runner, kind, moment, step, error, *, once):
    worker = scene.world.workers[runner]

    def tried(now, job, name):
        if (job.kind, now, name) == (kind, moment, step):
            if once:
                worker.probe = lambda *_: None
            raise error

    worker.probe = tried


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("way", "runner", "step"), STEPS)
def test_it_survives_a_death(scene, way, runner, step, moment):
    probe(scene, runner, kind_of(way), moment, step, Killed(), once=True)
    WAYS[way](scene)
    scene.settle()
    assert_sound(scene, moved=True)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize(("way", "runner", "step"), STEPS)
def test_a_failure_leaves_it_where_it_was(scene, way, runner, step, moment):
    probe(scene, runner, kind_of(way), moment, step, Invalid(reason="broke"), once=False)
    WAYS[way](scene)
    scene.settle()
    # Its guest has gone on before what failed came.
    gone_on = way.endswith("in_use") and (step, moment) == ("volume_switched", "done")
    looked = kind_of(way) == "retype" and (step, moment) == ("target_chosen", "begun")
    assert_sound(scene, moved=gone_on, begun=not looked)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("way", ["migrate_in_use", "retype_in_use"])
def test_a_guest_that_stays_leaves_it_where_it_was(scene, way, moment):
    """Whichever of cinder's processes dies meanwhile."""
    scene.nova.fails = True
    probe(scene, SCHEDULER, kind_of(way), moment, "volume_switched", Killed(), once=True)
    WAYS[way](scene)
    scene.settle()
    assert_sound(scene, moved=False)
    assert "did not go on to its new place" in scene.messages()[0]


def test_a_guest_that_nova_never_moves_ends_it(scene):
    """Nova let go of the new volume, and never said so."""
    migrate_in_use(scene)
    scene.world.settle()
    connections.drop(scene.cinder, NOVA, scene.nova.taken.id)
    scene.nova.swaps = 0
    scene.settle()
    assert_sound(scene, moved=False)


def test_nova_that_is_away_is_asked_again_and_then_no_more(scene):
    asked = []

    def away(*_):
        asked.append(1)
        raise Unavailable(reason="No answer from Nova.")

    scene.world.cloud.compute.on_swap = away
    migrate_in_use(scene)
    scene.settle()
    assert len(asked) == 12
    assert_sound(scene, moved=False)


def test_nova_that_took_it_and_could_not_say_so_is_not_asked_twice(scene):
    begin, asked = scene.nova.begin, []

    def take(*words):
        asked.append(1)
        begin(*words)
        raise Unavailable(reason="No answer in time.")

    scene.world.cloud.compute.on_swap = take
    migrate_in_use(scene)
    scene.settle()
    assert asked == [1]
    assert_sound(scene, moved=True)


def test_what_nova_refuses_is_told(scene):
    def refuse(*_):
        raise Remote("Conflict", 409, "Cannot 'swap_volume' while it is in vm_state stopped")

    scene.world.cloud.compute.on_swap = refuse
    migrate_in_use(scene)
    scene.settle()
    assert_sound(scene, moved=False)
    assert "vm_state stopped" in scene.messages()[0]


def test_nobody_ends_what_a_server_is_about(scene):
    """Neither as failed while the guest copies, nor as done before anybody has it."""
    migrate_in_use(scene)
    scene.world.settle()
    _, new = scene.nova.pair
    with pytest.raises(InvalidVolume):
        migrations.complete(scene.cinder, ADMIN, scene.volume, new, failed=True)
    with pytest.raises(InvalidVolume):
        volumes.delete(scene.cinder, ADMIN, new, force=True)
    with pytest.raises(Problem):
        connections.create(scene.cinder, ALICE, scene.volume, "another")
    scene.settle()
    assert_sound(scene, moved=True)


def test_a_volume_that_nobody_uses_is_not_done_because_somebody_says_so(scene):
    migrate(scene)
    worker = scene.world.workers[SCHEDULER]
    worker.run(worker.ledger.take(worker.runner, worker.lease_holder, True))
    with scene.world.db.reading() as session:
        target = migrations.target_of(session, scene.row())
    with pytest.raises(InvalidVolume):
        migrations.complete(scene.cinder, ADMIN, scene.volume, target.id, failed=False)
    scene.settle()
    assert_sound(scene, moved=True)


def test_it_comes_back_and_moves_again(scene):
    for to in (BESIDE, AWAY, HOME, AWAY):
        migrate(scene, to)
        scene.settle()
        assert_sound(scene, moved=True)
    scene.nova.boot(scene.volume)
    for to in (HOME, AWAY):
        migrate(scene, to)
        scene.settle()
        assert_sound(scene, moved=True)


def test_its_zone_is_where_it_is(scene):
    scene.world.add_host("far", zone="elsewhere")
    migrate(scene, "far@fake#fake")
    scene.settle()
    assert scene.row().availability_zone == "elsewhere"


def test_what_is_exported_to_another_host_is_nobodys_to_sweep(scene):
    """And is swept when nobody moves it any more."""
    migrate(scene)
    worker = scene.world.workers[SCHEDULER]
    worker.run(worker.ledger.take(worker.runner, worker.lease_holder, True))
    driver, reporter = scene.world.driver(), scene.world.reporters["store"]
    assert len(driver.exports()) == 1 and reporter.sweep_exports() == 0
    with scene.world.db.writing() as session:
        session.execute(Work.__table__.update().values(state="failed"))
    assert reporter.sweep_exports() == 1
    assert driver.exports() == set()


@pytest.mark.parametrize("way", ["migrate", "migrate_in_use"])
def test_a_container_moves_as_it_is(scene, way, monkeypatch):
    """A guest finds one that its passphrase opens."""
    with scene.world.db.writing() as session:
        key = keys.keep(session, scene.cinder, None)
    scene.add_type("sealed", encryption={"provider": "luks", "cipher": "aes-xts-plain64",
                                         "key_size": 256})
    with scene.world.db.reading() as session:
        sealed = session.scalar(select(VolumeType.id).where(VolumeType.name == "sealed"))
    scene.world.set(scene.volume, encryption_key_id=key, type_id=sealed)
    with scene.path().open("r+b") as file:
        file.truncate(GIB + (2 << 20))
    locked = []
    monkeypatch.setattr("cairn.cinder.volume.copying.lock", lambda *said: locked.append(said[1]))
    WAYS[way](scene)
    scene.settle()
    row = scene.row()
    assert (row.host, row.encryption_key_id, row.type_id) == (AWAY, key, sealed)
    assert scene.path().read_bytes()[:len(CONTENT)] == CONTENT
    opens = scene.world.scheduler.passphrase(Context(), scene.volume)
    assert locked == ([opens] if way == "migrate_in_use" else [])


@pytest.mark.parametrize(("state", "why"), [
    ({"disabled": True, "disabled_reason": "new disks"}, "it is disabled (new disks)"),
    ({"frozen": True}, "it is frozen"),
    ({"seen_at": None}, "it was not heard of lately"),
])
def test_a_backend_that_takes_nothing_is_refused_at_once(scene, state, why):
    with scene.world.db.writing() as session:
        session.execute(Service.__table__.update().where(Service.host == "other@fake")
                        .values(**state))
    with pytest.raises(InvalidInput) as refused:
        migrations.migrate(scene.cinder, ADMIN, scene.volume, AWAY)
    assert "other@fake takes no volumes now" in str(refused.value) and why in str(refused.value)


def test_a_source_that_is_down_is_told(scene):
    scene.world.down("store")
    migrate(scene)  # From a host that is not heard of any more.
    scene.world.settle()
    row = scene.row()
    assert (row.status, row.migration_status, row.host) == ("available", "error", HOME)
    assert scene.messages() and len(scene.rows(Volume)) == 1


def test_what_does_not_move_says_why(scene):
    scene.add_type("gold", specs={"volume_backend_name": "none"})
    with scene.world.db.writing() as session:
        session.add(Snapshot(project_id="red", user_id="alice", volume_id=scene.volume, size=1,
                             status="available"))
    with pytest.raises(InvalidVolume, match="has snapshots"):
        migrate(scene)
    migrations.retype(scene.cinder, ALICE, scene.volume, "gold", "never")
    scene.world.settle()
    migrations.retype(scene.cinder, ALICE, scene.volume, "gold", "on-demand")
    scene.world.settle()
    assert "migration_policy on-demand lets it" in scene.messages()[0]
    assert "must have no snapshots" in scene.messages()[1]
    scene.world.set(scene.volume, group_id="together")
    with scene.world.db.writing() as session:
        session.execute(Snapshot.__table__.delete())
    with pytest.raises(InvalidVolume, match="group together"):
        migrate(scene)


def test_a_volume_of_two_servers_stays(scene):
    scene.world.set(scene.volume, multiattach=True)
    scene.nova.boot(scene.volume)
    scene.nova.boot(scene.volume)
    with pytest.raises(InvalidVolume, match="2 attachments"):
        migrate(scene)
    scene.add_type("gold", specs={"volume_backend_name": "second", "multiattach": "<is> True"})
    migrations.retype(scene.cinder, ALICE, scene.volume, "gold", "on-demand")
    scene.world.settle()
    assert "2 attachments" in scene.messages()[0]
    assert scene.row().status == "in-use"
