import pytest
from fakes import declared, upstream
from fakes.nova import World

from cairn.common.context import Context
from cairn.nova.app import create_app
from cairn.nova.db.models import Base

PEOPLE = {
    "admin": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"})),
    "neutron": Context("neutron", project_id="service", roles=frozenset({"service"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"})),
    "anna": Context("anna", project_id="red", roles=frozenset({"member", "reader"})),
    "rita": Context("rita", project_id="red", roles=frozenset({"reader"})),
    "bob": Context("bob", project_id="blue", roles=frozenset({"member", "reader"})),
}

watched = pytest.fixture(autouse=True)(declared.watch)
upstream_watched = pytest.fixture(autouse=True)(upstream.watch)


@pytest.fixture
def world(tmp_path, sqlite):
    return World(sqlite(Base), folder=tmp_path)


@pytest.fixture
def call(world):
    """call(method, path, json, who="alice", version="2.96") -> the response."""
    app = create_app(world.nova, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})
    client = app.test_client()

    def call(method, path, json=None, who="alice", version="2.96"):
        headers = {"X-Auth-Token": who}
        if version:
            headers["OpenStack-API-Version"] = f"compute {version}"
        return client.open(path, method=method, json=json, headers=headers)

    return call


@pytest.fixture
def flavor(call):
    call("POST", "/v2.1/flavors", who="admin", json={"flavor": {
        "id": "m1", "name": "m1.small", "ram": 512, "vcpus": 1, "disk": 1}})
    return "m1"


@pytest.fixture
def create(world, call, flavor):
    """create(name, who=..., version=..., **more) -> the response of POST /servers."""
    image = world.cloud.image()
    world.cloud.network("red")

    def create(name="web", who="alice", version="2.96", **more):
        asked = {"name": name, "flavorRef": flavor, "imageRef": image, "networks": "auto", **more}
        if float(version.split(".")[1]) < 37 and asked["networks"] == "auto":
            del asked["networks"]
        asked = {key: value for key, value in asked.items() if value is not None}
        return call("POST", "/v2.1/servers", {"server": asked}, who=who, version=version)

    return create


@pytest.fixture
def server(world, create):
    """The id of an ACTIVE server of alice's."""
    made = create()
    assert made.status_code == 202, made.json
    world.settle()
    return made.json["server"]["id"]
