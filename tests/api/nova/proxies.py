"""What tests of nova's old proxies share: neighbours that are themselves. A module of such tests
has `world = proxies.world` and `call = proxies.call`."""

import pytest
from fakes.nova import World
from fakes.nova.neighbours import Neighbourhood

from cairn.nova.app import create_app
from cairn.nova.db.models import Base

from .conftest import PEOPLE

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.


@pytest.fixture
def world(tmp_path, sqlite):
    cloud = Neighbourhood(sqlite, tmp_path, PEOPLE)
    return World(sqlite(Base), cloud=cloud, folder=tmp_path)


@pytest.fixture
def call(world):
    """call(method, path, json, who="alice", version="2.35") -> the response."""
    client = create_app(world.nova, world.cloud.authenticate, {}).test_client()

    def call(method, path, json=None, who="alice", version="2.35"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"compute {version}"}
        return client.open(f"/v2.1{path.removeprefix('/v2.1')}", method=method, json=json,
                           headers=headers)

    return call


