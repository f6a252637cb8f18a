"""Lists of volumes: what they may be asked."""

import pytest
from sqlalchemy import event

from cairn.cinder.db.models import Volume
from cairn.common.context import Context

from .conftest import PEOPLE


@pytest.fixture
def three(world, create):
    """Three volumes: a, b and c, of 1, 2 and 3 GiB."""
    ids = [create(size=number, name=name, metadata={"n": name}).json["volume"]["id"]
           for number, name in enumerate("abc", start=1)]
    world.settle()
    world.set(ids[1], image_meta={"image_name": "cirros"}, bootable=True)
    return ids


@pytest.fixture
def names(call):
    def names(query="", who="alice", version="3.71", path="/volumes/detail"):
        answer = call("GET", f"{path}?{query}", who=who, version=version)
        assert answer.status_code == 200, answer.json
        return "".join(volume["name"] for volume in answer.json["volumes"])

    return names


@pytest.mark.parametrize(("query", "expected"), [
    ("", "cba"), ("name=b", "b"), ("name~=B", "b"), ("status=available", "cba"),
    ("status=error", ""), ("bootable=true", "b"), ("bootable=0", "ca"), ("size=3", "c"),
    ("metadata=%7B'n': 'a'%7D", "a"), ("metadata=%7B'n': 'a', 'm': 'a'%7D", ""),
    ("glance_metadata=%7B'image_name': 'cirros'%7D", "b"), ("availability_zone=nova", "cba"),
    ("availability_zone=mars", ""), ("created_at=gt:2001-01-01T00:00:00", "cba"),
    ("created_at=lt:2001-01-01T00:00:00", ""),
    ("created_at=gt:2001-01-01,lt:2002-01-01T00:00:00Z", ""),
    ("group_id=x", ""), ("encryption_key_id=x", ""), ("consumes_quota=true", "cba"),
    ("consumes_quota=false", ""), ("volume_type=__DEFAULT__", "cba"),
    ("sort=size:asc", "abc"), ("sort_key=name&sort_dir=asc", "abc"), ("limit=2", "cb"),
    ("limit=1&offset=1", "b"), ("offset=2", "a"), ("project_id=red", "cba"),
    ("all_tenants=1", "cba"),
])
def test_what_passes(three, names, query, expected):
    assert names(query) == expected
    assert names(query, path="/volumes") == expected


@pytest.mark.parametrize("query", [
    "limit=-1", "limit=x", "offset=-1", "offset=99999999999", "sort_key=nothing", "sort_dir=up",
    "bootable=perhaps", "metadata=x", "metadata=[]", "created_at=yesterday", "host=store",
    "nothing=1", "consumes_quota=x", "size=x", "all_tenants=perhaps", "metadata=%7B'a\"b': 'c'%7D",
])
def test_what_is_refused(call, query):
    assert call("GET", f"/volumes?{query}").status_code == 400


def test_before_filters_were_strict_a_strange_one_is_nothing(three, names):
    assert names("nothing=1&host=x&name~=x", version="3.30") == "cba"


def test_an_administrator_sees_all(three, names):
    assert names("", who="admin") == ""
    assert names("all_tenants=1", who="admin") == "cba"
    assert names("all_tenants=1&project_id=blue", who="admin") == ""
    assert names("all_tenants=1&host=store@fake%23fake", who="admin") == "cba"
    assert names("all_tenants=1", who="bob") == ""


def test_the_target_of_a_migration_is_nobodys(world, three, names):
    world.set(three[0], migration_status=f"target:{three[1]}")
    assert names() == "cb"
    assert names("all_tenants=1", who="admin") == "cba"


def test_pages(three, call):
    first = call("GET", "/volumes?limit=2").json
    assert [v["name"] for v in first["volumes"]] == ["c", "b"]
    link = first["volumes_links"][0]
    assert link["rel"] == "next" and f"marker={three[1]}" in link["href"]
    assert "/v3/volumes?" in link["href"]
    assert "/v3/volumes/" in first["volumes"][0]["links"][0]["href"]
    last = call("GET", f"/volumes?limit=2&marker={three[1]}").json
    assert [v["name"] for v in last["volumes"]] == ["a"] and "volumes_links" not in last
    assert call("GET", "/volumes?marker=nothing").status_code == 404
    full = call("GET", f"/volumes?limit=1&marker={three[1]}").json
    assert [v["name"] for v in full["volumes"]] == ["a"]
    assert f"marker={three[0]}" in full["volumes_links"][0]["href"]
    assert call("GET", f"/volumes?limit=1&marker={three[0]}").json == {"volumes": []}


def test_links_are_as_the_caller_wrote_the_url(call, create, monkeypatch):
    project = "0123456789abcdef0123456789abcdef"
    monkeypatch.setitem(PEOPLE, "hex", Context(
        "hex", project_id=project, roles=frozenset({"member", "reader"})))
    for name in "ab":
        create(name=name, who="hex")
    for root in ("", f"/{project}"):
        page = call("GET", f"{root}/volumes/detail?limit=1", who="hex").json
        assert f"/v3{root}/volumes/detail?" in page["volumes_links"][0]["href"]
        assert f"/v3{root}/volumes/" in page["volumes"][0]["links"][0]["href"]


def test_count(three, call):
    assert call("GET", "/volumes?limit=1&with_count=true").json["count"] == 3
    assert call("GET", "/volumes/detail?name=a&with_count=true").json["count"] == 1
    assert "count" not in call("GET", "/volumes?with_count=true", version="3.44").json


def test_summary(three, call):
    assert call("GET", "/volumes/summary").json == {"volume-summary": {
        "total_count": 3, "total_size": 6, "metadata": {"n": ["a", "b", "c"]}}}
    assert call("GET", "/volumes/summary", version="3.12").json == {"volume-summary": {
        "total_count": 3, "total_size": 6}}
    assert call("GET", "/volumes/summary", who="bob").json["volume-summary"]["total_size"] == 0
    assert call("GET", "/volumes/summary?all_tenants=1", who="admin").json[
        "volume-summary"]["total_count"] == 3
    assert call("GET", "/volumes/summary", version="3.11").status_code == 404


def test_a_long_list_takes_no_more_statements(world, three, call):
    statements = []
    event.listen(world.db.engine, "before_cursor_execute",
                 lambda *args: statements.append(args[2]))
    call("GET", "/volumes/detail")
    few = len(statements)
    with world.db.writing() as session:
        session.add_all([Volume(project_id="red", user_id="alice", status="available", size=1,
                                availability_zone="nova") for _ in range(50)])
    statements.clear()
    assert len(call("GET", "/volumes/detail").json["volumes"]) == 53
    assert len(statements) == few
