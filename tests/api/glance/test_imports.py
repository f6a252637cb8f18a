"""Imports by every method, their tasks, and what becomes of those that fail or are killed."""

import datetime as dt
import gzip
import hashlib
import io
import json
import lzma
import os
import shutil
import struct
import subprocess
import zipfile
from dataclasses import replace

import pytest
from sqlalchemy import update

from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.settings import BadSetting
from cairn.glance.core import content
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.db.data import Work
from cairn.glance.db.models import Image
from cairn.glance.drivers.gate import Gate, Refused
from cairn.glance.drivers.stores import Stores
from cairn.glance.settings import ImportSettings, StoreSettings
from cairn.glance.worker import plugins
from cairn.glance.worker.process import make as make_worker

BYTES = b"\x00" * 70000 + b"the end"


def qcow2(backing=b"", size=1 << 30):
    head = b"QFI\xfb" + struct.pack(">IQIIQIIQQIIQ", 3, 512 if backing else 0, len(backing), 16,
                                    size, 0, 2, 65536, 131072, 1, 0, 0)
    head += struct.pack(">QQQII", 0, 0, 0, 4, 104)
    return head.ljust(512, b"\0") + backing.ljust(65536 * 3, b"\0")


@pytest.fixture
def staged(call, make):
    """staged(data, **fields) -> an image whose bytes wait for their import."""
    def staged(data=BYTES, **fields):
        image_id = make(**fields)
        put = call("PUT", f"/v2/images/{image_id}/stage", data=data,
                   content_type="application/octet-stream")
        assert put.status_code == 204, put.json
        return image_id

    return staged


@pytest.fixture
def bring(call):
    def bring(image_id, name="glance-direct", who="alice", *, method=(), **body):
        return call("POST", f"/v2/images/{image_id}/import", who,
                    json={"method": {"name": name, **dict(method)}, **body})

    return bring


def shown(call, image_id):
    return call("GET", f"/v2/images/{image_id}").json


def task(call, image_id):
    return call("GET", f"/v2/images/{image_id}/tasks").json["tasks"][0]


def left(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_what_is_staged_is_imported(call, staged, bring, work, folder):
    image_id = staged()
    assert shown(call, image_id)["status"] == "uploading"
    begun = bring(image_id)
    assert begun.status_code == 202, begun.json
    waiting = shown(call, image_id)
    assert (waiting["status"], waiting["os_glance_importing_to_stores"]) == ("importing", "local")
    assert waiting["os_glance_import_task"] == task(call, image_id)["id"]
    work()
    image = shown(call, image_id)
    assert (image["status"], image["stores"], image["size"]) == ("active", "local", len(BYTES))
    assert image["os_hash_value"] == hashlib.sha512(BYTES).hexdigest()
    assert image["os_glance_importing_to_stores"] == image["os_glance_failed_import"] == ""
    assert "os_glance_import_task" not in image
    assert call("GET", f"/v2/images/{image_id}/file").data == BYTES
    assert left(folder) == [image_id]
    done = task(call, image_id)
    assert (done["status"], done["result"]) == ("success", {"image_id": image_id})
    assert done["input"]["import_req"]["method"]["name"] == "glance-direct"
    assert done["request_id"] == begun.headers["X-OpenStack-Request-ID"]
    assert done["expires_at"] > done["created_at"]


def test_deleting_an_image_removes_what_is_staged(call, staged, folder):
    call("DELETE", f"/v2/images/{staged()}")
    assert left(folder) == []


def test_a_staging_that_died_goes_back_to_queued(call, make, glance, folder):
    image_id = make()
    half = folder / "staging" / f"{image_id}.123.part"
    half.parent.mkdir()
    half.write_bytes(b"half")
    os.utime(half, (1, 1))
    with glance.db.writing() as session:
        session.execute(update(Image).values(
            status="uploading", saving_by="x", saving_until=utcnow() - dt.timedelta(seconds=1)))
    Sweeper(glance).sweep()
    assert shown(call, image_id)["status"] == "queued"
    assert left(folder) == []


def test_what_is_staged_waits_for_its_import(call, staged, glance, folder):
    image_id = staged()
    yesterday = utcnow().timestamp() - 24 * 3600
    os.utime(folder / "staging" / image_id, (yesterday, yesterday))
    Sweeper(glance).sweep()
    assert left(folder) == [image_id]


def test_an_import_goes_to_all_stores(call, staged, bring, work, folder):
    image_id = staged()
    bring(image_id, all_stores=True)
    work()
    assert shown(call, image_id)["stores"] == "local,second"
    assert left(folder) == [image_id, image_id]


@pytest.mark.parametrize(("body", "code"), [
    ({}, 400), ({"method": {}}, 400), ({"method": {"name": "frog"}}, 400),
    ({"method": {"name": "glance-direct"}, "stores": ["none"]}, 409),
    ({"method": {"name": "glance-direct"}, "stores": ["web"]}, 400),
    ({"method": {"name": "glance-direct"}, "stores": ["local"], "all_stores": True}, 400),
    ({"method": {"name": "glance-direct"}, "all_stores": "yes"}, 400),
    ({"method": {"name": "web-download", "uri": "http://x/"}}, 409),
    ({"method": {"name": "copy-image"}}, 403)])
def test_a_bad_import_is_refused(call, staged, body, code):
    image_id = staged()
    assert call("POST", f"/v2/images/{image_id}/import", json=body).status_code == code
    assert shown(call, image_id)["status"] == "uploading"


def test_only_the_owner_imports_and_only_what_is_staged(call, make, staged, bring):
    assert bring(make()).status_code == 409
    image_id = staged()
    assert bring(image_id, who="bob").status_code == 404
    assert bring(image_id, who="rita").status_code == 403
    assert call("GET", f"/v2/images/{image_id}/tasks", "bob").status_code == 404
    assert bring(image_id).status_code == 202
    assert bring(image_id).status_code == 409


@pytest.mark.parametrize(("fields", "data", "says"), [
    ({"disk_format": "qcow2"}, BYTES, "qcow2"), ({}, qcow2(), "it is qcow2"),
    ({"disk_format": "qcow2"}, qcow2(backing=b"/etc/shadow"), "backing")])
def test_content_that_lies_is_not_imported(call, staged, bring, work, folder, fields, data, says):
    image_id = staged(data, **fields)
    bring(image_id)
    work()
    image = shown(call, image_id)
    assert (image["status"], image["os_glance_failed_import"]) == ("queued", "local")
    assert "os_glance_import_task" not in image and "stores" not in image
    assert says in task(call, image_id)["message"]
    assert left(folder) == []


def test_a_download_from_the_web(call, make, bring, work, web):
    image_id = make()
    assert bring(image_id, "web-download", method={"uri": f"{web.url}/image"}).status_code == 202
    work()
    assert shown(call, image_id)["size"] == len(BYTES)


@pytest.mark.parametrize("answer", [
    (404, {}, b""), (200, {"Content-Length": "999999"}, BYTES), (500, {}, b"")])
def test_a_download_that_fails_leaves_a_queued_image(call, make, bring, work, web, folder, answer):
    web.answers["/image"] = answer
    image_id = make()
    bring(image_id, "web-download", method={"uri": f"{web.url}/image"})
    work()
    assert shown(call, image_id)["status"] == "queued"
    assert task(call, image_id)["status"] == "failure"
    assert left(folder) == []


# What a name resolves to is seen when it is fetched, never by the API.
NAMES = ["http://localhost/x", "http://nowhere.invalid/x"]
ADDRESSES = [
    "http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/",
    "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/",
    "file:///etc/passwd", "gopher://x/", "http://10.0.0.1:22/", "", "http://", None, 7,
    "http://[fe80::1%25lo]/", "ftp://example.org/x", "http://10.0.0.1:x/", "http://x/\r\nX: y",
    # Nobody's on the internet: the cloud's own networks, and others' inside.
    "http://10.1.2.3/", "http://172.16.9.1/", "http://192.168.1.1/", "http://100.64.0.1/",
    "http://192.0.2.11/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://[fd00::1]/", "http://[2001:db8::1]/", "http://[ff02::1]/", "http://[fec0::1]/",
    # ...and what a gateway would take for one of those.
    "http://[64:ff9b::10.0.0.1]/", "http://[2002:a00:1::]/", "http://[2001:0:1::1]/",
    "http://[::10.0.0.1]/"]


@pytest.mark.parametrize("uri", ADDRESSES)
def test_addresses_of_this_host_and_its_cloud_are_refused_at_once(uri):
    with pytest.raises(Refused):
        Gate(ImportSettings()).check(uri)


@pytest.mark.parametrize("uri", [*ADDRESSES, *NAMES])
def test_and_never_connected_to(uri, monkeypatch):
    monkeypatch.setattr("socket.create_connection", lambda *a, **k: pytest.fail("connected"))
    with pytest.raises(Refused):
        Gate(ImportSettings()).open(uri)


def test_the_clouds_own_networks_are_refused_wherever_they_are():
    gate = Gate(ImportSettings(own_networks="93.184.216.0/24 8.8.8.8 localhost"))
    for address in ("93.184.216.34", "8.8.8.8", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]"):
        with pytest.raises(Refused):
            gate.check(f"http://{address}/")
    gate.check("http://8.8.4.4/")
    named = Gate(ImportSettings(refused_networks="", own_networks="localhost"))
    with pytest.raises(Refused):
        named.check("http://127.0.0.1/")
    named.check("http://127.0.0.2/")


def test_an_operator_allows_what_he_needs_and_no_more():
    gate = Gate(ImportSettings(own_networks="10.0.0.0/24", allowed_networks="10.0.0.7/32"))
    gate.check("http://10.0.0.7/")
    with pytest.raises(Refused):
        gate.check("http://10.0.0.8/")
    with pytest.raises(BadSetting, match="allowed_networks"):
        Gate(ImportSettings(allowed_networks="10.0.0.1/24"))


def test_lists_of_hosts_and_ports():
    gate = Gate(ImportSettings(
        allowed_hosts="10.1.1.1", allowed_ports="8080", allowed_networks="10.1.1.0/24"))
    gate.check("http://10.1.1.1:8080/x")
    for uri in ("http://10.1.1.2:8080/", "http://10.1.1.1:80/"):
        with pytest.raises(Refused):
            gate.check(uri)
    with pytest.raises(Refused):
        Gate(ImportSettings(disallowed_hosts="10.1.1.1")).check("http://10.1.1.1/")


def test_a_name_is_judged_by_every_address_it_has_each_time(monkeypatch):
    import socket
    answers = [["93.184.216.34", "127.0.0.1"]]

    def resolve(host, port, **options):
        return [(2, 1, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    gate = Gate(ImportSettings())
    with pytest.raises(Refused):
        gate.open("http://rebinding.example/")


def test_a_redirect_is_judged_like_the_first_address(call, make, bring, work, web):
    web.answers["/away"] = (302, {"Location": "http://169.254.169.254/secret"}, b"")
    web.answers["/on"] = (302, {"Location": "/image"}, b"")
    image_id = make()
    bring(image_id, "web-download", method={"uri": f"{web.url}/away"})
    work()
    assert "not allowed" in task(call, image_id)["message"]
    bring(image_id, "web-download", method={"uri": f"{web.url}/on"})
    work()
    assert shown(call, image_id)["status"] == "active"


def test_a_bad_uri_is_refused_at_once(call, make, bring):
    image_id = make()
    refused = bring(image_id, "web-download", method={"uri": "http://169.254.169.254/"})
    assert refused.status_code == 400
    assert "does not pass filtering" in refused.json["message"]
    assert shown(call, image_id)["status"] == "queued"


def test_one_store_may_fail_where_not_all_must_succeed(call, staged, bring, work, folder):
    (folder / "second").write_text("no folder")
    image_id = staged()
    bring(image_id, all_stores=True, all_stores_must_succeed=False)
    work()
    image = shown(call, image_id)
    assert (image["status"], image["stores"], image["os_glance_failed_import"]) == (
        "active", "local", "second")


def test_all_must_succeed_and_one_does_not(call, staged, bring, work, folder):
    (folder / "second").write_text("no folder")
    image_id = staged()
    bring(image_id, all_stores=True)
    work()
    image = shown(call, image_id)
    assert (image["status"], "stores" in image) == ("queued", False)
    assert left(folder) == ["second"]


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("step", ["fetch", "work over", "measure", "store", "finish"])
def test_a_worker_killed_anywhere_is_followed_by_another(call, staged, bring, glance, folder,
                                                        step, moment):
    image_id = staged()
    bring(image_id, all_stores=True)
    first = make_worker(glance)

    def die(now, job, name):
        if (now, name) == (moment, step):
            raise Killed

    first.probe = die
    with pytest.raises(Killed):
        first.drain()
    second = make_worker(glance)
    job = second.ledger.take(second.runner, second.lease_holder, True)
    second.run(job)
    image = shown(call, image_id)
    assert (image["status"], image["stores"]) == ("active", "local,second")
    assert task(call, image_id)["status"] == "success"
    assert left(folder) == [image_id, image_id]


def test_an_image_deleted_meanwhile_is_not_imported(call, staged, bring, work, folder):
    image_id = staged()
    bring(image_id)
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 204
    work()
    assert call("GET", f"/v2/images/{image_id}").status_code == 404
    assert left(folder) == []


@pytest.fixture
def of_a_newer_release(glance):
    """of_a_newer_release(image_id): its open work is of a kind that nothing here knows."""
    def of_a_newer_release(image_id):
        with glance.db.writing() as session:
            session.execute(update(Work).where(Work.subject == image_id, Work.state == "queued")
                            .values(kind="of_a_newer_release"))

    return of_a_newer_release


UNKNOWN = "This release does not know the work of_a_newer_release."


def test_an_import_of_a_newer_release_ends_and_holds_nothing(call, staged, bring, work,
                                                             of_a_newer_release):
    image_id = staged()
    bring(image_id, all_stores=True)
    of_a_newer_release(image_id)
    work()
    ended, image = task(call, image_id), shown(call, image_id)
    assert (ended["status"], ended["message"]) == ("failure", UNKNOWN)
    assert (image["status"], image["size"]) == ("queued", None)
    assert "os_glance_import_task" not in image
    assert image["os_glance_importing_to_stores"] == ""
    assert image["os_glance_failed_import"] == "local,second"
    # Its owner brings it again.
    again = call("PUT", f"/v2/images/{image_id}/file", data=BYTES,
                 content_type="application/octet-stream")
    assert (again.status_code, shown(call, image_id)["status"]) == (204, "active")


def test_a_copy_of_a_newer_release_ends_and_the_next_may_begin(call, staged, bring, work,
                                                               of_a_newer_release):
    image_id = staged()
    bring(image_id, stores=["local"])
    work()
    assert bring(image_id, "copy-image", "admin", stores=["second"]).status_code == 202
    of_a_newer_release(image_id)
    work()
    ended, image = task(call, image_id), shown(call, image_id)
    assert (ended["status"], ended["message"]) == ("failure", UNKNOWN)
    assert (image["status"], image["stores"]) == ("active", "local")
    assert "os_glance_import_task" not in image
    assert bring(image_id, "copy-image", "admin", stores=["second"]).status_code == 202
    work()
    assert shown(call, image_id)["stores"] == "local,second"


def test_an_unknown_work_lets_go_of_no_image_that_another_holds(call, staged, bring, glance, work):
    image_id = staged()
    bring(image_id)
    with glance.db.writing() as session:
        row = ledger.add(session, Context("alice"), Work, kind="of_a_newer_release",
                         subject=image_id, runner="glance", args={"task": "another"})
        row.seq = 0  # It comes first.
    job = make_worker(glance).ledger.take("glance", "glance@a", False)
    assert job.kind == "of_a_newer_release"
    make_worker(glance).run(job)
    assert (shown(call, image_id)["status"], "os_glance_import_task" in shown(call, image_id)) == (
        "importing", True)
    work()
    assert shown(call, image_id)["status"] == "active"


# Plugins ------------------------------------------------------------------------------------------

@pytest.fixture
def plugged(glance, work):
    """plugged(**settings of imports): do the work with these."""
    def plugged(**settings):
        imports = replace(glance.imports, **settings)
        make_worker(replace(glance, imports=imports)).drain()

    return plugged


def zipped(data, *more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("disk", *more):
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zipped, lambda data: data])
def test_compressed_images_are_unpacked(call, staged, bring, plugged, pack):
    image_id = staged(pack(BYTES))
    bring(image_id)
    plugged(plugins="image_decompression")
    assert call("GET", f"/v2/images/{image_id}/file").data == BYTES


@pytest.mark.parametrize("data", [
    gzip.compress(BYTES)[:-9], zipped(BYTES, "second"), gzip.compress(b"\0" * (9 << 20)),
    lzma.compress(BYTES)[:-9],
    lzma.compress(BYTES, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 << 20}])])
def test_what_cannot_be_unpacked_is_refused(call, staged, bring, plugged, folder, data):
    image_id = staged(data)
    bring(image_id)
    plugged(plugins="image_decompression")
    assert task(call, image_id)["status"] == "failure"
    assert left(folder) == []


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="no qemu-img here")
def test_an_image_is_converted(call, staged, bring, plugged):
    image_id = staged()
    bring(image_id)
    plugged(plugins="image_conversion", output_format="qcow2")
    image = shown(call, image_id)
    assert (image["status"], image["disk_format"]) == ("active", "qcow2"), task(call, image_id)
    assert call("GET", f"/v2/images/{image_id}/file").data[:4] == b"QFI\xfb"


def test_an_unchecked_image_is_not_converted(call, staged, bring, plugged):
    image_id = staged(qcow2(backing=b"/etc/shadow"), disk_format="qcow2")
    bring(image_id)
    plugged(plugins="image_conversion")
    assert "backing" in task(call, image_id)["message"]


def test_what_is_copied_from_others_is_what_it_was(call, make, bring, work, web):
    """The bytes of a location are its server's to change; those of our stores are not."""
    image_id = make()
    call("POST", f"/v2/images/{image_id}/locations", json={"url": f"{web.url}/image"})
    work()
    good = web.answers["/image"]
    web.answers["/image"] = (200, {}, good[2][:-1] + b"!")
    copy = {"name": "copy-image"}
    asked = bring(image_id, "copy-image", who="admin", method=copy, stores=["local"])
    assert asked.status_code == 202
    work()
    assert shown(call, image_id)["stores"] == "web"
    web.answers["/image"] = good
    bring(image_id, "copy-image", who="admin", method=copy, stores=["local"])
    work()
    assert shown(call, image_id)["stores"] in ("web,local", "local,web")


def test_what_is_staged_does_not_wait_for_ever(call, staged, glance, folder):
    image_id = staged()
    path = folder / "staging" / image_id
    week = 7 * 24 * 3600
    for age, status in ((week - 60, "uploading"), (week + 60, "queued")):
        then = utcnow().timestamp() - age
        os.utime(path, (then, then))
        Sweeper(glance).sweep()
        assert shown(call, image_id)["status"] == status
    assert left(folder) == []


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="no qemu-img here")
def test_qemu_img_is_told_what_it_reads_and_follows_nothing(tmp_path, monkeypatch):
    """Even of an image that nobody looked into."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"the secret".ljust(1 << 16, b"\0"))
    trap, target = tmp_path / "trap", tmp_path / "out"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(secret), "-F", "raw",
                    str(trap)], check=True)
    monkeypatch.setattr(content, "inspect", lambda path, expected: expected.disk_format)
    expected = content.Expected("qcow2", "bare")
    with pytest.raises(plugins.Failed, match="another file"):
        plugins.convert(str(trap), str(target), expected, "raw", 8 << 20)
    plugins._qemu(8 << 20, "convert", "-O", "raw", plugins._only("qcow2", str(trap)), str(target))
    assert b"secret" not in target.read_bytes()
    with pytest.raises(plugins.Failed):
        plugins.convert(str(secret), str(target), expected, "raw", 8 << 20)


@pytest.mark.skipif(not shutil.which("qemu-img"), reason="no qemu-img here")
def test_a_disk_that_swells_is_not_converted(call, make, bring, plugged, tmp_path):
    bomb = tmp_path / "bomb"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(bomb), "4T"], check=True)
    image_id = make(disk_format="qcow2")
    call("PUT", f"/v2/images/{image_id}/stage", data=bomb.read_bytes(),
         content_type="application/octet-stream")
    bring(image_id)
    plugged(plugins="image_conversion")
    assert "larger than" in task(call, image_id)["message"]


@pytest.mark.parametrize(("who", "has"), [("alice", True), ("admin", False)])
def test_properties_are_injected(call, make, bring, plugged, who, has):
    image_id = make(who)
    call("PUT", f"/v2/images/{image_id}/stage", who, data=BYTES,
         content_type="application/octet-stream")
    bring(image_id, who=who)
    plugged(plugins="inject_image_metadata", inject="source:import,n: 1")
    image = call("GET", f"/v2/images/{image_id}", "admin").json
    assert (image.get("source"), image.get("n")) == (("import", "1") if has else (None, None))


# Another region -----------------------------------------------------------------------------------

class Cloud:
    """Another region's glance, in front of this one's own."""

    def __init__(self, call):
        self.call = call

    def endpoint(self, service, region, interface):
        from cairn.common.errors import Unavailable
        if region != "there":
            raise Unavailable(reason=f"no region {region}")
        return "http://there/image"

    def fetch(self, url, *, token="", headers=None, stream=False):
        path = url.removeprefix("http://there/image")
        got = self.call("GET", path, token or "nova", headers=headers or {})
        if got.status_code >= 400:
            from cairn.common.errors import Remote
            raise Remote("image", got.status_code, got.json["message"])

        class Answer:
            raw = type("Raw", (), {
                "read1": lambda self, size, decode_content: body.read(size)})()

            def json(self):
                return json.loads(got.data)

            def close(self):
                pass

            def __enter__(self):
                return self

            def __exit__(self, *_):
                pass

        body = io.BytesIO(got.data)
        return Answer()


@pytest.fixture
def remote(glance, call, people):

    from cairn.glance.app import create_app
    mine = replace(glance, cloud=Cloud(call), settings=replace(
        glance.settings, use_keystone_limits=False))
    mine_people = {name: replace(ctx, token=name) for name, ctx in people.items()}
    client = create_app(mine, lambda h: mine_people.get(h.get("X-Auth-Token")), {}).test_client()

    def remote(image_id, source, who="alice", region="there"):
        begun = client.post(f"/v2/images/{image_id}/import", headers={"X-Auth-Token": who}, json={
            "method": {"name": "glance-download", "glance_region": region,
                       "glance_image_id": source}})
        make_worker(mine).drain()
        return begun

    return remote


def test_an_image_of_another_region(call, make, upload, remote):
    source = make(hw_cpu_cores="5", speed="fast")
    upload(source, BYTES)
    image_id = make(disk_format="iso", container_format="ovf")
    assert remote(image_id, source).status_code == 202
    image = shown(call, image_id)
    assert (image["status"], image["disk_format"], image["hw_cpu_cores"]) == ("active", "raw", "5")
    assert "speed" not in image


def test_nobody_gets_what_is_not_theirs_through_another_region(call, make, upload, remote):
    source = make("bob")
    upload(source, BYTES, "bob")
    image_id = make()
    assert remote(image_id, source).status_code == 202
    assert shown(call, image_id)["status"] == "queued"
    assert task(call, image_id)["status"] == "failure"
    assert remote(image_id, source, region="nowhere").status_code == 202
    assert task(call, image_id)["status"] == "failure"
    assert remote(image_id, "frog").status_code == 400


# Tasks --------------------------------------------------------------------------------------------

def test_tasks_are_for_administrators(call, web, work):
    body = {"type": "import", "input": {
        "import_from": f"{web.url}/image", "import_from_format": "raw",
        "image_properties": {"name": "made", "disk_format": "raw", "container_format": "bare",
                             "color": "red"}}}
    assert call("POST", "/v2/tasks", json=body).status_code == 403
    made = call("POST", "/v2/tasks", "admin", json=body)
    assert made.status_code == 201, made.json
    assert made.json["status"] == "pending"
    work()
    done = call("GET", f"/v2/tasks/{made.json['id']}", "admin").json
    assert done["status"] == "success"
    image = call("GET", f"/v2/images/{done['result']['image_id']}", "admin").json
    assert (image["name"], image["status"], image["color"]) == ("made", "active", "red")
    assert [t["id"] for t in call("GET", "/v2/tasks?status=success", "admin").json["tasks"]] == [
        made.json["id"]]
    assert call("GET", "/v2/tasks").status_code == 403
    assert call("DELETE", f"/v2/tasks/{made.json['id']}", "admin").status_code == 405
    assert call("GET", "/v2/tasks/none", "admin").status_code == 404


@pytest.mark.parametrize("query", ["status=frog", "type=frog", "limit=x", "sort_key=frog",
                                   "marker=frog", "sort_dir=up"])
def test_a_bad_list_of_tasks_is_refused(call, query):
    assert call("GET", f"/v2/tasks?{query}", "admin").status_code == 400


@pytest.mark.parametrize("body", [
    {}, {"type": "frog", "input": {}}, {"type": "import", "input": {}},
    {"type": "import", "input": {"import_from": "http://169.254.169.254/", "import_from_format":
                                 "raw", "image_properties": {}}}])
def test_a_bad_task_is_refused(call, body):
    assert call("POST", "/v2/tasks", "admin", json=body).status_code == 400


def test_import_methods_are_told(call):
    assert "glance-direct" in call("GET", "/v2/info/import").json["import-methods"]["value"]


def test_stores_of_the_settings_are_checked(glance):
    from cairn.common.settings import BadSetting
    for words in ("web:http", "a:frog", "os_glance_x:file", ":file"):
        with pytest.raises(BadSetting):
            Stores(glance.settings, StoreSettings(enabled=words), glance.imports,
                   Gate(glance.imports))
