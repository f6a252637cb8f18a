"""Names that differ by case or a blank are different names, on a real database as well."""

import dataclasses

import pytest

from cairn.neutron.db.models import Base

from .conftest import Caller


@pytest.fixture
def api(neutron, mariadb):
    return Caller(dataclasses.replace(neutron, db=mariadb(Base)))


def test_tags(api):
    network = api.made("alice", "/networks", name="n")
    path = f"/networks/{network['id']}/tags"
    status, document = api("PUT", "alice", path, {"tags": ["a", "A", "a "]})
    assert (status, document) == (200, {"tags": ["A", "a", "a "]})
    assert api("DELETE", "alice", f"{path}/A")[0] == 204
    assert api.get("alice", path) == ["a", "a "]
    for tag, many in (("a", 1), ("a%20", 1), ("A", 0)):
        assert len(api.get("alice", f"/networks?tags={tag}")) == many


def test_names(api):
    for name in ("web", "Web", "web "):
        api.made("alice", "/networks", name=name)
    for query, name in (("web", "web"), ("Web", "Web"), ("web%20", "web ")):
        assert [n["name"] for n in api.get("alice", f"/networks?name={query}")] == [name]
