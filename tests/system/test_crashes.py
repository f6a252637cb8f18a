"""Crash-safe: whoever is killed in the middle of boots, or of what is done to volumes, comes back,
everything ends as it was asked to, and nothing leaks."""

import contextlib
import json
import threading
import time
import uuid
from dataclasses import dataclass

import openstack.exceptions
import pytest
import requests
from keystoneauth1 import exceptions as keystone

from . import attacks
from .clouds import member, wait
from .volume_count import Storage, VolumeCount

pytestmark = [
    pytest.mark.lab, attacks.QUIET,
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
    # What guests write to volumes by.
    "exports": "systemctl kill -s KILL cairn-exports",
}
# What a client meets while a cloud is not all there.
AWAY = (openstack.exceptions.SDKException, keystone.ClientException, requests.RequestException)


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
    ("api", "worker", "agent", "rabbitmq", "mariadb"), (0.1, 0.6, 1.5, 0.8, 0.4), strict=True)))
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


@dataclass
class Owner:
    """Somebody with a server, who is about to do several things to volumes at once."""

    tenant: attacks.Tenant
    server: str
    storage: Storage
    count: VolumeCount
    baseline: dict[str, list[str]]

    def create(self, **source):
        return self.storage.ask("POST", "/volumes", {"volume": {"size": 1, **source}})[
            "volume"]["id"]

    def status(self, kind, id_):
        return self.storage.ask("GET", f"/{kind}s/{id_}")[kind]["status"]

    def awaited(self, volume, status="available"):
        wait(f"volume {volume} is {status}", lambda: self.status("volume", volume) == status, 120)


@pytest.fixture(scope="module")
def dora(cloud, admin):
    root = attacks.tenant(admin)
    tenant = attacks.settle(root, f"dora-{uuid.uuid4().hex[:6]}")
    sdk = tenant.sdk
    net = sdk.network.create_network(name="calm")
    sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.66.0.0/24")
    server = sdk.compute.create_server(
        name="holder", networks=[{"uuid": net.id}],
        image_id=sdk.image.find_image(attacks.IMAGE, ignore_missing=False).id,
        flavor_id=sdk.compute.find_flavor(attacks.FLAVOR, ignore_missing=False).id)
    sdk.compute.wait_for_server(server, wait=120)
    count = VolumeCount(cloud, [tenant], [])
    yield Owner(tenant, server.id, Storage(sdk), count, count.traces())
    attacks.clear(root, tenant)
    tenant.close()
    root.close()


@pytest.mark.parametrize(("victim", "delay"), [
    ("api", 0.3), ("agent", 0.8), ("exports", 0.5), ("mariadb", 1.0)])
def test_a_killed_process_loses_no_volume(dora, cloud, victim, delay):
    """One grows, one is backed up, one is attached, and two are made, while somebody dies."""
    grows, saved, used = (dora.create() for _ in range(3))
    for volume in (grows, saved, used):
        dora.awaited(volume)
    killer = threading.Timer(delay, lambda: cloud.within("aio", VICTIMS[victim]))
    killer.start()
    for ask in (
        lambda: dora.storage.ask("POST", f"/volumes/{grows}/action", {"os-extend": {
            "new_size": 2}}),
        lambda: dora.storage.ask("POST", "/backups", {"backup": {"volume_id": saved}}),
        lambda: dora.tenant.sdk.compute.create_volume_attachment(dora.server, volume_id=used),
        lambda: dora.create(source_volid=grows), lambda: dora.create(),
    ):
        with contextlib.suppress(*AWAY):  # It died after it had recorded it, or before.
            ask()
    killer.join()
    at_rest(dora, cloud)
    for kind in ("volumes", "backups"):
        assert {row["id"]: row["status"] for row in dora.storage.list(kind)
                if "error" in row["status"]} == {}
    wait("nothing is left", lambda: cleared(dora) == {}, 120, 2)


def at_rest(dora, cloud):
    """All of it has ended, and fits together."""
    left = ["not looked at"]

    def look():
        with contextlib.suppress(*AWAY, AssertionError):
            left[:] = dora.count.count()
            return not left
        return False

    try:
        wait("all has come to rest", look, 120, 1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {left}") from None
    cloud.volumes_agree()


def cleared(dora):
    """What is left beside what was there at first, after one more try to remove it."""
    dora.count.clear()
    return {where: what for where, what in dora.count.traces().items()
            if what != dora.baseline[where]}
