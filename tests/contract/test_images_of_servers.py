"""Nova's questions about images are ones that glance answers, the real one, as the fake does."""

import pytest
from fakes.asked import Answer, code_of
from fakes.nova import Cloud

from cairn.common.client import refusal
from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.glance.app import create_app
from cairn.glance.component import Glance
from cairn.glance.db.models import Base
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import RULES
from cairn.glance.settings import ImageSettings, ImportSettings, StoreSettings
from cairn.nova.neighbours import over_http

PEOPLE = {
    "service": Context("nova", project_id="service",
                       roles=frozenset({"admin", "service", "member", "reader"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"}),
                     token="alice"),
}
# Who asked, as a work keeps it: without a token.
LATER = Context("alice", project_id="red", roles=frozenset({"member", "reader"}))


class Real(Cloud):
    """All but glance are fakes still."""

    def __init__(self, client):
        super().__init__()
        self.client = client

    def request(self, service, method, path, **options):
        assert service == "image"
        headers = {"X-Auth-Token": "service", **options.get("headers", {})}
        answer = Answer(self.client.open(
            f"/v2{path}", method=method, headers=headers,
            **{name: options[name] for name in ("json", "data") if name in options}))
        if answer.status_code >= 400:
            raise refusal(service, answer)
        return answer


@pytest.fixture
def cloud(tmp_path):
    (tmp_path / "images").mkdir()
    db = Database(f"sqlite:///{tmp_path}/glance.db")
    Base.metadata.create_all(db.engine)
    settings = ImageSettings(folder=str(tmp_path / "images"), accel="")
    imports = ImportSettings()
    stores = Stores(settings, StoreSettings(), imports, Gate(imports))
    glance = Glance(db, Policy(RULES), settings, stores, imports=imports)
    yield Real(create_app(
        glance, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {}).test_client())
    db.engine.dispose()


def backups_of(images):
    """Names of the backups of a server, made one after the other; those of others are not."""
    own = {"visibility": "private", "disk_format": "raw", "container_format": "bare",
           "image_type": "backup"}
    for name, server, kind in (("first", "vm", "daily"), ("second", "vm", "daily"),
                               ("weekly", "vm", "weekly"), ("other", "vm2", "daily")):
        images.create(PEOPLE["alice"], own | {
            "name": name, "instance_uuid": server, "backup_type": kind})
    listed = images.list_backups(LATER, "red", "vm", "daily")
    return [[image["name"] for image in listed],
            images.list_backups(LATER, "blue", "vm", "daily")]


def questions(cloud):
    """What nova asks for an image that it makes, with what it reads of the answers."""
    images = over_http(cloud).images
    made = images.create(PEOPLE["alice"], {
        "name": "kept", "visibility": "private", "disk_format": "raw", "container_format": "bare",
        "min_disk": 0, "instance_uuid": "vm", "block_device_mapping": "[]"})
    image_id = made["id"]

    def shown(who):
        image = images.show(who, image_id)
        return [image[name] for name in (
            "status", "name", "disk_format", "min_disk", "block_device_mapping", "instance_uuid")]

    said = {"made": shown(PEOPLE["alice"])}
    images.update(LATER, image_id, {"block_device_mapping": "[1]", "bdm_v2": "True"})
    said["described"] = shown(LATER)
    said["filled"] = [code_of(lambda: images.fill_with_nothing(LATER, image_id)), shown(LATER)]
    said["again"] = code_of(lambda: images.fill_with_nothing(LATER, image_id))
    images.update(LATER, image_id, {"block_device_mapping": "[2]"})
    said["seen"] = shown(PEOPLE["alice"])
    said["backups"] = backups_of(images)
    images.delete(LATER, image_id)
    said["gone"] = [code_of(lambda: images.show(LATER, image_id)),
                    code_of(lambda: images.update(LATER, image_id, {"a": "b"})),
                    code_of(lambda: images.fill_with_nothing(LATER, image_id)),
                    code_of(lambda: images.delete(LATER, image_id))]
    return said


def test_the_fake_answers_as_the_real_glance_does(cloud):
    real = questions(cloud)
    assert questions(Cloud()) == real
    assert real["filled"][1][0] == "active"
    assert real["backups"] == [["second", "first"], []]
