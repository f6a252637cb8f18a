import uuid

import pytest
from fakes.declared import watch

from cairn.common.context import Context
from cairn.common.policy import Policy
from cairn.placement.app import create_app
from cairn.placement.component import make
from cairn.placement.db.models import Base
from cairn.placement.policy import RULES

PEOPLE = {
    "admin": Context("root", project_id="ops", roles=frozenset({"admin", "member", "reader"})),
    "nova": Context("nova", project_id="service", roles=frozenset({"service"})),
    "alice": Context("alice", project_id="red", roles=frozenset({"member", "reader"})),
    "system": Context("root", system=True, roles=frozenset({"admin", "member", "reader"})),
}


watched = pytest.fixture(autouse=True)(watch)


@pytest.fixture
def placement(sqlite):
    return make(sqlite(Base), Policy(RULES))


@pytest.fixture
def app(placement):
    return create_app(placement, lambda headers: PEOPLE.get(headers.get("X-Auth-Token")), {})


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def call(app):
    """call(method, path, json, who="nova", version="1.39") -> the response."""

    def call(method, path, json=None, who="nova", version="1.39"):
        headers = {"X-Auth-Token": who, "OpenStack-API-Version": f"placement {version}"}
        return app.test_client().open(path, method=method, json=json, headers=headers)

    return call


@pytest.fixture
def provider(call):
    """provider(name, parent=None, stock={...}, traits=[...], aggregates=[...]) -> its uuid."""

    def provider(name, parent=None, stock=None, traits=(), aggregates=()):
        made = call("POST", "/resource_providers", {"name": name, "parent_provider_uuid": parent})
        assert made.status_code == 200, made.json
        base = f"/resource_providers/{made.json['uuid']}"
        for what, body in (
            ("inventories", {"inventories": {c: {"total": n} if isinstance(n, int) else n
                                             for c, n in (stock or {}).items()}}),
            ("traits", {"traits": list(traits)}), ("aggregates", {"aggregates": list(aggregates)}),
        ):
            generation = call("GET", base).json["generation"]
            kept = call("PUT", f"{base}/{what}",
                        {**body, "resource_provider_generation": generation})
            assert kept.status_code == 200, kept.json
        return made.json["uuid"]

    return provider


@pytest.fixture
def claim(call):
    """claim({provider: {class: amount}}, consumer=None, generation=None) -> the response."""

    def claim(resources, consumer=None, generation=None, kind="INSTANCE", **body):
        return call("PUT", f"/allocations/{consumer or uuid.uuid4()}", {
            "allocations": {p: {"resources": wanted} for p, wanted in resources.items()},
            "project_id": "red", "user_id": "alice", "consumer_generation": generation,
            "consumer_type": kind, **body})

    return claim
