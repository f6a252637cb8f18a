import pytest
from fakes.cinder import World
from fakes.declared import watch

from cairn.cinder.app import create_app
from cairn.cinder.core import unified_limits
from cairn.cinder.db.models import Base
from cairn.common.context import Context

PEOPLE = {
    "admin": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"})),
    "nova": Context("nova", project_id="service", roles=frozenset({"admin", "service"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"})),
    "rita": Context("rita", project_id="red", roles=frozenset({"reader"})),
    "bob": Context("bob", project_id="blue", roles=frozenset({"member", "reader"})),
}

watched = pytest.fixture(autouse=True)(watch)


@pytest.fixture
def world(tmp_path, sqlite):
    unified_limits._remembered.clear()
    return World(sqlite(Base), tmp_path)


@pytest.fixture
def call(world):
    """call(method, path, json, who="alice", version="3.71", **headers) -> the response; the path is
    what follows /v3, headers are written with underscores."""
    app = create_app(world.cinder, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})
    client = app.test_client()

    def call(method, path, json=None, who="alice", version="3.71", **more):
        headers = {"X-Auth-Token": who}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if version:
            headers["OpenStack-API-Version"] = f"volume {version}"
        return client.open(f"/v3{path}", method=method, json=json, headers=headers)

    return call


@pytest.fixture
def create(call):
    """create(size, who=..., version=..., **more) -> the response of POST /volumes."""

    def create(size=1, who="alice", version="3.71", hints=None, **more):
        body = {"volume": {"size": size, **more}}
        if hints:
            body["OS-SCH-HNT:scheduler_hints"] = hints
        return call("POST", "/volumes", body, who=who, version=version)

    return create


@pytest.fixture
def volume(world, create):
    """The id of an available volume of alice's, of 1 GiB."""
    made = create(name="data")
    assert made.status_code == 202, made.json
    world.settle()
    return made.json["volume"]["id"]
