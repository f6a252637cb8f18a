"""Several writers of one thing at once, on a real database: none loses what another wrote."""

import contextlib
import dataclasses
import json
import threading

import pytest

from cairn.glance.core import images, metadefs
from cairn.glance.db.models import Base

PATCH = "application/openstack-images-v2.1-json-patch"
DEFS = "/v2/metadefs/namespaces"


@pytest.fixture
def glance(glance, mariadb):
    return dataclasses.replace(glance, db=mariadb(Base, pool_size=16))


def at_once(*works):
    """The status codes of the works, in their order, by threads that start together."""
    gate, codes = threading.Barrier(len(works)), {}

    def run(n):
        gate.wait()
        codes[n] = works[n]().status_code

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [codes[n] for n in range(len(works))]


def patched(call, image_id, **values):
    changes = [{"op": "add", "path": f"/{name}", "value": value} for name, value in values.items()]
    return call("PATCH", f"/v2/images/{image_id}", data=json.dumps(changes), content_type=PATCH)


def test_tags_and_properties_are_all_kept(call, make):
    image_id = make()
    codes = at_once(
        *[lambda n=n: call("PUT", f"/v2/images/{image_id}/tags/t{n}") for n in range(6)],
        *[lambda n=n: patched(call, image_id, **{f"p{n}": str(n)}) for n in range(6)])
    assert codes == [204] * 6 + [200] * 6
    shown = call("GET", f"/v2/images/{image_id}").json
    assert shown["tags"] == [f"t{n}" for n in range(6)]
    assert [shown[f"p{n}"] for n in range(6)] == [str(n) for n in range(6)]


def test_a_list_has_properties_tags_and_stores_whatever_their_collation(call, make, upload):
    image_id = make(os_distro="Debian", tags=["Ä", "a"])
    upload(image_id, b"bytes")
    shown, = call("GET", "/v2/images").json["images"]
    assert (shown["os_distro"], shown["tags"], shown["stores"]) == ("Debian", ["a", "Ä"], "local")


def test_the_last_member_that_fits_is_one(glance, call, make):
    image_id, most = make(), glance.settings.image_member_quota
    for n in range(most - 1):
        call("POST", f"/v2/images/{image_id}/members", json={"member": f"p{n}"})
    codes = at_once(*[lambda n=n: call(
        "POST", f"/v2/images/{image_id}/members", json={"member": f"q{n}"}) for n in range(4)])
    assert sorted(codes) == [200, 413, 413, 413]


def test_what_is_protected_meanwhile_is_not_deleted(call, make, monkeypatch):
    image_id, remove = make(), images.remove

    def late(session, image):
        assert patched(call, image_id, protected=True).status_code == 200
        remove(session, image)

    monkeypatch.setattr(images, "remove", late)
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 403
    assert call("GET", f"/v2/images/{image_id}").json["status"] == "queued"


def test_of_two_who_delete_an_image_one_has(call, make, monkeypatch):
    image_id, remove = make(), images.remove

    def late(session, image):
        monkeypatch.setattr(images, "remove", remove)
        assert call("DELETE", f"/v2/images/{image_id}").status_code == 204
        remove(session, image)

    monkeypatch.setattr(images, "remove", late)
    assert call("DELETE", f"/v2/images/{image_id}").status_code == 404


@pytest.mark.parametrize(("path", "one", "two"), [
    ("", {"namespace": "n", "description": "one"}, {"namespace": "n", "display_name": "two"}),
    ("/objects/o", {"name": "o", "description": "one"}, {"name": "o", "required": ["two"]}),
])
def test_two_who_replace_a_definition_are_not_mixed(call, monkeypatch, path, one, two):
    call("POST", DEFS, "admin", json={"namespace": "n", "objects": [{"name": "o"}]})
    add, both = metadefs.add, threading.Barrier(2)

    def slowly(*args):
        # Who can wait for the other, has read before the other wrote.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)
        add(*args)

    monkeypatch.setattr(metadefs, "add", slowly)
    codes = at_once(*[lambda body=body: call("PUT", f"{DEFS}/n{path}", "admin", json=body)
                      for body in (one, two)])
    assert codes == [200, 200]
    shown = call("GET", f"{DEFS}/n{path}", "admin").json
    said = {name: shown.get(name) or None for name in one | two}
    assert said in [{name: body.get(name) for name in one | two} for body in (one, two)]
