"""What every store promises, asked of each that can be written to, and what clients see of them."""

import hashlib
import os

import pytest
from fakes import cluster
from sqlalchemy import update

from cairn.glance.core import locations
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.db.models import Image
from cairn.glance.drivers.file import FileStore

BYTES = b"\x00" * 70000 + b"the end"


@pytest.fixture(params=["file", "rbd"] if cluster.IMAGES else ["file"])
def store(request, tmp_path, monkeypatch):
    if request.param == "file":
        return FileStore("one", str(tmp_path / "new"))
    store = cluster.store(monkeypatch)
    request.addfinalizer(lambda: [store.delete(url) for _, url, _ in list(store.kept())])
    return store


def put(store, image_id, data):
    writing = store.write(image_id)
    writing.write(data)
    writing.flush()
    return writing.commit()


def test_what_was_put_is_read(store):
    url = put(store, "a", BYTES)
    with store.read(url) as file:
        assert file.read() == BYTES
    with store.read(url, 70000) as file:
        assert file.read() == b"the end"
    assert store.size(url) == len(BYTES)
    assert store.owns(url)


def test_an_aborted_writing_leaves_nothing(store):
    writing = store.write("a")
    writing.write(BYTES)
    writing.abort()
    assert list(store.kept()) == []


def test_two_writings_never_mix(store):
    first, second = store.write("a"), store.write("a")
    first.write(b"11")
    second.write(b"22")
    first.write(b"11")
    second.flush()
    url = second.commit()
    first.abort()
    with store.read(url) as file:
        assert file.read() == b"22"


def test_deleting_twice_is_no_fault(store):
    url = put(store, "a", BYTES)
    store.delete(url)
    store.delete(url)
    with pytest.raises(FileNotFoundError):
        store.read(url)


def test_what_is_kept_is_named_by_its_image(store):
    url = put(store, "a", BYTES)
    half = store.write("b")
    half.write(b"1")
    kept = list(store.kept())
    assert {image for image, _, _ in kept} == {"a", "b"}
    assert url in {address for _, address, _ in kept}
    assert all(age < 60 for _, _, age in kept)
    half.abort()


def test_the_proxy_finds_only_what_is_below_its_root(tmp_path):
    store = FileStore("one", str(tmp_path / "new"), root=str(tmp_path), accel="/_images/")
    assert store.accel(put(store, "a", BYTES)) == "/_images/new/a"
    outside = FileStore("two", str(tmp_path / "x"), root=str(tmp_path / "new"), accel="/_images/")
    assert outside.accel(put(outside, "a", BYTES)) is None


def test_a_sweep_removes_what_no_image_has_and_nothing_else(call, make, upload, glance, folder):
    kept, gone = make(), make()
    for image_id in (kept, gone):
        upload(image_id, BYTES)
    lost = folder / "second" / "00000000-0000-4000-8000-000000000000"
    lost.parent.mkdir()
    for path in (folder / "notes.txt", lost, folder / "lost+found"):
        path.write_bytes(b"x")
    half = folder / f"{kept}.abc.part"
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    with glance.db.writing() as session:
        session.execute(update(Image).where(Image.id == gone).values(status="deleted"))
    with glance.db.writing() as session:
        locations.forget(session, gone)
    Sweeper(glance).sweep()
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == sorted(
        [kept, "notes.txt", "lost+found"])


# Through the API ----------------------------------------------------------------------------------

def test_clients_see_the_stores(call):
    listed = call("GET", "/v2/info/stores").json["stores"]
    assert listed == [{"id": "local", "default": "true"}, {"id": "second"},
                      {"id": "web", "read-only": "true"}]
    assert call("GET", "/v2/info/stores/detail").status_code == 403
    detail = call("GET", "/v2/info/stores/detail", "admin").json["stores"]
    assert [s["type"] for s in detail] == ["file", "file", "http"]


def test_an_upload_goes_to_the_store_it_names(call, make, folder):
    image_id = make()
    headers = {"X-Image-Meta-Store": "second"}
    put = {"data": BYTES, "content_type": "application/octet-stream"}
    path = f"/v2/images/{image_id}/file"
    assert call("PUT", path, headers={"X-Image-Meta-Store": "none"}, **put).status_code == 400
    assert call("PUT", path, headers={"X-Image-Meta-Store": "web"}, **put).status_code == 400
    assert call("PUT", path, headers=headers, **put).status_code == 204
    assert call("GET", f"/v2/images/{image_id}").json["stores"] == "second"
    assert (folder / "second" / image_id).read_bytes() == BYTES


@pytest.fixture
def copied(call, make, upload, work):
    """An image in both stores."""
    image_id = make()
    upload(image_id, BYTES)
    begun = call("POST", f"/v2/images/{image_id}/import", "admin",
                 json={"method": {"name": "copy-image"}, "stores": ["second"]})
    assert begun.status_code == 202, begun.json
    work()
    assert call("GET", f"/v2/images/{image_id}").json["stores"] == "local,second"
    return image_id


def test_an_image_is_removed_from_one_store_but_not_from_the_last(call, copied, folder):
    path = f"/v2/stores/local/{copied}"
    assert call("DELETE", path, "bob").status_code == 404
    assert call("DELETE", path).status_code == 403
    assert call("DELETE", f"/v2/stores/none/{copied}", "admin").status_code == 409
    assert call("DELETE", f"/v2/stores/web/{copied}", "admin").status_code == 404
    assert call("DELETE", path, "admin").status_code == 204
    assert not (folder / copied).exists()
    # The last one stays, whichever store is named.
    assert call("DELETE", path, "admin").status_code == 403
    assert call("DELETE", f"/v2/stores/second/{copied}", "admin").status_code == 403
    assert hashlib.md5(call("GET", f"/v2/images/{copied}/file").data).digest() == (
        hashlib.md5(BYTES).digest())


def test_deleting_an_image_removes_it_everywhere(call, copied, folder):
    call("DELETE", f"/v2/images/{copied}")
    assert not (folder / copied).exists() and not (folder / "second" / copied).exists()


def test_what_is_there_is_not_copied_again(call, copied):
    path = f"/v2/images/{copied}/import"
    again = {"method": {"name": "copy-image"}}
    assert call("POST", path, "admin", json=again | {"stores": ["second"]}).status_code == 400
    assert call("POST", path, "admin", json=again | {"all_stores": True}).status_code == 202
    shown = call("GET", f"/v2/images/{copied}").json
    assert shown["os_glance_importing_to_stores"] == shown["os_glance_failed_import"] == ""


def test_copying_is_for_administrators(call, make, upload):
    image_id = make()
    upload(image_id, BYTES)
    assert call("POST", f"/v2/images/{image_id}/import",
                json={"method": {"name": "copy-image"}, "all_stores": True}).status_code == 403


def test_a_lost_store_does_not_hide_another_copy(call, copied, folder):
    (folder / copied).unlink()
    assert call("GET", f"/v2/images/{copied}/file").data == BYTES
    (folder / "second" / copied).unlink()
    assert call("GET", f"/v2/images/{copied}/file").status_code == 204


def test_usage_is_reported(call, make, upload):
    upload(make(), BYTES)
    usage = call("GET", "/v2/info/usage").json["usage"]
    assert usage["image_count_total"] == {"usage": 1, "limit": -1}
