"""What goes wrong on a bad day is found by `./cairn doctor`, said in one sentence with the next
step, and gone from its words when it is healed. A wrong clock is not injected here: all nodes of a
lab have the machine's; tests/unit/deploy/test_judge.py has it."""

import contextlib
import time
import uuid

import pytest

from . import attacks
from .clouds import wait

pytestmark = [
    pytest.mark.lab,
    attacks.QUIET,
    # One host has all there is to look at.
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]
# Every answer, also of a cloud with something hung in it, comes within this.
DEADLINE = 60


def told(cloud, good):
    begun = time.monotonic()
    out = cloud.cairn("doctor", good=good, timeout=DEADLINE)
    assert time.monotonic() - begun < DEADLINE
    return [line for line in out.splitlines() if "!!!" in line]


@contextlib.contextmanager
def healed(cloud, heal):
    """Whatever the test finds, the cloud is well afterwards, and the doctor says so."""
    try:
        yield
    finally:
        cloud.within("aio", heal)
    wait("the doctor finds nothing", lambda: not _found(cloud), 90, 2)


def _found(cloud):
    try:
        told(cloud, good=True)
    except AssertionError as error:
        return str(error)
    return ""


def test_a_cloud_that_is_well_is_said_to_be(cloud):
    wait("the doctor finds nothing", lambda: not _found(cloud), 60, 2)


@pytest.mark.parametrize(("unit", "which"), [
    # One of the processes that serve, not the one above them.
    ("cairn-api", "pgrep -P $(systemctl show -p MainPID --value cairn-api) | tail -n 1"),
    ("cairn-data", "pgrep -P $(systemctl show -p MainPID --value cairn-data) | tail -n 1"),
    ("cairn-worker", "systemctl show -p MainPID --value cairn-worker"),
    ("cairn-agent", "systemctl show -p MainPID --value cairn-agent"),
])
def test_a_hung_process_is_found(cloud, unit, which):
    pid = cloud.within("aio", which).strip()
    # Something may have ended it before it is healed: whoever watches over it.
    with healed(cloud, f"kill -CONT {pid} || true"):
        cloud.within("aio", f"kill -STOP {pid}")
        found = told(cloud, good=False)
        assert [line for line in found if f"{pid} (" in line and unit in line], found


def test_a_lost_lease_and_a_work_nobody_takes_are_found(cloud):
    held, left = str(uuid.uuid4()), str(uuid.uuid4())
    fields = ("id, kind, subject, project_id, user_id, request_id, runner, state, owner, "
              "lease_until, cancelled, attempts, args, context, created_at, updated_at")
    row = ("INSERT INTO work ({fields}) VALUES ('{id}', 'create', '{id}', 'p', 'u', 'r', "
           "'compute.gone', 'queued', {owner}, 0, 0, '{{}}', '{{}}', {old}, {old})")
    old = "UTC_TIMESTAMP() - INTERVAL 10 MINUTE"
    with healed(cloud, f"mysql nova -e \"DELETE FROM work WHERE id IN ('{held}', '{left}')\""):
        for id_, owner in ((held, f"'gone:1', {old}"), (left, "NULL, NULL")):
            cloud.sql("nova", row.format(fields=fields, id=id_, owner=owner, old=old))
        found = told(cloud, good=False)
        assert [line for line in found if held in line and "lease lapsed" in line], found
        assert [line for line in found if left in line and "has waited for" in line], found


def test_a_full_disk_is_found(cloud):
    place = "/var/lib/cairn-full"
    with healed(cloud, f"umount {place}; rmdir {place}"):
        cloud.within("aio", f"mkdir {place} && mount -t tmpfs -o size=4m full {place} && "
                            f"head -c 8m /dev/zero > {place}/full 2>/dev/null || true")
        found = told(cloud, good=False)
        assert [line for line in found if f"{place} of aio is full" in line], found


def test_a_disk_without_inodes_is_found(cloud):
    place = "/var/lib/cairn-full"
    with healed(cloud, f"umount {place}; rmdir {place}"):
        cloud.within("aio", f"mkdir {place} && mount -t tmpfs -o nr_inodes=10 full {place} && "
                            f"touch $(seq -f {place}/%g 20) 2>/dev/null || true")
        found = told(cloud, good=False)
        assert [line for line in found if f"{place} of aio has no more room" in line], found


def test_a_port_that_an_agent_has_set_apart_is_found(cloud, tmp_path):
    with attacks.ground(cloud, tmp_path) as ground, attacks.bad_port(ground) as port:
        found = wait("the agent has told it", lambda: [
            line for line in _found(cloud).splitlines() if port in line], 60, 2)
        assert any("cut off on aio" in line and "port show" in line for line in found), found
    wait("the doctor finds nothing", lambda: not _found(cloud), 90, 2)
