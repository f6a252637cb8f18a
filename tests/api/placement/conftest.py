import pytest

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.policy import Policy
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.db.models import Base
from cairn.placement.policy import RULES

PEOPLE = {
    "admin": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"})),
    "nova": Context("nova", project_id="service", roles=frozenset({"service"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"})),
}


@pytest.fixture
def placement(tmp_path):
    db = Database(f"sqlite:///{tmp_path}/placement.db")
    Base.metadata.create_all(db.engine)
    yield make(db, Policy(RULES))
    db.engine.dispose()


@pytest.fixture
def call(placement):
    """call(method, path, json, who="nova", version="1.39") -> the response."""
    app = create_app(placement, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})
    client = app.test_client()

    def call(method, path, json=None, who="nova", version="1.39"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"placement {version}"}
        return client.open(path, method=method, json=json, headers=headers)

    return call
