"""What volumes, snapshots and transfers answer to what is wrong: the API reference's codes."""

import pytest

NONE = "7bd7e6f2-6f0b-4c0e-a9ba-0a7f4f2cbb0f"  # An id of nothing.
LONG = "x" * 256
NASTY = (1, [], {}, True, LONG, "a\x00b")

ACTIONS = {
    "os-extend": [{}, {"new_size": None}, {"new_size": "x"}, {"new_size": 2, "junk": 1}],
    "os-set_bootable": [{}, {"bootable": "x"}, None],
    "os-update_readonly_flag": [{}, {"readonly": "x"}, None],
    "os-set_image_metadata": [{}, {"metadata": []}, {"metadata": {"a": 1}}],
    "os-unset_image_metadata": [{}, {"key": ""}, {"key": 1}],
    "os-show_image_metadata": ["x", 1],
    "os-retype": [{}, {"new_type": ""}, {"new_type": 1}, {"new_type": "a",
                                                         "migration_policy": "x"}],
    "revert": [{}, {"snapshot_id": "x"}],
    "os-reimage": [{}, {"image_id": "x"}, {"image_id": NONE, "reimage_reserved": "x"}],
    "os-volume_upload_image": [{}, {"image_name": ""}, {"image_name": "i", "disk_format": "x"},
                               {"image_name": "i", "visibility": "x"},
                               {"image_name": "i", "force": "x"}],
    "os-reset_status": [{}, {"status": "x"}, {"junk": "error"}],
    "os-force_delete": ["x"],
    "os-migrate_volume": [{}, {"host": ""}, {"host": LONG}, {"host": "x", "lock_volume": "x"}],
    "os-migrate_volume_completion": [{}, {"new_volume": "x"}],
    "os-unmanage": ["x"],
    "junk": [{}],
}


@pytest.mark.parametrize("action", ACTIONS)
def test_actions(call, volume, action):
    for body in ACTIONS[action]:
        answer = call("POST", f"/volumes/{volume}/action", {action: body}, who="admin")
        assert answer.status_code == 400, (body, answer.json)
    for body in ({}, None, {"os-extend": {}, "os-retype": {}}):
        assert call("POST", f"/volumes/{volume}/action", body, who="admin").status_code == 400


@pytest.mark.parametrize(("path", "name", "fields"), [
    ("/volumes", "volume", ("name", "description", "volume_type", "snapshot_id", "source_volid",
                            "imageRef", "availability_zone", "multiattach", "backup_id")),
    ("/snapshots", "snapshot", ("name", "description", "force", "volume_id")),
    ("/volume-transfers", "transfer", ("name", "volume_id", "no_snapshots")),
])
def test_what_is_made(call, volume, path, name, fields):
    whole = {"size": 1} if name == "volume" else {"volume_id": volume}
    for body in (None, {}, {name: None}, {name: []}, {name: "x"}, {name: {**whole, "junk": 1}},
                 {name: whole, "junk": 1}):
        assert call("POST", path, body).status_code == 400, body
    for field in fields:
        for value in NASTY:
            if value == "a\x00b" and field == "description":
                continue  # It may have lines.
            if field in ("multiattach", "force", "no_snapshots") and value in (1, True):
                continue
            answer = call("POST", path, {name: {**whole, field: value}})
            assert answer.status_code in (400, 404), (field, value, answer.json)


@pytest.mark.parametrize("path", [
    f"/volumes/{NONE}", f"/snapshots/{NONE}", f"/volume-transfers/{NONE}",
    f"/os-volume-transfer/{NONE}", f"/volumes/{NONE}/metadata", f"/snapshots/{NONE}/metadata",
    f"/volumes/{NONE}/encryption", "/volumes/x", "/snapshots/x", "/volume-transfers/x",
])
def test_what_is_not_there(call, path):
    assert call("GET", path).status_code == 404
    if path.count("/") == 2:
        assert call("DELETE", path).status_code == 404


@pytest.mark.parametrize("path", ["/volumes", "/volumes/detail", "/snapshots", "/snapshots/detail",
                                  "/volume-transfers", "/os-volume-transfer/detail"])
@pytest.mark.parametrize("query", [
    "limit=-1", "limit=x", "limit=99999999999999999999", "offset=-1", "offset=x", "sort_key=x",
    "sort=x:y", "sort_dir=x", "junk=1", "marker=x", "all_tenants=x"])
def test_lists(call, path, query):
    assert call("GET", f"{path}?{query}").status_code in (400, 404)


def test_what_is_managed(call, volume):
    for body in ({}, {"volume": {}}, {"volume": {"host": "x", "ref": "x"}},
                 {"volume": {"host": "x", "ref": {"a": 1}}}):
        assert call("POST", "/manageable_volumes", body, who="admin").status_code == 400, body
    for body in ({}, {"snapshot": {}}, {"snapshot": {"volume_id": volume, "ref": []}}):
        assert call("POST", "/manageable_snapshots", body, who="admin").status_code == 400, body
    for query in ("", "?host=mars@x", "?host=store@fake%23fake&limit=x",
                  "?host=store@fake%23fake&sort=x", "?host=store@fake%23fake&marker=x"):
        assert call("GET", f"/manageable_volumes{query}", who="admin").status_code == 400, query
