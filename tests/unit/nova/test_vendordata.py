"""Services that say what a guest is to be told: asked as upstream asks, and what fails is nobody's
failure unless the operator says so."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from cairn.common.settings import BadSetting, IdentitySettings
from cairn.nova.errors import VendordataFailed
from cairn.nova.neighbours.vendordata import MOST, HttpVendordata
from cairn.nova.settings import ApiSettings

SERVER = SimpleNamespace(id="s", project_id="p", image_id="i", user_data="IyE=", hostname="web",
                         meta={"role": "db"})


class Service(BaseHTTPRequestHandler):
    """Answers as the path says, and remembers the question."""

    asked: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, dict(self.headers), json.loads(body)))
        if self.path == "/slow":
            time.sleep(1.5)
        code, answer = {"/ok": (200, b'{"rack": 7}'), "/none": (204, b""), "/bad": (200, b"{"),
                        "/big": (200, b'"' + b"x" * MOST + b'"'), "/refused": (403, b"{}"),
                        "/moved": (307, b"{}")}.get(self.path, (200, b"{}"))
        self.send_response(code)
        if code == 307:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


@pytest.fixture
def url():
    Service.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(targets, *, fatal=False, auth=None):
    settings = ApiSettings(vendordata_targets=targets, vendordata_timeout=0.5,
                           vendordata_failure_fatal=fatal)
    return HttpVendordata(settings, auth or IdentitySettings()).ask(SERVER, ["member", "reader"])


def test_each_is_asked_about_the_server(url):
    assert ask(f"one@{url}/ok two@{url}/none") == {"one": {"rack": 7}, "two": {}}
    path, headers, document = Service.asked[0]
    assert path == "/ok"
    assert document == {
        "project-id": "p", "instance-id": "s", "image-id": "i", "user-data": "IyE=",
        "hostname": "web", "metadata": {"role": "db"}, "boot-roles": "member,reader"}
    assert headers["Content-Type"] == "application/json"
    assert "X-Auth-Token" not in headers


@pytest.mark.parametrize("path", ["/bad", "/big", "/refused", "/moved", "/slow"])
def test_what_fails_says_nothing_or_is_fatal(url, path):
    targets = f"broken@{url}{path} good@{url}/ok"
    assert ask(targets) == {"broken": {}, "good": {"rack": 7}}
    with pytest.raises(VendordataFailed, match="broken"):
        ask(targets, fatal=True)
    # Nobody is followed to elsewhere: the token is for the one that was named.
    assert [asked for asked, _, _ in Service.asked] == [path, "/ok", path]


def test_one_that_is_away_fails(url):
    assert ask("gone@http://127.0.0.1:1/") == {"gone": {}}


def test_a_token_is_shown_where_there_is_one(url, monkeypatch):
    monkeypatch.setattr("keystoneauth1.session.Session.get_token", lambda self: "the token")
    ask(f"one@{url}/ok", auth=IdentitySettings(auth_url="http://127.0.0.1:1/v3"))
    assert Service.asked[0][1]["X-Auth-Token"] == "the token"


@pytest.mark.parametrize("targets", ["http://x/", "@http://x/", "one@", "one@ftp://x/",
                                     "one@http://x/ one@http://y/", "static@http://x/"])
def test_what_names_no_service_is_refused(targets):
    with pytest.raises(BadSetting, match="vendordata_targets"):
        ask(targets)
