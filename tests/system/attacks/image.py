"""Somebody has images that are not what they say, and servers that say nothing."""

import hashlib
import http.server
import json
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from .. import outside
from ..clouds import wait
from . import Ground, Tenant

IMAGES = "/image/v2/images"
PATCH = "application/openstack-images-v2.1-json-patch"
SECRET = b"the secret of alice's image ".ljust(1 << 16, b".")


class Server(http.server.BaseHTTPRequestHandler):
    """A page, and one that keeps everybody waiting."""

    pages: dict[str, bytes] = {}
    ended = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.ended.wait(200)
            return
        if self.path == "/drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not self.ended.wait(1):
                self.wfile.write(b"x")
            return
        body = self.pages[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *args: object) -> None:
        pass


def _made(tenant: Tenant, disk: str = "raw", container: str = "bare") -> str:
    made = tenant.call("POST", IMAGES, {
        "name": "attack", "disk_format": disk, "container_format": container,
        "visibility": "private"})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def _shown(tenant: Tenant, image_id: str) -> dict[str, Any]:
    return dict(tenant.call("GET", f"{IMAGES}/{image_id}").json())


def _sent(tenant: Tenant, image_id: str, data: bytes, where: str = "file") -> int:
    return tenant.session.put(
        f"{tenant.front}{IMAGES}/{image_id}/{where}", data=data, timeout=60,
        headers={"X-Auth-Token": tenant.token, "Content-Type": "application/octet-stream"},
    ).status_code


def _located(tenant: Tenant, image_id: str, url: str, said: dict[str, str] | None = None) -> Any:
    """The answer to a patch that adds a location."""
    value = {"url": url, "metadata": {}} | ({"validation_data": said} if said else {})
    return tenant.session.patch(
        f"{tenant.front}{IMAGES}/{image_id}", timeout=200,
        headers={"X-Auth-Token": tenant.token, "Content-Type": PATCH},
        data=json.dumps([{"op": "add", "path": "/locations/-", "value": value}]))


def _settled(tenant: Tenant, image_id: str) -> str:
    """What became of the image's last task."""
    def state() -> str:
        tasks = tenant.call("GET", f"{IMAGES}/{image_id}/tasks").json()["tasks"]
        found = tasks[0]["status"] if tasks else ""
        return found if found in ("success", "failure") else ""

    return str(wait(f"the work on image {image_id}", state, 90))


def _gone(tenant: Tenant, *ids: str) -> None:
    for image_id in ids:
        assert tenant.call("DELETE", f"{IMAGES}/{image_id}").status_code in (204, 404)


def attack_claim_the_hash_of_anothers_image(ground: Ground) -> None:
    """Bob says that his bytes have the hash of alice's private image."""
    mine = _made(ground.alice)
    assert _sent(ground.alice, mine, SECRET) == 204
    facts = _shown(ground.alice, mine)
    said = {name: facts[name] for name in ("checksum", "os_hash_algo", "os_hash_value")}
    his, new = _made(ground.bob), _made(ground.bob)
    Server.pages["/his"] = b"his".ljust(1 << 16, b".")
    with outside.web(Server) as url:
        assert _located(ground.bob, his, f"{url}/his", said).status_code in (200, 409)
        ground.bob.call("POST", f"{IMAGES}/{new}/locations", {
            "url": f"{url}/his", "validation_data": {
                name: said[name] for name in ("os_hash_algo", "os_hash_value")}})
        for image_id in (his, new):
            assert _settled(ground.bob, image_id) == "failure"
            image = _shown(ground.bob, image_id)
            assert image["os_hash_value"] is None and image["status"] == "queued"
        # What is true is said to be, and only that.
        true = hashlib.sha512(Server.pages["/his"]).hexdigest()
        assert _located(ground.bob, his, f"{url}/his", {
            "os_hash_algo": "sha512", "os_hash_value": true}).status_code == 200
        assert _settled(ground.bob, his) == "success"
        assert _shown(ground.bob, his)["os_hash_value"] == true
    _gone(ground.bob, his, new)
    _gone(ground.alice, mine)


def attack_hold_a_row_with_a_silent_server(ground: Ground) -> None:
    """Bob adds a location whose server says nothing; he, and others, go on meanwhile."""
    image_id = _made(ground.bob)
    Server.ended.clear()
    with outside.web(Server) as url:
        answers: list[Any] = []
        slow = threading.Thread(
            target=lambda: answers.append(_located(ground.bob, image_id, f"{url}/silent")))
        begun = time.monotonic()
        slow.start()
        time.sleep(1)
        assert _shown(ground.bob, image_id)["status"] == "queued"
        assert ground.bob.call("DELETE", f"{IMAGES}/{image_id}").status_code == 204
        assert time.monotonic() - begun < 10
        slow.join(60)
        assert not slow.is_alive() and answers[0].status_code in (400, 404), answers
        Server.ended.set()


def attack_download_for_ever(ground: Ground) -> None:
    """A byte a second is no download."""
    image_id = _made(ground.bob)
    Server.ended.clear()
    with outside.web(Server) as url:
        assert ground.bob.call("POST", f"{IMAGES}/{image_id}/import", {"method": {
            "name": "web-download", "uri": f"{url}/drip"}}).status_code == 202
        assert _settled(ground.bob, image_id) == "failure"
        Server.ended.set()
    _gone(ground.bob, image_id)


def attack_download_from_the_management_network(ground: Ground) -> None:
    """Of the cloud's own hosts, by address, by name, and by a redirect."""
    image_id = _made(ground.bob)
    for uri in (f"http://{ground.host}/", f"https://{ground.host}/identity/v3",
                "http://127.0.0.1/", "http://169.254.169.254/openstack", "http://[::1]/",
                f"http://[::ffff:{ground.host}]/", f"http://[64:ff9b::{ground.host}]/",
                "http://10.0.0.1/", "http://192.168.0.1/", "http://198.51.100.81/"):
        for path, body in ((f"{image_id}/import", {"method": {
                "name": "web-download", "uri": uri}}), (f"{image_id}/locations", {"url": uri})):
            refused = ground.bob.call("POST", f"{IMAGES}/{path}", body)
            assert refused.status_code == 400, (uri, path, refused.text)
        assert _located(ground.bob, image_id, uri).status_code == 400, uri
    node = ground.node(ground.cloud.controller(), "hostname").strip()
    _fails(ground.bob, image_id, f"http://{node}/")

    class Redirect(Server):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"http://{ground.host}/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

    with outside.web(Redirect) as url:
        _fails(ground.bob, image_id, f"{url}/x")
    _gone(ground.bob, image_id)


def _fails(tenant: Tenant, image_id: str, uri: str) -> None:
    assert tenant.call("POST", f"{IMAGES}/{image_id}/import", {"method": {
        "name": "web-download", "uri": uri}}).status_code == 202
    assert _settled(tenant, image_id) == "failure"


def qcow2(backing: bytes = b"", incompatible: int = 0) -> bytes:
    """The head of a qcow2 that refers to another file."""
    version = 3 if incompatible else 2
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", version, 112 if backing else 0, len(backing),
                       16, 1 << 20, 0, 1, 65536, 131072, 1, 0, 0)
    if incompatible:
        head += struct.pack(">QQQII", incompatible, 0, 0, 4, 104)
    return (head.ljust(112, b"\0") + backing).ljust(1 << 18, b"\0")


TRAPS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a backing file": ("qcow2", lambda: qcow2(b"/etc/shadow")),
    "a backing file of the network": ("qcow2", lambda: qcow2(b"nbd://127.0.0.1/x")),
    "a data file": ("qcow2", lambda: qcow2(b"", incompatible=4)),
    "a qcow2 called raw": ("raw", lambda: qcow2(b"/etc/shadow")),
    "a list of other files": ("vmdk", lambda: (
        b'# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n'
        b'createType="monolithicFlat"\nRW 2048 FLAT "/etc/shadow" 0\n').ljust(1 << 16, b"\0")),
    "luks called qcow2": ("qcow2", lambda: (
        b"LUKS\xba\xbe\x00\x01" + b"aes".ljust(32, b"\0") + b"xts".ljust(32, b"\0")
        + b"sha256".ljust(32, b"\0") + b"\0\0\x10\0").ljust(1 << 20, b"\0")),
}


def attack_upload_traps(ground: Ground) -> None:
    """Images that name other files of whoever opens them, by every way that bytes come in."""
    for name, (disk, made) in TRAPS.items():
        data = made()
        image_id = _made(ground.bob, disk)
        assert _sent(ground.bob, image_id, data) == 415, name
        assert _sent(ground.bob, image_id, data, "stage") == 204, name
        assert ground.bob.call("POST", f"{IMAGES}/{image_id}/import", {
            "method": {"name": "glance-direct"}}).status_code == 202
        assert _settled(ground.bob, image_id) == "failure", name
        other = _made(ground.bob, disk)
        Server.pages["/trap"] = data
        with outside.web(Server) as url:
            _fails(ground.bob, other, f"{url}/trap")
            assert ground.bob.call("POST", f"{IMAGES}/{other}/locations", {
                "url": f"{url}/trap"}).status_code == 202
            _taken_out_of_use(ground.bob, other)
        assert "stores" not in _shown(ground.bob, other), name
        _gone(ground.bob, image_id, other)


def _taken_out_of_use(tenant: Tenant, image_id: str) -> None:
    """It may be active until its worker has looked."""
    wait(f"image {image_id} out of use", lambda: _shown(tenant, image_id)["status"] == "queued"
         and not _shown(tenant, image_id).get("os_hash_algo"), 60)


def attack_say_what_a_container_is(ground: Ground) -> None:
    """Any bytes are no archive, and what is in one is looked at."""
    for container in ("ova", "ovf", "docker", "compressed"):
        image_id = _made(ground.bob, "qcow2", container)
        for data in (b"any bytes" * 1000, qcow2(b"/etc/shadow")):
            assert _sent(ground.bob, image_id, data) == 415, container
        _gone(ground.bob, image_id)


def attack_read_where_hosts_keep_their_files(ground: Ground) -> None:
    image_id = _made(ground.alice)
    assert _sent(ground.alice, image_id, SECRET) == 204
    shown = ground.alice.call("GET", f"{IMAGES}/{image_id}").text
    assert "file://" not in shown and "/var/lib" not in shown
    assert "file:///" in ground.admin.call("GET", f"{IMAGES}/{image_id}").text
    _gone(ground.alice, image_id)


def attack_take_more_than_the_limit_at_once(ground: Ground) -> None:
    """Six images at once where two more may be."""
    have = sum(image.owner == ground.bob.project for image in ground.bob.sdk.image.images())
    identity = ground.admin.sdk.identity
    service = next(s for s in identity.services() if s.type == "image")
    registered = ground.admin.call("POST", "/identity/v3/registered_limits", {
        "registered_limits": [{"service_id": service.id, "resource_name": "image_count_total",
                               "default_limit": -1}]})
    assert registered.status_code == 201, registered.text
    number = registered.json()["registered_limits"][0]["id"]
    made = ground.admin.call("POST", "/identity/v3/limits", {"limits": [{
        "service_id": service.id, "resource_name": "image_count_total", "resource_limit": have + 2,
        "project_id": ground.bob.project}]})
    assert made.status_code == 201, made.text
    token, answers = ground.bob.token, []
    try:
        time.sleep(25)  # Limits may be 20 s old.

        def make() -> None:
            answers.append(ground.bob.session.post(
                ground.bob.front + IMAGES, headers={"X-Auth-Token": token}, timeout=60,
                json={"name": "many", "disk_format": "raw", "container_format": "bare"}))

        threads = [threading.Thread(target=make) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        codes = sorted(a.status_code for a in answers)
        assert codes == [201, 201, 413, 413, 413, 413], [a.text for a in answers]
    finally:
        _gone(ground.bob, *(a.json()["id"] for a in answers if a.status_code == 201))
        ground.admin.call("DELETE", f"/identity/v3/limits/{made.json()['limits'][0]['id']}")
        ground.admin.call("DELETE", f"/identity/v3/registered_limits/{number}")
