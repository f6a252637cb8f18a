"""The snapshot is what the database has, however it came to be so."""

import json
import random
import uuid

import pytest
from sqlalchemy import delete, event, insert

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.core import snapshot as module
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.db.models import Base, ProviderChange
from cairn.placement.policy import RULES

NOVA = Context("nova", project_id="service", roles=frozenset({"service"}))
CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
TRAITS = ("HW_CPU_X86_VMX", "STORAGE_DISK_SSD", "MISC_SHARES_VIA_AGGREGATE")
AGGREGATES = [str(uuid.UUID(int=n)) for n in range(1, 4)]


@pytest.fixture
def placement(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/placement.db")
    # Nobody reads it after a crash.
    event.listen(db.engine, "connect", lambda c, record: c.execute("PRAGMA synchronous=OFF"))
    Base.metadata.create_all(db.engine)
    yield make(db, Policy(RULES))
    db.engine.dispose()


def client(placement):
    app = create_app(placement, lambda headers: NOVA, {})

    def call(method, path, json=None):
        return app.test_client().open(path, method=method, json=json, headers={
            "OpenStack-API-Version": "placement 1.39"})

    return call


def facts(snapshot):
    """All that a snapshot says, in an order of its own."""
    with snapshot.now() as now:
        return (
            {node.uuid: (node.name, node.generation, node.parent, node.root, node.traits,
                         node.aggregates, json.loads(f"{{{now.summary(node)}}}"),
                         {c: (s.capacity, s.used, s.room) for c, s in node.stocks.items()})
             for node in now.nodes.values()},
            {root: set(tree) for root, tree in now.trees.items()}, sorted(now.roots),
            {class_id: now.rooms.of(class_id, 1) for class_id in range(1, 5)},
            {trait: now.by_trait.of(trait) for trait in range(1, 5)},
            {aggregate: now.by_aggregate.of(aggregate) for aggregate in AGGREGATES},
        )


def change(call, dice, known):
    """One change of a cloud, whether it succeeds or not."""
    what = dice.choice(["new", "new", "move", "stock", "stock", "traits", "aggregates", "claim",
                        "claim", "claim", "remove", "rename"])
    if what == "new" or not known:
        id_ = str(uuid.UUID(int=dice.getrandbits(128)))
        call("POST", "/resource_providers", {
            "uuid": id_, "name": id_, "parent_provider_uuid": dice.choice([*known, None, None])})
        known.append(id_)
        return
    id_ = dice.choice(known)
    base = f"/resource_providers/{id_}"
    found = call("GET", base)
    generation = {"resource_provider_generation": found.json.get("generation", 0)}
    if what == "move":
        call("PUT", base, {"name": id_, "parent_provider_uuid": dice.choice([*known, None])})
    elif what == "rename":
        call("PUT", base, {"name": str(dice.random())})
    elif what == "stock":
        call("PUT", f"{base}/inventories", {**generation, "inventories": {
            name: {"total": dice.randint(1, 9)} for name in CLASSES if dice.random() < 0.6}})
    elif what == "traits":
        call("PUT", f"{base}/traits", {
            **generation, "traits": [t for t in TRAITS if dice.random() < 0.5]})
    elif what == "aggregates":
        call("PUT", f"{base}/aggregates", {
            **generation, "aggregates": [a for a in AGGREGATES if dice.random() < 0.5]})
    elif what == "claim":
        call("PUT", f"/allocations/{uuid.UUID(int=dice.getrandbits(128))}", {
            "allocations": {id_: {"resources": {dice.choice(CLASSES): 1}}},
            "project_id": "red", "user_id": "alice", "consumer_generation": None,
            "consumer_type": "INSTANCE"})
    else:
        call("DELETE", base)


@pytest.mark.parametrize("seed", range(3))
def test_following_changes_ends_where_reading_everything_does(placement, seed):
    dice, known = random.Random(seed), []
    call = client(placement)
    for _ in range(8):
        for _ in range(dice.randint(1, 6)):
            change(call, dice, known)
        assert facts(placement.snapshot) == facts(Snapshot(placement.db, placement.names))


def changes(placement, **numbers):
    with placement.db.writing() as session:
        for number in numbers.values():
            session.execute(insert(ProviderChange).values(id=number, provider_id=1))


def test_a_change_that_commits_late_is_noticed(placement):
    client(placement)("POST", "/resource_providers", {"name": "one"})
    snapshot = placement.snapshot
    with snapshot.now():
        pass
    changes(placement, after=5)
    with snapshot.now() as now:
        now.nodes[1].name = "old"
    changes(placement, between=3)
    with snapshot.now() as now:
        assert now.nodes[1].name == "one"
        now.nodes[1].name = "old"
    with snapshot.now() as now:
        assert now.nodes[1].name == "old"  # Nothing changed: nothing was read.


def test_a_change_that_was_in_flight_at_the_first_look_is_noticed(placement):
    client(placement)("POST", "/resource_providers", {"name": "one"})
    changes(placement, after=4)
    with placement.snapshot.now() as now:
        now.nodes[1].name = "old"
    changes(placement, between=3)
    with placement.snapshot.now() as now:
        assert now.nodes[1].name == "one"


def test_a_number_that_never_comes_is_given_up(placement, monkeypatch):
    client(placement)("POST", "/resource_providers", {"name": "one"})
    with placement.snapshot.now():
        pass
    changes(placement, after=5)
    with placement.snapshot.now() as now:
        assert set(now._skipped) == {2, 3, 4}
    monkeypatch.setattr(module, "SKIPPED_FOR", -1.0)
    with placement.snapshot.now() as now:
        assert not now._skipped


def test_who_missed_more_than_is_kept_reads_everything(placement):
    call = client(placement)
    call("POST", "/resource_providers", {"name": "one"})
    with placement.snapshot.now():
        pass
    call("POST", "/resource_providers", {"name": "two"})
    with placement.db.writing() as session:
        session.execute(delete(ProviderChange))
        session.execute(insert(ProviderChange).values(id=99, provider_id=1))
    with placement.snapshot.now() as now:
        assert {node.name for node in now.nodes.values()} == {"one", "two"}


def test_a_change_that_could_not_be_read_is_read_later(placement, monkeypatch):
    call = client(placement)
    call("POST", "/resource_providers", {"name": "one"})
    with placement.snapshot.now():
        pass
    call("POST", "/resource_providers", {"name": "two"})
    with monkeypatch.context() as broken:
        broken.setattr(Snapshot, "_nodes", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError), placement.snapshot.now():
            pass
    with placement.snapshot.now() as now:
        assert {node.name for node in now.nodes.values()} == {"one", "two"}


def test_old_changes_are_thrown_away(placement, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 5)
    call = client(placement)
    for number in range(12):
        call("POST", "/resource_providers", {"name": f"host{number}"})
        with placement.snapshot.now():
            pass
    with placement.db.reading() as session:
        assert session.query(ProviderChange).count() <= 10
