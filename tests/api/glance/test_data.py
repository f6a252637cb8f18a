"""Bytes going in and out, whole and in parts, one client and several."""

import errno
import threading

import pytest
from sqlalchemy import select

from cairn.common.db import utcnow
from cairn.glance.core import claims
from cairn.glance.db.models import Image

BYTES = bytes(range(256)) * 400


@pytest.fixture
def active(make, upload):
    image_id = make()
    assert upload(image_id, BYTES).status_code == 204
    return image_id


@pytest.mark.parametrize(("text", "first", "last"), [
    ("bytes=0-4", 0, 4), ("bytes=100-", 100, len(BYTES) - 1), ("bytes=-7", len(BYTES) - 7,
                                                            len(BYTES) - 1),
    ("bytes=5-999999999", 5, len(BYTES) - 1)])
def test_a_range_is_sent(call, active, text, first, last):
    got = call("GET", f"/v2/images/{active}/file", headers={"Range": text})
    assert got.status_code == 206
    assert got.data == BYTES[first:last + 1]
    assert got.headers["Content-Range"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert got.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("text", ["bytes=999999999-", "bytes=5-4", "frogs=1-2", "bytes=0-1,3-4",
                                  "bytes=-"])
def test_a_range_that_cannot_be_is_refused(call, active, text):
    refused = call("GET", f"/v2/images/{active}/file", headers={"Range": text})
    assert refused.status_code == 416


def test_a_range_in_the_old_header(call, active):
    got = call("GET", f"/v2/images/{active}/file",
               headers={"Content-Range": f"bytes 1-3/{len(BYTES)}"})
    assert (got.status_code, got.data) == (206, BYTES[1:4])


def test_eight_clients_at_once_and_one_wins(call, make, folder):
    image_id = make()
    answers, ready = [], threading.Barrier(8)

    def upload(number):
        ready.wait()
        answers.append((call(
            "PUT", f"/v2/images/{image_id}/file", data=bytes([number]) * 3_000_000,
            content_type="application/octet-stream").status_code, number))

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for code, number in answers if code == 204]
    assert len(winners) == 1
    assert {code for code, number in answers if number != winners[0]} == {409}
    assert (folder / image_id).read_bytes() == bytes(winners) * 3_000_000
    assert [p.name for p in folder.iterdir() if p.is_file()] == [image_id]


def test_one_that_was_taken_for_dead_ends_nothing(call, make, glance, folder):
    """It wakes up after another took over: its bytes are dropped, the other's stay."""
    image_id = make()

    class Sleepy:
        def __init__(self):
            self.chunks = [b"old"]

        def read(self, size=-1):
            if self.chunks:
                return self.chunks.pop()
            with glance.db.writing() as session:
                session.execute(Image.__table__.update().values(
                    status="queued", saving_by=None, saving_until=None))
            assert call("PUT", f"/v2/images/{image_id}/file", data=b"new",
                        content_type="application/octet-stream").status_code == 204
            return b""

    from cairn.glance.core import uploads
    from cairn.glance.errors import Gone

    with glance.db.writing() as session:
        image = session.scalar(select(Image).where(Image.id == image_id))
        claim = claims.begin(session, image)
    with pytest.raises(Gone):
        uploads.upload(glance, image, claim, glance.stores.find("local"), Sleepy())
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "active"
    assert call("GET", f"/v2/images/{image_id}/file").data == b"new"
    assert [p.name for p in folder.iterdir() if p.is_file()] == [image_id]


def test_a_client_that_goes_away_leaves_a_queued_image(call, make, glance, folder):
    image_id = make()

    class Dropped:
        def read(self, size=-1):
            raise OSError("the client went away")

    from cairn.glance.core import uploads

    with glance.db.writing() as session:
        image = session.scalar(select(Image).where(Image.id == image_id))
        claim = claims.begin(session, image)
    with pytest.raises(OSError, match="went away"):
        uploads.upload(glance, image, claim, glance.stores.find("local"), Dropped())
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"
    assert [p for p in folder.iterdir() if p.is_file()] == []


def test_an_image_deleted_while_it_comes_in_is_gone(call, make, glance, folder):
    image_id = make()

    class Deleter:
        def read(self, size=-1):
            call("DELETE", f"/v2/images/{image_id}")
            return b""

    from cairn.glance.core import uploads
    from cairn.glance.errors import Gone

    with glance.db.writing() as session:
        image = session.scalar(select(Image).where(Image.id == image_id))
        claim = claims.begin(session, image)
    with pytest.raises(Gone):
        uploads.upload(glance, image, claim, glance.stores.find("local"), Deleter())
    assert [p for p in folder.iterdir() if p.is_file()] == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 413), (errno.EIO, 503)])
@pytest.mark.parametrize("where", ["write", "flush"])
def test_a_store_that_fails_is_told(call, make, upload, monkeypatch, folder, where, number, code):
    from cairn.glance.drivers.file import FileWriting

    def fail(self, *args):
        raise OSError(number, "as it is")

    monkeypatch.setattr(FileWriting, where, fail)
    image_id = make()
    refused = upload(image_id, BYTES)
    assert refused.status_code == code
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"
    assert [p for p in folder.iterdir() if p.is_file()] == []


@pytest.mark.parametrize(("headers", "code"), [
    ({"Content-Type": "application/json"}, 415),
    ({"Content-Type": "application/octet-stream", "X-OpenStack-Image-Size": "many"}, 400)])
def test_a_bad_upload_is_refused(call, make, headers, code):
    assert call("PUT", f"/v2/images/{make()}/file", data=b"x",
                headers=headers).status_code == code


@pytest.mark.parametrize("where", ["file", "stage"])
def test_an_upload_that_broke_off_is_not_taken_for_a_whole_one(call, make, folder, where):
    image_id = make()
    refused = call("PUT", f"/v2/images/{image_id}/{where}", data=BYTES, headers={
        "Content-Type": "application/octet-stream",
        "X-OpenStack-Image-Size": str(len(BYTES) + 1)})
    assert refused.status_code == 400
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_a_stranger_neither_uploads_nor_reads(call, active, make):
    put = {"data": b"x", "content_type": "application/octet-stream"}
    assert call("PUT", f"/v2/images/{make()}/file", "bob", **put).status_code == 404
    assert call("GET", f"/v2/images/{active}/file", "bob").status_code == 404
    assert call("PUT", f"/v2/images/{make()}/file", "rita", **put).status_code == 403


def test_a_store_may_be_preferred(call, active):
    assert call("GET", f"/v2/images/{active}/file?prefer=second").data == BYTES
    assert call("GET", f"/v2/images/{active}/file?prefer=frog").status_code == 400


def test_times_of_an_upload_are_forgotten(active, glance):
    with glance.db.reading() as session:
        image = session.get(Image, active)
    assert image.saving_by is None and image.saving_until is None
    assert image.updated_at <= utcnow()
