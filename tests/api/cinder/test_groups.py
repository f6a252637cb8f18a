"""Groups of volumes, and their snapshots, as Tempest and clients ask for them."""

import pytest

from cairn.cinder.core import groups
from cairn.cinder.db.models import Event, Group, GroupSnapshot, Snapshot, Volume
from cairn.cinder.drivers.base import NotSupported

NOBODY = "0" * 8 + "-0000-4000-8000-" + "0" * 12


@pytest.fixture
def kinds(call):
    """A volume type and a group type, by their ids."""
    made = call("POST", "/types", {"volume_type": {"name": "gold"}}, who="admin")
    kind = call("POST", "/group_types", {"group_type": {"name": "plain"}}, who="admin")
    assert (made.status_code, kind.status_code) == (200, 202)
    return made.json["volume_type"]["id"], kind.json["group_type"]["id"]


@pytest.fixture
def group(call, kinds):
    made = call("POST", "/groups", {"group": {
        "name": "g", "group_type": kinds[1], "volume_types": [kinds[0]]}}, version="3.13")
    assert made.status_code == 202, made.json
    assert made.json == {"group": {"id": made.json["group"]["id"], "name": "g"}}
    return made.json["group"]["id"]


@pytest.fixture
def member(world, create, group, kinds):
    """The id of a volume in the group."""
    made = create(volume_type=kinds[0], group_id=group)
    assert made.status_code == 202, made.json
    assert made.json["volume"]["group_id"] == group
    world.settle()
    return made.json["volume"]["id"]


def told(world, kind):
    with world.db.reading() as session:
        return [event.type for event in session.query(Event).order_by(Event.sequence)
                if event.type.startswith(kind + ".")]


def test_a_group_is_made_shown_listed_and_deleted(call, world, group, kinds, member):
    shown = call("GET", f"/groups/{group}?list_volume=true").json["group"]
    created_at = shown.pop("created_at")
    assert created_at and shown == {
        "id": group, "status": "available", "availability_zone": "nova", "name": "g",
        "description": None, "group_type": kinds[1], "volume_types": [kinds[0]],
        "group_snapshot_id": None, "source_group_id": None, "replication_status": "disabled",
        "volumes": [member]}
    first = call("GET", f"/groups/{group}?list_volume=true", version="3.13").json["group"]
    assert not {"volumes", "replication_status", "source_group_id", "project_id"} & first.keys()
    assert call("GET", f"/groups/{group}", who="admin").json["group"]["project_id"] == "red"
    (listed,) = call("GET", "/groups/detail?list_volume=1").json["groups"]
    assert listed["volumes"] == [member]
    assert call("GET", "/groups").json["groups"] == [{"id": group, "name": "g"}]
    refused = call("POST", f"/groups/{group}/action", {"delete": {"delete-volumes": False}})
    assert refused.status_code == 400
    assert call("DELETE", f"/volumes/{member}").status_code == 400
    gone = call("POST", f"/groups/{group}/action", {"delete": {"delete-volumes": True}})
    assert gone.status_code == 202
    assert call("GET", f"/groups/{group}").json["group"]["status"] == "deleting"
    world.settle()
    assert call("GET", f"/groups/{group}").status_code == 404
    assert world.row(Volume, member) is None
    assert told(world, "group") == ["group.create.start", "group.create.end",
                                    "group.delete.start", "group.delete.end"]


def test_lists_have_pages_order_and_filters(call, kinds):
    for name in ("a", "b", "c"):
        made = call("POST", "/groups", {"group": {
            "name": name, "group_type": "plain", "volume_types": ["gold"]}})
        assert made.status_code == 202
    page = call("GET", "/groups?sort=name:asc&limit=2").json
    assert [row["name"] for row in page["groups"]] == ["a", "b"]
    link = page["group_links"][0]["href"].partition("/v3")[2]
    rest = call("GET", link.replace("/None", "").replace("/red", "", 1)).json["groups"]
    assert [row["name"] for row in rest] == ["c"]
    assert [row["name"] for row in call("GET", "/groups?name=b").json["groups"]] == ["b"]
    assert call("GET", "/groups?shade=blue").status_code == 400
    assert call("GET", "/groups", who="bob").json["groups"] == []
    assert len(call("GET", "/groups?all_tenants=1", who="admin").json["groups"]) == 3


def test_volumes_leave_and_join(call, world, group, member, volume):
    changed = call("PUT", f"/groups/{group}", {"group": {
        "name": "new", "description": "it is", "remove_volumes": member}})
    assert changed.status_code == 202
    shown = call("GET", f"/groups/{group}?list_volume=true").json["group"]
    assert (shown["name"], shown["description"], shown["volumes"]) == ("new", "it is", [])
    assert call("PUT", f"/groups/{group}", {"group": {"add_volumes": member}}).status_code == 202
    assert world.row(Volume, member).group_id == group
    for wrong in ({"add_volumes": volume}, {"remove_volumes": volume}, {"add_volumes": NOBODY},
                  {"add_volumes": member, "remove_volumes": member}, {}, {"name": None},
                  {"color": "red"}):
        answer = call("PUT", f"/groups/{group}", {"group": wrong})
        assert answer.status_code == 400, wrong


def test_a_volume_joins_only_where_the_others_are(call, world, create, group, kinds, member):
    world.add_host("other")
    alone = create(volume_type=kinds[0]).json["volume"]["id"]
    world.settle()
    world.set(alone, host="other@fake#fake")
    answer = call("PUT", f"/groups/{group}", {"group": {"add_volumes": alone}})
    assert answer.status_code == 400 and "another backend" in answer.json["badRequest"]["message"]
    home = world.row(Volume, member).host
    made = [create(volume_type=kinds[0], group_id=group).json["volume"]["id"] for _ in range(3)]
    world.settle()
    assert {world.row(Volume, id_).host for id_ in made} == {home}


def test_a_volume_is_refused_that_can_not_be_in_the_group(create, group, kinds, call):
    assert create(group_id=group).status_code == 400
    assert call("POST", "/types", {"volume_type": {"name": "silver"}},
                who="admin").status_code == 200
    assert create(group_id=group, volume_type="silver").status_code == 400
    assert create(group_id=NOBODY, volume_type=kinds[0]).status_code == 404
    assert create(group_id=group, volume_type=kinds[0], who="bob").status_code == 404


@pytest.mark.parametrize("wrong", [
    {}, {"group_type": "plain"}, {"group_type": "plain", "volume_types": []},
    {"group_type": "plain", "volume_types": "gold"},
    {"group_type": "plain", "volume_types": ["gold"], "name": 5},
    {"group_type": "plain", "volume_types": ["gold"], "availability_zone": "moon"},
])
def test_a_wrong_group_is_refused(call, kinds, wrong):
    assert call("POST", "/groups", {"group": wrong}).status_code == 400


def test_types_that_there_are_not_and_a_full_quota(call, kinds):
    for wrong in ({"group_type": "no", "volume_types": ["gold"]},
                  {"group_type": "plain", "volume_types": ["no"]}):
        assert call("POST", "/groups", {"group": wrong}).status_code == 404
    assert call("PUT", "/os-quota-sets/red", {"quota_set": {"groups": 0}},
                who="admin").status_code == 200
    full = call("POST", "/groups", {"group": {"group_type": "plain", "volume_types": ["gold"]}})
    assert full.status_code == 413
    assert "GroupLimitExceeded" in full.json["overLimit"]["message"]


def test_others_and_readers(call, group):
    for method, path, body in (
        ("GET", f"/groups/{group}", None), ("PUT", f"/groups/{group}", {"group": {"name": "x"}}),
        ("POST", f"/groups/{group}/action", {"delete": {}}),
        ("POST", "/groups/action", {"create-from-src": {"source_group_id": group}}),
        ("POST", "/group_snapshots", {"group_snapshot": {"group_id": group}}),
    ):
        assert call(method, path, body, who="bob").status_code == 404, path
        if method != "GET":
            assert call(method, path, body, who="rita").status_code == 403, path
    assert call("GET", f"/groups/{group}", who="rita").status_code == 200
    assert call("GET", f"/groups/{group}", version="3.12").status_code == 404


def test_an_administrator_says_what_status_a_group_has(call, world, group):
    path = f"/groups/{group}/action"
    for status in ("creating", "available", "error"):
        assert call("POST", path, {"reset_status": {"status": status}},
                    who="admin").status_code == 202
        assert world.row(Group, group).status == status
    assert call("POST", path, {"reset_status": {"status": "x"}}, who="admin").status_code == 400
    assert call("POST", path, {"reset_status": {"status": "error"}}).status_code == 403


@pytest.mark.parametrize("action", ["enable_replication", "disable_replication",
                                    "failover_replication", "list_replication_targets"])
def test_nothing_is_replicated(call, group, action):
    path = f"/groups/{group}/action"
    assert call("POST", path, {action: {}}, who="admin").status_code == 400
    assert call("POST", path, {action: {}}).status_code == 403
    assert call("POST", f"/groups/{NOBODY}/action", {action: {}}, who="admin").status_code == 404


def take(call, group, **more):
    made = call("POST", "/group_snapshots", {"group_snapshot": {"group_id": group, "name": "s",
                                                                **more}})
    assert made.status_code == 202, made.json
    assert made.json["group_snapshot"].keys() == {"id", "name", "group_type_id"}
    return made.json["group_snapshot"]["id"]


def test_a_group_snapshot_lives_and_goes(call, world, group, member, kinds):
    taken = take(call, group)
    world.settle()
    shown = call("GET", f"/group_snapshots/{taken}").json["group_snapshot"]
    created_at = shown.pop("created_at")
    assert created_at and shown == {
        "id": taken, "group_id": group, "group_type_id": kinds[1], "status": "available",
        "name": "s", "description": None}
    (part,) = call("GET", "/snapshots/detail").json["snapshots"]
    assert (part["status"], part["group_snapshot_id"]) == ("available", taken)
    assert call("DELETE", f"/snapshots/{part['id']}").status_code == 400
    assert call("GET", "/group_snapshots").json["group_snapshots"] == [{"id": taken, "name": "s"}]
    (listed,) = call("GET", f"/group_snapshots/detail?group_id={group}").json["group_snapshots"]
    assert listed["group_id"] == group
    assert call("POST", f"/groups/{group}/action",
                {"delete": {"delete-volumes": True}}).status_code == 400
    assert call("DELETE", f"/group_snapshots/{taken}", who="bob").status_code == 404
    assert call("DELETE", f"/group_snapshots/{taken}", who="rita").status_code == 403
    assert call("DELETE", f"/group_snapshots/{taken}").status_code == 202
    world.settle()
    assert call("GET", f"/group_snapshots/{taken}").status_code == 404
    assert world.row(Snapshot, part["id"]) is None
    assert told(world, "group_snapshot") == [
        "group_snapshot.create.start", "group_snapshot.create.end", "group_snapshot.delete.start",
        "group_snapshot.delete.end"]


def test_a_group_snapshot_is_refused_of_an_empty_group_and_its_status_is_said(
    call, world, group, create, kinds
):
    empty = call("POST", "/group_snapshots", {"group_snapshot": {"group_id": group}})
    assert empty.status_code == 400
    create(volume_type=kinds[0], group_id=group)
    early = call("POST", "/group_snapshots", {"group_snapshot": {"group_id": group}})
    assert early.status_code == 400
    world.settle()
    taken = take(call, group)
    world.settle()
    for status in ("creating", "available", "error"):
        answer = call("POST", f"/group_snapshots/{taken}/action",
                      {"reset_status": {"status": status}}, who="admin")
        assert answer.status_code == 202
        assert world.row(GroupSnapshot, taken).status == status
    assert call("POST", f"/group_snapshots/{taken}/action",
                {"reset_status": {"status": "error"}}).status_code == 403


@pytest.fixture
def consistent(call, kinds):
    assert call("POST", f"/group_types/{kinds[1]}/group_specs",
                {"group_specs": {groups.CONSISTENT: groups.TRUE}}, who="admin").status_code == 202


@pytest.mark.usefixtures("consistent")
def test_snapshots_of_one_moment_are_the_drivers_to_take(call, world, group, member, monkeypatch):
    asked = []
    driver = world.driver()
    own = driver.create_snapshots

    def create_snapshots(things):
        asked.append([thing.volume.id for thing in things])
        return own(things)

    monkeypatch.setattr(driver, "create_snapshots", create_snapshots)
    taken = take(call, group)
    world.settle()
    assert asked == [[member]] and world.row(GroupSnapshot, taken).status == "available"


@pytest.mark.usefixtures("consistent")
def test_a_backend_that_can_not_says_so(call, world, group, member, monkeypatch):
    def refuse(things):
        raise NotSupported(reason="one volume at a time")

    monkeypatch.setattr(world.driver(), "create_snapshots", refuse)
    taken = take(call, group)
    world.settle()
    assert world.row(GroupSnapshot, taken).status == "error"
    (part,) = call("GET", "/snapshots/detail").json["snapshots"]
    assert part["status"] == "error"
    (message,) = call("GET", "/messages").json["messages"]
    assert message["resource_uuid"] == taken and "one volume at a time" in message["user_message"]
    assert call("DELETE", f"/group_snapshots/{taken}").status_code == 202
    world.settle()
    assert call("GET", "/snapshots").json["snapshots"] == []


def test_a_volume_does_not_grow_while_its_group_is_snapshotted(call, world, group, member):
    take(call, group)
    body = {"os-extend": {"new_size": 2}}
    assert call("POST", f"/volumes/{member}/action", body).status_code == 400
    world.settle()
    assert call("POST", f"/volumes/{member}/action", body).status_code == 202


@pytest.mark.parametrize("kind", ["source_group_id", "group_snapshot_id"])
def test_a_group_is_made_from_another(call, world, group, member, kind):
    source = group
    if kind == "group_snapshot_id":
        source = take(call, group)
        world.settle()
    made = call("POST", "/groups/action", {"create-from-src": {"name": "n", kind: source}},
                version="3.14")
    assert made.status_code == 202, made.json
    id_ = made.json["group"]["id"]
    assert made.json["group"] == {"id": id_, "name": "n"}
    assert world.row(Group, id_).status == "creating"
    world.settle()
    shown = call("GET", f"/groups/{id_}?list_volume=1").json["group"]
    assert shown["status"] == "available" and shown[kind] == source
    (volume,) = shown["volumes"]
    row = world.row(Volume, volume)
    assert (row.status, row.group_id) == ("available", id_)
    assert row.type_id == world.row(Volume, member).type_id


def test_what_no_group_can_be_made_from(call, group):
    for wrong, code in (
        ({}, 400), ({"source_group_id": group, "group_snapshot_id": group}, 400),
        ({"source_group_id": group}, 400), ({"source_group_id": NOBODY}, 404),
        ({"group_snapshot_id": NOBODY}, 404), ({"source_group_id": "x"}, 400),
    ):
        answer = call("POST", "/groups/action", {"create-from-src": wrong})
        assert answer.status_code == code, wrong


def test_consistency_groups_are_groups_of_one_type(call, world, create, kinds, group):
    made = call("POST", "/consistencygroups", {"consistencygroup": {
        "name": "c", "volume_types": "gold"}}, version="3.0")
    assert made.status_code == 202, made.json
    id_ = made.json["consistencygroup"]["id"]
    volume = create(volume_type=kinds[0], group_id=id_).json["volume"]["id"]
    world.settle()
    (shown,) = call("GET", "/consistencygroups/detail").json["consistencygroups"]
    assert (shown["id"], shown["volume_types"]) == (id_, [kinds[0]])
    assert call("GET", "/consistencygroups").json["consistencygroups"] == [
        {"id": id_, "name": "c"}]
    assert call("GET", f"/consistencygroups/{group}").status_code == 404
    assert call("PUT", f"/consistencygroups/{id_}/update",
                {"consistencygroup": {"name": "d"}}).status_code == 202
    assert call("GET", f"/consistencygroups/{id_}").json["consistencygroup"]["name"] == "d"
    taken = call("POST", "/cgsnapshots", {"cgsnapshot": {
        "consistencygroup_id": id_, "name": "s"}})
    assert taken.status_code == 202, taken.json
    world.settle()
    (row,) = call("GET", "/cgsnapshots/detail").json["cgsnapshots"]
    assert (row["status"], row["consistencygroup_id"]) == ("available", id_)
    copied = call("POST", "/consistencygroups/create_from_src", {"consistencygroup-from-src": {
        "cgsnapshot_id": row["id"]}})
    assert copied.status_code == 202, copied.json
    world.settle()
    assert call("GET", "/cgsnapshots").json["cgsnapshots"] == [{"id": row["id"], "name": "s"}]
    assert call("GET", f"/cgsnapshots/{row['id']}").status_code == 200
    assert call("DELETE", f"/cgsnapshots/{row['id']}").status_code == 202
    world.settle()
    refused = call("POST", f"/consistencygroups/{id_}/delete", {"consistencygroup": {}})
    assert refused.status_code == 400
    gone = call("POST", f"/consistencygroups/{id_}/delete", {"consistencygroup": {"force": True}})
    assert gone.status_code == 202
    world.settle()
    assert world.row(Group, id_) is None and world.row(Volume, volume) is None


def test_wrong_consistency_groups(call, kinds, group):
    for path, body in (
        ("/consistencygroups", {"consistencygroup": {"volume_types": " , "}}),
        ("/consistencygroups", {"consistencygroup": {}}),
        ("/consistencygroups/create_from_src", {"consistencygroup-from-src": {}}),
    ):
        assert call("POST", path, body).status_code == 400, path
    assert call("POST", "/cgsnapshots", {"cgsnapshot": {
        "consistencygroup_id": group}}).status_code == 404


def test_a_group_stays_while_snapshots_of_it_do(call, world, group, member):
    taken = take(call, group)
    world.settle()
    assert call("POST", f"/groups/{group}/action", {"reset_status": {"status": "deleting"}},
                who="admin").status_code == 202
    assert call("DELETE", f"/volumes/{member}?force=true&cascade=true",
                who="admin").status_code == 202
    world.settle()
    assert world.row(Volume, member) is None and world.row(Group, group).status == "error"
    assert call("DELETE", f"/group_snapshots/{taken}").status_code == 202
    world.settle()
    assert world.row(GroupSnapshot, taken) is None
    assert call("POST", f"/groups/{group}/action", {"delete": {}}).status_code == 202
    assert world.row(Group, group) is None


def test_what_pythons_own_client_says(world, call):
    """Members ask for group types of any publicity; a group is told once more whose it is."""
    assert call("GET", "/group_types?is_public=None").status_code == 200
    more = {"user_id": None, "project_id": None, "status": "creating"}
    type_ = call("POST", "/types", {"volume_type": {"name": "t"}},
                 who="admin").json["volume_type"]["id"]
    made = call("POST", "/consistencygroups", {"consistencygroup": {
        "volume_types": type_, "name": "c", **more}})
    assert made.status_code == 202, made.json
    world.settle()
    group = made.json["consistencygroup"]["id"]
    assert call("PUT", f"/consistencygroups/{group}", {
        "consistencygroup": {"name": "renamed"}}).status_code == 202
    for path, asked in (
        ("cgsnapshots", {"cgsnapshot": {"consistencygroup_id": group, "name": "s", **more}}),
        ("consistencygroups/create_from_src", {"consistencygroup-from-src": {
            "source_cgid": group, "name": "d", **more}}),
    ):
        answer = call("POST", f"/{path}", asked)
        # There is no volume in it to take a snapshot of; the words were understood.
        assert "additional" not in str(answer.json).lower(), answer.json
