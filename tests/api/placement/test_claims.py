"""Many claims at once on a real database: nothing is given twice, nobody waits for ever."""

import threading
import uuid
from collections import Counter

import pytest
from sqlalchemy import func, select

from cairn.common.policy import Policy
from cairn.placement.component import make
from cairn.placement.core.snapshot import Snapshot
from cairn.placement.db.models import Allocation, Base, Inventory
from cairn.placement.policy import RULES


@pytest.fixture
def placement(mariadb):
    return make(mariadb(Base, pool_size=70), Policy(RULES))


def at_once(number, work):
    """The status codes of `work(n)` by so many threads that start together."""
    gate, codes = threading.Barrier(number), Counter()

    def run(n):
        gate.wait()
        code = work(n).status_code
        with lock:
            codes[code] += 1

    lock = threading.Lock()
    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def books(placement):
    """What each inventory says is used, beside the sum of what is allocated of it."""
    with placement.db.reading() as session:
        used = {(r.provider_id, r.class_id): r.used for r in session.execute(select(
            Inventory.provider_id, Inventory.class_id, Inventory.used))}
        rows = session.execute(select(
            Allocation.provider_id, Allocation.class_id, func.sum(Allocation.used)
        ).group_by(Allocation.provider_id, Allocation.class_id))
        given = {(provider, class_id): int(n) for provider, class_id, n in rows}
    return used, {key: given.get(key, 0) for key in used}


def test_the_last_places_are_given_once(placement, provider, claim):
    home = provider("one", stock={"VCPU": 10, "MEMORY_MB": 1000})
    codes = at_once(64, lambda n: claim({home: {"VCPU": 1, "MEMORY_MB": 10}}))
    assert codes == {204: 10, 409: 54}
    used, given = books(placement)
    assert used == given
    assert sorted(used.values()) == [10, 100]


def test_claims_over_the_same_hosts_in_any_order_do_not_lock_up(placement, provider, claim):
    homes = [provider(f"host{n}", stock={"VCPU": 100, "DISK_GB": 100}) for n in range(4)]

    def work(n):
        mine = [homes[(n + i) % 4] for i in range(3)]
        return claim({home: {("VCPU", "DISK_GB")[(n + i) % 2]: 1}
                      for i, home in enumerate(mine if n % 2 else reversed(mine))})

    assert at_once(64, work) == {204: 64}
    used, given = books(placement)
    assert used == given
    assert sum(used.values()) == 64 * 3


def test_one_consumer_is_claimed_for_once(placement, call, provider, claim):
    home = provider("one", stock={"VCPU": 100})
    consumer = str(uuid.uuid4())
    codes = at_once(32, lambda n: claim({home: {"VCPU": 1}}, consumer))
    assert codes == {204: 1, 409: 31}
    codes = at_once(32, lambda n: claim({home: {"VCPU": 2}}, consumer, generation=1))
    assert codes == {204: 1, 409: 31}
    used, given = books(placement)
    assert used == given
    assert list(used.values()) == [2]
    # Before consumers had generations the last one won.
    other, old = str(uuid.uuid4()), {"project_id": "red", "user_id": "alice"}
    codes = at_once(16, lambda n: call("PUT", f"/allocations/{other}", {
        **old, "allocations": {home: {"resources": {"VCPU": 1}}}}, version="1.12"))
    assert codes == {204: 16}
    used, given = books(placement)
    assert used == given == {next(iter(used)): 3}


def test_moves_and_changes_of_inventory_keep_the_books(placement, call, provider, claim):
    homes = [provider(f"host{n}", stock={"VCPU": 40}) for n in range(3)]
    servers = [str(uuid.uuid4()) for _ in range(24)]
    for n, server in enumerate(servers):
        assert claim({homes[n % 3]: {"VCPU": 1}}, server).status_code == 204

    def work(n):
        if n % 8 == 7:
            home = homes[n % 3]
            have = call("GET", f"/resource_providers/{home}/inventories").json
            return call("PUT", f"/resource_providers/{home}/inventories", have)
        if n % 8 == 6:
            return call("DELETE", f"/allocations/{servers[n % 24]}")
        return claim({homes[(n + 1) % 3]: {"VCPU": 1}}, servers[n % 24], generation=1)

    codes = at_once(48, work)
    assert not set(codes) - {200, 204, 404, 409}, codes
    used, given = books(placement)
    assert used == given
    with placement.snapshot.now() as kept, Snapshot(placement.db, placement.names).now() as fresh:
        assert {n.uuid: {c: s.used for c, s in n.stocks.items()} for n in kept.nodes.values()} == {
            n.uuid: {c: s.used for c, s in n.stocks.items()} for n in fresh.nodes.values()}


def test_a_snapshot_follows_claims_that_are_going_on(placement, provider, claim):
    """Changes commit in another order than they are numbered: none may be lost."""
    homes = [provider(f"host{n}", stock={"VCPU": 1000}) for n in range(6)]
    others = [Snapshot(placement.db, placement.names) for _ in range(2)]
    stop = threading.Event()

    def look(snapshot):
        while not stop.is_set():
            with snapshot.now():
                pass

    readers = [threading.Thread(target=look, args=(snapshot,)) for snapshot in others]
    for reader in readers:
        reader.start()
    codes = at_once(32, lambda n: [claim({homes[(n + i) % 6]: {"VCPU": 1}})
                                   for i in range(6)][-1])
    stop.set()
    for reader in readers:
        reader.join()
    assert codes == {204: 32}
    for snapshot in others:
        with snapshot.now() as now:
            assert {stock.used for node in now.nodes.values()
                    for stock in node.stocks.values()} == {32}


def test_whoever_says_the_same_at_once_is_right(placement, call, provider):
    path = f"/resource_providers/{provider('one')}/aggregates"
    aggregates = [str(uuid.UUID(int=n)) for n in range(1, 4)]
    assert at_once(24, lambda n: call("PUT", path, aggregates, version="1.18")) == {200: 24}
    names = at_once(24, lambda n: call("PUT", f"/traits/CUSTOM_{n % 3}"))
    assert set(names) <= {201, 204} and names[201] == 3
    classes = at_once(24, lambda n: call("POST", "/resource_classes", {"name": "CUSTOM_ONE"}))
    assert classes == {201: 1, 409: 23}
    made = at_once(24, lambda n: call("POST", "/resource_providers", {"name": "two"}))
    assert made == {200: 1, 409: 23}


def test_a_host_goes_or_is_claimed(placement, call, provider, claim):
    homes = [provider(f"host{n}", stock={"VCPU": 8}) for n in range(8)]

    def work(n):
        home = homes[n % 8]
        if n < 16:
            return claim({home: {"VCPU": 1}})
        return call("DELETE", f"/resource_providers/{home}")

    codes = at_once(32, work)
    assert not set(codes) - {204, 400, 404, 409}, codes
    used, given = books(placement)
    assert used == given


def test_a_reshape_among_claims_moves_all_or_nothing(placement, call, provider, claim):
    root = provider("root", stock={"VCPU": 100})
    servers = [str(uuid.uuid4()) for _ in range(8)]
    for server in servers:
        claim({root: {"VCPU": 1}}, server)
    child = provider("child", root)

    def reshape():
        held = call("GET", f"/resource_providers/{root}/allocations").json
        child_generation = call("GET", f"/resource_providers/{child}").json["generation"]
        return call("POST", "/reshaper", {
            "inventories": {
                root: {"resource_provider_generation": held["resource_provider_generation"],
                       "inventories": {}},
                child: {"resource_provider_generation": child_generation,
                        "inventories": {"VCPU": {"total": 100}}}},
            "allocations": {consumer: {
                "allocations": {child: {"resources": entry["resources"]}},
                "project_id": "red", "user_id": "alice", "consumer_type": "INSTANCE",
                "consumer_generation": entry["consumer_generation"],
            } for consumer, entry in held["allocations"].items()}})

    def work(n):
        if n % 4 == 0:
            return reshape()
        return claim({root: {"VCPU": 1}}, servers[n % 8] if n % 2 else None,
                     generation=1 if n % 2 else None)

    codes = at_once(24, work)
    assert not set(codes) - {204, 409}, codes
    used, given = books(placement)
    assert used == given
    for _ in range(3):
        if reshape().status_code == 204:
            break
    used, given = books(placement)
    assert used == given
    assert list(call("GET", f"/resource_providers/{root}/usages").json["usages"]) == []


def test_providers_that_are_moved_at_once_close_no_ring(placement, call, provider):
    top = provider("top")
    middle = provider("middle", top)
    low = provider("low", middle)
    wanted = [(top, low), (middle, None), (low, top), (middle, low), (low, None)]

    def work(n):
        child, parent = wanted[n % len(wanted)]
        return call("PUT", f"/resource_providers/{child}",
                    {"name": child[:8], "parent_provider_uuid": parent})

    codes = at_once(20, work)
    assert not set(codes) - {200, 400}, codes
    found = {p["uuid"]: p for p in call("GET", "/resource_providers").json["resource_providers"]}
    for uuid_ in found:
        seen, at = set(), uuid_
        while found[at]["parent_provider_uuid"] is not None:
            assert at not in seen
            seen.add(at)
            at = found[at]["parent_provider_uuid"]
        assert found[uuid_]["root_provider_uuid"] == at
