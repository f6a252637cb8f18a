"""The caller's project may stand in the path, as catalogs of old have it."""

import pytest
from sqlalchemy import update

from cairn.common.context import Context
from cairn.nova.db.models import Server

from .conftest import PEOPLE

ABC = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def hexed(monkeypatch):
    """Somebody whose project's id is one."""
    monkeypatch.setitem(PEOPLE, "hex", Context(
        "hex", project_id=ABC, roles=frozenset({"member", "reader"})))


@pytest.mark.parametrize(("root", "version"), [("/v2.1", "2.1"), ("/v2.1", "2.96"), ("/v2", "")])
def test_with_and_without(call, flavor, hexed, root, version):
    for path in ("/servers", "/servers/detail", "/flavors", "/flavors/m1", "/limits"):
        plain = call("GET", root + path, who="hex", version=version)
        named = call("GET", f"{root}/{ABC}{path}", who="hex", version=version)
        assert (plain.status_code, named.status_code) == (200, 200)
        assert plain.json.keys() == named.json.keys()


def test_the_old_version_has_no_microversions(call, flavor):
    answer = call("GET", "/v2/flavors/m1", version="2.96")
    assert answer.status_code == 200
    assert "extra_specs" not in answer.json["flavor"]
    assert "OpenStack-API-Version" not in answer.headers


def test_links_keep_it(call, flavor, hexed):
    def hrefs(root):
        shown = call("GET", f"{root}/flavors/m1", who="hex").json["flavor"]["links"]
        return [link["href"].partition("localhost")[2] for link in shown]

    assert hrefs("/v2.1") == ["/v2.1/flavors/m1", "/flavors/m1"]
    assert hrefs(f"/v2.1/{ABC}") == [f"/v2.1/{ABC}/flavors/m1", f"/{ABC}/flavors/m1"]
    assert hrefs(f"/v2/{ABC}") == [f"/v2/{ABC}/flavors/m1", f"/{ABC}/flavors/m1"]


def test_anothers_is_refused(call, flavor, hexed):
    other = ABC[::-1]
    refused = call("GET", f"/v2.1/{other}/flavors", who="hex")
    assert refused.status_code == 400
    assert other in refused.json["badRequest"]["message"]
    assert call("GET", f"/v2.1/{other}/flavors", who="nobody").status_code == 401
    assert call("GET", "/v2.1/nothex/flavors", who="hex").status_code == 404
    assert call("GET", f"/v2.1/{ABC}/nothing", who="hex").status_code == 404


def test_a_service_acts_in_the_project_that_it_names(world, call, create, monkeypatch):
    monkeypatch.setitem(PEOPLE, "own", Context(
        "cinder", project_id="service", roles=frozenset({"service", "member", "reader"})))
    create("hers")

    def names(who, project):
        answer = call("GET", f"/v2.1/{project}/servers", who=who)
        return answer.status_code, [s["name"] for s in (answer.json.get("servers") or ())]

    # Projects in paths are hexadecimal, as keystone makes them.
    world.nova.db.write(lambda session: session.execute(
        update(Server).values(project_id=ABC)))
    assert names("own", ABC) == (200, ["hers"])
    assert names("alice", ABC) == (400, [])
    assert names("admin", ABC) == (400, [])
