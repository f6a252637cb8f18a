"""Several who ask at once for what can not all be, of a deployed cloud: each is answered as if they
had come one after another, who was too late is told why, and nothing is lost or counted twice.

    ./cairn test acceptance at_once --name cairn
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from acceptance.churn import complaints, empty_image
from system import attacks
from system.clouds import wait
from system.volume_count import Storage, VolumeCount

pytestmark = [pytest.mark.lab, attacks.QUIET]

ROUNDS = 5
VOLUMES = "/volume/v3/volumes"
TOO_LATE = (400, 404, 409)
BUSY = 503  # Nothing was done: who waited too long for the others may try again.


@pytest.fixture(scope="module")
def here(cloud, tmp_path_factory):
    with attacks.ground(cloud, tmp_path_factory.mktemp("at-once")) as ground:
        limit(ground, ground.alice, volumes=-1, gigabytes=-1, snapshots=-1, backups=-1,
              backup_gigabytes=-1)
        yield ground


def limit(here, tenant, **limits):
    here.admin.sdk.block_storage.put(f"/os-quota-sets/{tenant.project}", json={
        "quota_set": limits}).raise_for_status()


@dataclass(frozen=True)
class Servers:
    image: str
    ids: list[str]


@pytest.fixture(scope="module")
def servers(here):
    """Two of alice's, which idle in their firmware: what they get they keep until they go."""
    sdk = here.alice.sdk
    net = sdk.network.create_network(name="calm")
    sdk.network.create_subnet(network_id=net.id, ip_version=4, cidr="10.66.0.0/24")
    image = empty_image(here, here.alice)
    flavor = sdk.compute.find_flavor("m1.nano", ignore_missing=False).id
    made = [sdk.compute.create_server(name=f"s{number}", image_id=image, flavor_id=flavor,
                                      networks=[{"uuid": net.id}]) for number in range(2)]
    return Servers(image, [sdk.compute.wait_for_server(each, wait=180).id for each in made])


def at_once(tenant, *calls):
    """The answers to (method, path, body), which all leave at one moment."""
    gate, token = threading.Barrier(len(calls)), tenant.token

    def ask(call):
        with attacks.requests.Session() as session:
            session.trust_env = False
            gate.wait()
            method, path, body = call
            return session.request(
                method, tenant.front + path, json=body, verify=tenant.ca, timeout=180,
                headers={"X-Auth-Token": token, "OpenStack-API-Version": "volume 3.70"})

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(ask, calls))


def told(answer):
    """Whoever was too late knows why."""
    (problem,) = answer.json().values()
    return answer.status_code in TOO_LATE and len(problem["message"]) > 10


def create(storage):
    id_ = storage.ask("POST", "/volumes", {"volume": {"size": 1}})["volume"]["id"]
    wait("it is there", lambda: storage.ask("GET", f"/volumes/{id_}")[
        "volume"]["status"] == "available", 120)
    return id_


def calls_on(volume, servers):
    attach = {"volumeAttachment": {"volumeId": volume}}
    action = f"{VOLUMES}/{volume}/action"
    return {
        "delete": ("DELETE", f"{VOLUMES}/{volume}", None),
        "attach": ("POST", f"/compute/v2.1/servers/{servers.ids[0]}/os-volume_attachments", attach),
        "attach elsewhere": (
            "POST", f"/compute/v2.1/servers/{servers.ids[1]}/os-volume_attachments", attach),
        "extend": ("POST", action, {"os-extend": {"new_size": 2}}),
        "extend more": ("POST", action, {"os-extend": {"new_size": 3}}),
        "snapshot": ("POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": volume}}),
        "back up": ("POST", "/volume/v3/backups", {"backup": {"volume_id": volume}}),
        "upload": ("POST", action, {"os-volume_upload_image": {"image_name": "i"}}),
        "transfer": ("POST", "/volume/v3/volume-transfers", {"transfer": {"volume_id": volume}}),
    }


# Where the first may be over before the second is looked at, both may be taken.
PAIRS = [
    ("delete", "attach", False), ("attach", "attach elsewhere", False), ("attach", "attach", False),
    ("extend", "snapshot", True), ("extend", "extend more", True), ("delete", "extend", True),
    ("delete", "snapshot", False), ("delete", "delete", False), ("delete", "back up", True),
    ("attach", "extend", True), ("upload", "delete", True), ("transfer", "attach", False),
    ("transfer", "delete", False), ("back up", "extend", True),
]


@pytest.mark.parametrize(("one", "other", "both"), PAIRS)
def test_one_of_two_wins_and_the_other_is_told(here, servers, one, other, both):
    storage = Storage(here.alice.sdk)
    for _ in range(ROUNDS):
        calls = calls_on(create(storage), servers)
        answers = at_once(here.alice, calls[one], calls[other])
        late = [answer for answer in answers if not answer.ok]
        assert all(told(answer) for answer in late), [each.text for each in late]
        assert len(late) == 1 or (both and not late), [each.text for each in answers]


def test_of_a_hundred_at_once_as_many_are_made_as_may_be(here):
    """Sixty of bob's are made, forty refused, and sixty counted."""
    bob, storage = here.bob, Storage(here.bob.sdk)
    limit(here, bob, volumes=60, gigabytes=100)
    begun = time.monotonic()
    codes, left, busy = [], 100, 0
    while left:
        asked = at_once(bob, *[("POST", VOLUMES, {"volume": {"size": 1}})] * left)
        codes += [answer.status_code for answer in asked if answer.status_code != BUSY]
        left = 100 - len(codes)
        busy += left
    answered = time.monotonic()
    assert sorted(codes) == [202] * 60 + [413] * 40
    wait("all are there", lambda: [row["status"] for row in storage.list("volumes")]
         == ["available"] * 60, 300, 1)
    print(f"\n100 at once answered in {answered - begun:.1f} s ({busy} were asked to try again), "
          f"60 there in {time.monotonic() - begun:.1f} s")
    used = storage.ask("GET", "/limits")["limits"]["absolute"]
    assert (used["totalVolumesUsed"], used["totalGigabytesUsed"]) == (60, 60)
    while left := [row["id"] for row in storage.list("volumes") if row["status"] == "available"]:
        gone = at_once(bob, *[("DELETE", f"{VOLUMES}/{id_}", None) for id_ in left])
        assert {answer.status_code for answer in gone} <= {202, BUSY}
    wait("all are gone", lambda: storage.list("volumes") == [], 300, 1)


def test_in_the_end_all_of_it_fits_together(here, cloud, servers):
    storage = Storage(here.alice.sdk)
    for transfer in storage.ask("GET", "/volume-transfers")["transfers"]:
        storage.ask("DELETE", f"/volume-transfers/{transfer['id']}")
    count = VolumeCount(cloud, (here.alice, here.bob), (servers.image,))
    assert complaints([count], 180) == []
    cloud.volumes_agree()
    for server in servers.ids:
        here.alice.sdk.compute.delete_server(server)

    def cleared():
        count.clear()
        return not list(count.count()) and not count.traces()["volumes"]

    wait("all of it is gone", cleared, 300, 2)
