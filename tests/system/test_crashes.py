"""Crash-safe: whoever is killed in the middle of boots comes back, every server ends ACTIVE, and
nothing leaks."""

import json
import threading
import time
import uuid

import pytest

from .clouds import member, wait

pytestmark = [
    pytest.mark.lab,
    # One host is where everybody can be killed.
    pytest.mark.parametrize("cloud", ["allinone"], indirect=True, scope="session"),
]

# Who takes part in a boot, and how it dies. systemd (Restart=always) brings each back.
VICTIMS = {
    "api": "systemctl kill -s KILL cairn-api",
    "worker": "systemctl kill -s KILL cairn-worker",
    "agent": "kill -9 $(systemctl show -p MainPID --value cairn-agent)",
    "rabbitmq": "systemctl kill -s KILL rabbitmq-server",
    "mariadb": "systemctl kill -s KILL mariadb",
}


@pytest.fixture(scope="module")
def carol(cloud, admin):
    run = uuid.uuid4().hex[:6]
    carol = member(admin, f"crashes-{run}", f"carol-{run}")
    project = admin.ask("project", "show", f"crashes-{run}")["id"]
    admin.openstack("quota", "set", "--instances", "40", "--cores", "80", project)
    carol.openstack("network", "create", "calm")
    carol.openstack("subnet", "create", "--network", "calm", "--subnet-range", "10.66.0.0/24",
                    "calm")
    return carol


def boot(carol, count, name):
    carol.openstack("server", "create", "--image", "cairn-guest", "--flavor", "m1.tiny",
                    "--network", "calm", "--min", str(count), "--max", str(count), name)


def settled(carol):
    """The servers, once none of them is on its way any more; None while one is, or the API is
    not back yet."""
    try:
        servers = carol.ask("server", "list", "--long")
    except (AssertionError, json.JSONDecodeError):
        return None
    busy = any(s["Status"] in ("BUILD", "DELETED") or s.get("Task State") not in (None, "None")
               for s in servers)
    return None if busy else servers


def check_and_clear(carol, cloud, count, baseline):
    servers = wait("every server has come to an end", lambda: settled(carol), 120, 2)
    assert len(servers) == count
    # There is room for all of them, and whoever died is back: nothing prevents it.
    faults = {server["ID"]: carol.ask("server", "show", server["ID"]).get("fault")
              for server in servers if server["Status"] != "ACTIVE"}
    assert faults == {}
    for server in servers:
        carol.openstack("server", "delete", server["ID"])
    wait("all are gone", lambda: carol.ask("server", "list") == [], 120, 2)
    wait("nothing is left", lambda: cloud.leftovers() == baseline, 60, 2)
    assert carol.ask("port", "list", "--device-owner", "compute:nova") == []


# Each dies at another moment: the works of a boot are spread over some three seconds.
@pytest.mark.parametrize(("victim", "delay"), list(zip(
    VICTIMS, (0.1, 0.6, 1.5, 0.8, 0.4), strict=True)))
def test_a_killed_process_loses_no_server(carol, cloud, victim, delay):
    baseline = cloud.leftovers()
    killer = threading.Timer(delay, lambda: cloud.within("aio", VICTIMS[victim]))
    boots = threading.Thread(target=lambda: _try(carol), daemon=True)
    boots.start()
    # The boot itself begins when the client has its token and its names.
    wait("a server is being built", lambda: cloud.sql(
        "nova", "select id from work where state='queued' and kind='create'"), 60, 0.05)
    killer.start()
    killer.join()
    boots.join(120)
    check_and_clear(carol, cloud, 2, baseline)


def _try(carol):
    try:
        boot(carol, 2, "crash")
    except AssertionError:
        # The API died after it had recorded the servers and before it had said so.
        pass


def test_a_wiped_broker_loses_none_of_ten_boots(carol, cloud):
    baseline = cloud.leftovers()
    boot(carol, 10, "many")
    time.sleep(1)
    cloud.within("aio", "systemctl kill -s KILL rabbitmq-server; sleep 0.5; "
                        "rm -rf /var/lib/rabbitmq/mnesia; systemctl restart rabbitmq-server")
    check_and_clear(carol, cloud, 10, baseline)
