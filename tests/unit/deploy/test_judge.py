import json
import subprocess
import sys
import time

import pytest

from cairn.deploy import judge, vitals
from cairn.deploy.vitals import Disk, Socket, Stuck, Vitals, Work

GIB = 1 << 30
WELL = Vitals(
    "aio", ahead=0.3, doubt=1.0, disks=(Disk("/", 100 * GIB, 50 * GIB, 1000, 900),),
    sockets=(Socket("api.sock", 12, 12),), database_ahead=0.01,
    works=(Work("nova", "w1", "create", "s1", "conductor", "aio:1", -15, 5, 0),
           Work("nova", "w2", "delete", "s2", "compute.aio", "", 0, 20, 0)),
)


def said(**of: object) -> str:
    [finding] = judge.node(Vitals("aio", **of))  # type: ignore[arg-type]
    assert not finding.good
    return finding.what


def test_of_a_node_that_is_well_nothing_is_said() -> None:
    assert judge.nodes([WELL]) == []


def test_a_node_that_says_nothing_is_said_itself() -> None:
    assert "could not be looked at: it does not answer" in said(wrong="it does not answer")


@pytest.mark.parametrize(("ahead", "words"), [(4.0, "4 s ahead of"), (-3605.0, "3605 s behind")])
def test_a_wrong_clock_is_said_with_its_error(ahead: float, words: str) -> None:
    what = said(ahead=ahead, doubt=1.0)
    assert words in what and "./cairn ssh aio timedatectl" in what


def test_a_slow_answer_is_no_wrong_clock() -> None:
    assert judge.nodes([Vitals("aio", ahead=2.9, doubt=1.0)]) == []


def test_a_database_that_lives_in_another_time_is_said() -> None:
    assert "the database's clock is 5 s behind that of aio" in said(database_ahead=-5.0)
    assert "does not answer" in said(database_wrong="the database does not answer")


@pytest.mark.parametrize(("disk", "words"), [
    (Disk("/", 10 * GIB, 200 << 20, 1000, 900), "200 of 10240 MiB are free"),
    (Disk("/var/lib/mysql", 4 << 20, 0, 1000, 900), "/var/lib/mysql of aio is full"),
    (Disk("/", 10 * GIB, 9 * GIB, 1000, 10), "10 of 1000 inodes are free"),
])
def test_a_full_disk_is_said_with_what_is_left(disk: Disk, words: str) -> None:
    assert words in said(disks=(disk,))


@pytest.mark.parametrize("disk", [
    Disk("/", 4000 * GIB, 2 * GIB, 1000, 900),  # Little of it, but much.
    Disk("/", 10 * GIB, 9 * GIB, 0, 0),  # btrfs counts no inodes.
])
def test_a_disk_with_room_is_not_full(disk: Disk) -> None:
    assert judge.nodes([Vitals("aio", disks=(disk,))]) == []


def test_a_process_that_stands_still_is_said() -> None:
    what = said(stuck=(Stuck(7, "cairn-api", "python3", "T"),))
    assert "7 (python3) of cairn-api on aio hangs: it is stopped" in what
    assert "systemctl restart cairn-api" in what
    assert judge.nodes([Vitals("aio", stuck=(Stuck(7, "cairn-agent", "qemu-img", "Z"),))]) == []


def test_a_worker_that_answers_nobody_is_said() -> None:
    what = said(sockets=(Socket("api-1.sock", 12, 7),))
    assert "a worker of the APIs on aio hangs, 5 of 12 questions at api-1.sock" in what
    assert "systemctl restart cairn-api" in what
    assert "restart cairn-data" in said(sockets=(Socket("data-1.sock", 12, 0),))
    # Nobody listens there: left over.
    assert judge.nodes([Vitals("aio", sockets=(Socket("api.sock", 0, 0),))]) == []


def test_a_lost_lease_is_said_with_whose_and_of_what() -> None:
    work = Work("nova", "w1", "create", "s1", "compute.two", "two:123", 90, 100, 1)
    what = said(works=(work,))
    assert "the create of s1" in what and "held by two:123" in what and "90 s ago" in what
    assert "./cairn ssh two systemctl restart cairn-agent" in what


def test_a_work_that_nobody_takes_is_said() -> None:
    work = Work("nova", "w1", "create", "s1", "conductor", "", 0, 500, 0)
    what = said(works=(work,))
    assert "has waited for conductor for 500 s" in what
    assert "./cairn ssh aio systemctl restart cairn-worker" in what


def test_what_an_agent_has_set_apart_is_said() -> None:
    told = {"isolated": [{"kind": "security_group", "id": "g1", "reason": "syntax error"},
                         {"kind": "host", "id": "two", "reason": "no nft"}], "isolated_count": 2}
    group, host = judge.agents([("two", told), ("aio", {})])
    assert "the security group g1 is cut off on two" in group.what
    assert "syntax error" in group.what and "./cairn openstack security group show g1" in group.what
    assert "the network of two could not be brought up to date: no nft" in host.what


def test_a_node_tells_what_is_read() -> None:
    """The program that runs there, run here."""
    done = subprocess.run([sys.executable, "-c", vitals.TEXT.read_text()], capture_output=True,
                          text=True, check=True, timeout=60)
    found = vitals.read("here", json.loads(done.stdout), time.time())
    assert any(disk.place == "/" and disk.size > disk.free > 0 for disk in found.disks)
    assert abs(found.ahead) < 60


def test_rows_of_the_database_are_read_as_works() -> None:
    row = {"schema": "nova", "id": "w1", "kind": "create", "subject": "s1", "runner": "conductor",
           "state": "queued", "owner": "", "attempts": "2", "lapsed": "0", "waited": "77"}
    told = {"now": 10.0, "disks": [], "stuck": [], "sockets": [],
            "database": {"ahead": 0.1, "works": [row]}}
    found = vitals.read("aio", told, 4.0)
    assert found.ahead == 6.0
    assert found.works == (Work("nova", "w1", "create", "s1", "conductor", "", 0, 77, 2),)
