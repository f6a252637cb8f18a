"""Many requests at once against one limit, on a real database, while a purge runs beside them."""

import threading
from collections import Counter

from cairn.nova.core import purge, quotas
from cairn.nova.db.models import Base, Server, Usage
from cairn.nova.errors import OverQuota

LIMITS = {"instances": 10, "cores": 20, "ram": -1}
ONE = quotas.of_servers(1, 512)


def at_once(number, work):
    gate, said, lock = threading.Barrier(number), Counter(), threading.Lock()

    def run(n):
        gate.wait()
        answer = work(n)
        with lock:
            said[answer] += 1

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def reserve(db):
    try:
        db.write(lambda session: quotas.reserve(session, "red", ONE, LIMITS))
    except OverQuota:
        return "refused"
    return "given"


def test_no_two_pass_one_limit_together(mariadb):
    db = mariadb(Base, pool_size=40)
    assert at_once(32, lambda n: reserve(db)) == {"given": 10, "refused": 22}
    with db.reading() as session:
        assert quotas.usage(session, "red")["instances"] == 10


def test_nor_one_users_limit_in_it(mariadb):
    db = mariadb(Base, pool_size=40)

    def boot(session):
        quotas.reserve(session, "red", ONE, LIMITS)
        quotas.check_user(session, "red", "alice", ONE, {"cores": 3})
        session.add(Server(project_id="red", user_id="alice", reservation_id="r", name="web",
                           hostname="web", flavor_id="m1", flavor={"vcpus": 1, "ram": 512}))

    def work(n):
        try:
            db.write(boot)
        except OverQuota:
            return "refused"
        return "given"

    assert at_once(16, work) == {"given": 3, "refused": 13}
    with db.reading() as session:
        assert quotas.usage(session, "red")["cores"] == 3
        assert quotas.usage(session, "red", "alice")["cores"] == 3
        assert quotas.usage(session, "red", "bob")["cores"] == 0


def test_a_purge_beside_them_loses_nothing(mariadb):
    db = mariadb(Base, pool_size=40)

    def work(n):
        for _ in range(6):
            if n % 4 == 3:
                db.write(lambda session: purge.idle(session, None, 100))
            elif reserve(db) == "given":
                db.write(lambda session: quotas.release(session, "red", ONE))
        return "done"

    assert at_once(16, work) == {"done": 16}
    with db.reading() as session:
        row = session.get(Usage, "red")
        assert row is None or (row.instances, row.cores, row.ram) == (0, 0, 0)
    assert at_once(16, lambda n: reserve(db))["given"] == 10
