"""Nova's questions about volumes are ones that cinder answers: the real one, not a fake of ours."""

import json

import pytest
from fakes.asked import Answer, code_of
from fakes.cinder import World as CinderWorld
from fakes.nova import Cloud, World
from sqlalchemy import delete

from cairn.cinder.app import create_app as cinder_app
from cairn.cinder.audit import run
from cairn.cinder.core import unified_limits
from cairn.cinder.db import models as cinder_models
from cairn.cinder.neighbours import HttpCompute
from cairn.cinder.settings import ServiceSettings
from cairn.common.client import refusal
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.nova.app import create_app as nova_app
from cairn.nova.db import models as nova_models
from cairn.nova.neighbours.volume import MARK
from cairn.nova.rpc import CONDUCTOR
from cairn.nova.settings import ApiSettings

RED = "0123456789abcdef0123456789abcdef"
NONE = "11111111-2222-3333-4444-555555555555"
PEOPLE = {
    "service": Context("nova", project_id="service",
                       roles=frozenset({"admin", "service", "member", "reader"})),
    "alice": Context("alice", project_id=RED, roles=frozenset({"member", "reader"}),
                     token="alice"),
    "root": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"}),
                    token="root"),
}


def authenticate(headers):
    return PEOPLE.get(headers.get("X-Auth-Token"))


class Real(Cloud):
    """All but cinder are fakes still."""

    def __init__(self, client):
        super().__init__()
        self.client = client

    def request(self, service, method, path, **options):
        if service != "block-storage":
            return super().request(service, method, path, **options)
        headers = {"X-Auth-Token": "service", **options.get("headers", {}),
                   "OpenStack-API-Version": f"volume {options['version']}"}
        answer = Answer(self.client.open(
            f"/v3{path}", method=method, json=options.get("json"), headers=headers))
        if answer.status_code >= 400:
            raise refusal(service, answer)
        return answer


class ToNova:
    """Stands for cinder's questions to neighbours, of which nova is the real one."""

    def __init__(self, house):
        self.house = house

    def get(self, service, path, *, ctx, version="2.96"):
        headers = {"X-Auth-Token": "service", "OpenStack-API-Version": f"compute {version}"}
        answer = Answer(self.house.client.get(f"/v2.1{path}", headers=headers))
        if answer.status_code >= 400:
            raise refusal(service, answer)
        return answer


class House:
    def __init__(self, folder):
        self.databases = [self._database(folder, name, models) for name, models in (
            ("cinder", cinder_models), ("nova", nova_models))]
        unified_limits._remembered.clear()
        self.storage = CinderWorld(self.databases[0], folder)
        self.cinder = cinder_app(self.storage.cinder, authenticate, {}).test_client()
        self.nova = World(self.databases[1], cloud=Real(self.cinder))
        self.client = nova_app(self.nova.nova, authenticate, {}).test_client()
        self.nova.cloud.network(RED)
        object.__setattr__(self.nova.nova, "pause", lambda seconds: self.storage.settle())
        self("POST", "/flavors", {"flavor": {
            "id": "m1", "name": "m1", "ram": 64, "vcpus": 1, "disk": 1}}, who="root")

    def _database(self, folder, name, models):
        db = Database(f"sqlite:///{folder}/{name}.db")
        models.Base.metadata.create_all(db.engine)
        return db

    def __call__(self, method, path, json=None, who="alice"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": "compute 2.96"}
        return self.client.open(f"/v2.1{path}", method=method, json=json, headers=headers)

    def ask(self, method, path, json=None):
        headers = {"X-Auth-Token": "alice", "OpenStack-API-Version": "volume 3.71"}
        return self.cinder.open(f"/v3{path}", method=method, json=json, headers=headers)

    def volume(self, **more):
        made = self.ask("POST", "/volumes", {"volume": {"size": 1, **more}})
        assert made.status_code == 202, made.json
        self.storage.settle()
        return made.json["volume"]["id"]

    def status(self, volume):
        answer = self.ask("GET", f"/volumes/{volume}")
        return answer.json["volume"]["status"] if answer.status_code == 200 else None

    def settle(self):
        self.nova.settle()
        self.storage.settle()

    def boot(self, **more):
        made = self("POST", "/servers", {"server": {
            "name": "web", "flavorRef": "m1", "networks": "auto", **more}})
        assert made.status_code == 202, made.json
        self.settle()
        shown = self("GET", f"/servers/{made.json['server']['id']}").json["server"]
        assert shown["status"] == "ACTIVE", shown
        return shown["id"], [v["id"] for v in shown["os-extended-volumes:volumes_attached"]]


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    for db in house.databases:
        db.engine.dispose()


def test_a_volume_comes_and_goes(house):
    server, _ = house.boot(imageRef=house.nova.cloud.image())
    volume = house.volume()
    path = f"/servers/{server}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": volume}}
    assert house("POST", path, body).status_code == 200
    assert house.status(volume) == "reserved"
    house.settle()
    assert house.status(volume) == "in-use"
    assert house("POST", path, body).status_code == 400
    assert house.nova.drivers["one"].volumes[server] == {"/dev/vdb": (volume, None)}
    assert house("DELETE", f"{path}/{volume}").status_code == 202
    house.settle()
    assert house.status(volume) == "available"


def test_a_server_that_boots_from_volumes_of_its_own(house):
    own = house.volume()
    server, volumes = house.boot(block_device_mapping_v2=[
        {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 0,
         "delete_on_termination": True}, {"source_type": "volume", "uuid": own}])
    assert [house.status(volume) for volume in volumes] == ["in-use", "in-use"]
    [made] = set(volumes) - {own}
    shown = house.ask("GET", f"/volumes/{made}").json["volume"]
    assert shown["os-vol-tenant-attr:tenant_id"] == RED
    house("DELETE", f"/servers/{server}")
    house.settle()
    assert house.status(own) == "available"
    assert house.status(made) is None


def test_what_cannot_be_attached(house):
    server, _ = house.boot(imageRef=house.nova.cloud.image())
    path = f"/servers/{server}/os-volume_attachments"
    for volume, code in ((NONE, 404),):
        body = {"volumeAttachment": {"volumeId": volume}}
        assert house("POST", path, body).status_code == code
    volume = house.volume()
    house.storage.set(volume, status="error")
    body = {"volumeAttachment": {"volumeId": volume}}
    assert house("POST", path, body).status_code == 400


# --- Images of servers on volumes ---


@pytest.fixture
def on_volume(house):
    """(server, its volume, which goes with it); a request does not wait for its work."""
    object.__setattr__(house.nova.nova, "api", ApiSettings(image_timeout=0.0))
    server, [volume] = house.boot(block_device_mapping_v2=[
        {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": 0,
         "delete_on_termination": True}])
    return server, volume


def test_an_image_of_a_server_on_volumes(house, on_volume):
    server, volume = on_volume
    made = house("POST", f"/servers/{server}/action", {"createImage": {"name": "kept"}})
    house.settle()
    image = house.nova.cloud.images[made.json["image_id"]]
    [device] = json.loads(image["block_device_mapping"])
    [snapshot] = house.ask("GET", "/snapshots/detail").json["snapshots"]
    assert image["status"] == "active" and device["snapshot_id"] == snapshot["id"]
    assert (snapshot["status"], snapshot["volume_id"]) == ("available", volume)
    assert snapshot["os-extended-snapshot-attributes:project_id"] == RED
    again, [copy] = house.boot(imageRef=image["id"])
    assert house.ask("GET", f"/volumes/{copy}").json["volume"]["snapshot_id"] == snapshot["id"]


def test_a_server_that_goes_takes_the_snapshots_of_half_an_image_with_it(house, on_volume):
    """And then its volume, which could not go before they are gone."""
    server, volume = on_volume

    def probe(moment, job, step):
        if (moment, step) == ("done", "volumes_snapshotted"):
            house.nova.workers[CONDUCTOR].probe = lambda *_: None
            house("DELETE", f"/servers/{server}")

    house.nova.workers[CONDUCTOR].probe = probe
    made = house("POST", f"/servers/{server}/action", {"createImage": {"name": "kept"}})
    house.settle()
    assert made.json["image_id"] not in house.nova.cloud.images
    assert house.ask("GET", "/snapshots").json["snapshots"] == []
    assert house.status(volume) is None


def test_a_quota_of_snapshots_forbids_an_image(house, on_volume):
    server, _ = on_volume
    body = {"quota_set": {"snapshots": 0}}
    set_ = house.cinder.put(f"/v3/os-quota-sets/{RED}", json=body,
                            headers={"X-Auth-Token": "root"})
    assert set_.status_code == 200, set_.json
    object.__setattr__(house.nova.nova, "api", ApiSettings())
    object.__setattr__(house.nova.nova, "pause", lambda seconds: house.nova.settle())
    refused = house("POST", f"/servers/{server}/action", {"createImage": {"name": "kept"}})
    assert refused.status_code == 403
    assert "quota" in refused.json["forbidden"]["message"]


def questions(cloud, volume_id):
    """What nova asks of snapshots, with what it reads of the answers."""
    nova, volumes = PEOPLE["service"], cloud.cloud.volumes
    asked = {"volume_id": volume_id, "force": True, "name": "kept", "metadata": {MARK: "a/b"}}
    made = volumes.create_snapshot(nova, RED, asked)
    cloud.pause(0.0)
    said = {"made": [made["name"], made["volume_id"] == volume_id, made["metadata"]]}
    said["marked"] = [[s["id"] == made["id"] for s in volumes.list_marked_snapshots(nova, *of)]
                      for of in ((volume_id, "a/b"), (volume_id, "a"), (NONE, "a/b"))]
    said["status"] = volumes.show_snapshot(nova, made["id"])["status"]
    volumes.delete_snapshot(nova, made["id"])
    cloud.pause(0.0)
    said["gone"] = [code_of(lambda: volumes.show_snapshot(nova, made["id"])),
                    code_of(lambda: volumes.delete_snapshot(nova, made["id"])),
                    volumes.list_marked_snapshots(nova, volume_id, "a/b")]
    return said


def test_the_fake_answers_of_snapshots_as_the_real_cinder_does(house):
    real = questions(house.nova.nova, house.volume())
    fake = World(house.databases[1])
    assert questions(fake.nova, fake.cloud.cinder.volume(RED)) == real
    assert real["marked"] == [[True], [], []]


# --- What an audit compares ----------------------------------------------------------------------


@pytest.fixture
def audit(house):
    """audit() -> (kind, id) of what cinder finds, with nova's own answers."""
    cinder = house.storage.cinder
    object.__setattr__(cinder, "service", ServiceSettings(down_after=1e6))
    object.__setattr__(cinder.cloud, "compute", HttpCompute(ToNova(house)))
    root = Context("audit", roles=frozenset({"admin"}))
    return lambda: {(each.kind, each.id) for each in run.audit(cinder, root, 0.0)}


def test_an_audit_asks_what_nova_answers(house, audit):
    server, _ = house.boot(imageRef=house.nova.cloud.image())
    volume, other = house.volume(), house.volume()
    assert audit() == set()
    path = f"/servers/{server}/os-volume_attachments"
    house("POST", path, {"volumeAttachment": {"volumeId": volume}})
    assert audit() == set(), "a work is at it"
    house.settle()
    assert audit() == set()
    disks = house.nova.drivers["one"].volumes[server]
    disks["/dev/vdx"] = (other, None)
    assert audit() == {("disk-without-mapping", other)}
    disks.clear()
    assert audit() == {("mapping-without-disk", volume)}
    with house.nova.db.writing() as session:
        session.execute(delete(nova_models.BlockDevice))
    assert {kind for kind, _ in audit()} == {"attachment-without-mapping"}
    house("DELETE", f"/servers/{server}")
    house.settle()
    assert {kind for kind, _ in audit()} == {"ghost-attachment"}


def test_an_audit_names_the_host_that_is_silent(house, audit):
    house.nova.down("one")
    assert audit() == {("not-looked-at", "one")}


def test_who_uses_what_is_for_services(house):
    for path in ("/os-volume-uses", "/os-volume-uses/one/guests"):
        assert house("GET", path).status_code == 403
        assert house("GET", path, who="service").status_code == 200
    assert house("GET", "/os-volume-uses/two/guests", who="service").status_code == 404
