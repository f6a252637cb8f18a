"""What a guest may write on the way to its metadata, and that none of it is believed."""

import contextlib
import getpass
import http.server
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import pytest

from cairn.neutron.agent.metadata import MetadataProxy, config
from cairn.neutron.agent.metadata_server import SIGNATURE, MetadataServer
from cairn.neutron.settings import HostSettings, MetadataSettings

GUEST, VICTIM = "127.0.0.1", "10.0.0.66"
NAMESPACE = "qrouter-11111111-2222-3333-4444-555555555555"
PATH = "/openstack/latest/user_data"
# What the audit sent: a question of its own, in the victim's name, where a body would be.
INNER = (f"GET {PATH} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {VICTIM}\r\n"
         "X-Neutron-Router-ID: victims\r\nX-Neutron-Network-ID: victims\r\n"
         "X-Instance-ID: victim\r\nX-Tenant-ID: victims\r\n\r\n")


class Nova(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append(SimpleNamespace(
            method=self.command, path=self.path, headers=self.headers,
            body=self.rfile.read(length)))
        body = f"secrets of {self.headers['X-Instance-ID']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, *args):
        pass


class Controller:
    def __init__(self):
        self.asked = []

    def instance_at(self, ctx, *, address, router_id, network_id):
        self.asked.append((address, router_id, network_id))
        owners = {(GUEST, "mine"): "own", (VICTIM, "mine"): "neighbour", (VICTIM, "victims"):
                  "victim", (GUEST, "victims"): "victim"}
        found = owners.get((address, router_id))
        return found and {"device_id": found, "project_id": f"project of {found}"}


@pytest.fixture
def nova():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nova)
    server.asked = []
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def controller():
    return Controller()


@pytest.fixture
def folder():
    """A short path, as that of a socket must be, and one that haproxy's user may walk."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def server(folder, nova, controller):
    url = f"http://127.0.0.1:{nova.server_address[1]}/metadata"
    server = MetadataServer(HostSettings(state_dir=str(folder)), MetadataSettings(
        url=url, secret="swordfish"), controller, user=getpass.getuser())
    server.start()
    yield server
    server.stop()


def proxy_header(address):
    ip = ip_address(address)
    family, rest = (0x11, b"\x7f\0\0\1") if ip.version == 4 else (0x21, b"\0" * 16)
    rest = ip.packed + rest + struct.pack("!HH", 4711, 80)
    return SIGNATURE + bytes([0x21, family]) + struct.pack("!H", len(rest)) + rest


def said(connection, *parts):
    """All that comes back until the other side closes."""
    connection.settimeout(5)
    got = b""
    with contextlib.suppress(ConnectionError):
        for part in parts:
            connection.sendall(part if isinstance(part, bytes) else part.encode())
        while chunk := connection.recv(65536):
            got += chunk
    connection.close()
    return got.decode(errors="replace")


def inside(path, *parts, guest=GUEST):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return said(connection, *([proxy_header(guest)] if guest else []), *parts)


def get(path=PATH, *headers, method="GET", version="HTTP/1.1"):
    return "\r\n".join([f"{method} {path} {version}", "Host: x", *headers, "", ""])


# (what is sent, whether it may be answered at all)
SMUGGLED = {
    "get with a body": get(PATH, f"Content-Length: {len(INNER)}") + INNER,
    "get with a body kept alive": get(
        PATH, "Connection: keep-alive", f"Content-Length: {len(INNER)}") + INNER,
    "head with a body": get(PATH, f"Content-Length: {len(INNER)}", method="HEAD") + INNER,
    "cl.te": get(PATH, f"Content-Length: {len(INNER) + 5}", "Transfer-Encoding: chunked",
                 method="POST") + "0\r\n\r\n" + INNER,
    "te.cl": get(PATH, "Transfer-Encoding: chunked", "Content-Length: 4", method="POST")
    + f"{len(INNER):x}\r\n{INNER}\r\n0\r\n\r\n",
    "te twice": get(PATH, "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
                    method="POST") + "0\r\n\r\n" + INNER,
    "te hidden": get(PATH, "Transfer-Encoding : chunked", method="POST") + "0\r\n\r\n" + INNER,
    "te folded": get(PATH, "X: y\r\n Transfer-Encoding: chunked", "Transfer-Encoding:\r\n chunked",
                     method="POST") + "0\r\n\r\n" + INNER,
    "chunked get": get(PATH, "Transfer-Encoding: chunked") + "0\r\n\r\n" + INNER,
    "two lengths": get(PATH, "Content-Length: 0", f"Content-Length: {len(INNER)}",
                       method="POST") + INNER,
    "two lengths in one": get(PATH, f"Content-Length: 0, {len(INNER)}", method="POST") + INNER,
    "a length with a sign": get(PATH, f"Content-Length: +{len(INNER)}") + INNER,
    "a length of other digits": get(PATH, "Content-Length: \u0665", method="POST") + INNER,
    "pipelined": get(PATH, "Connection: keep-alive") + INNER,
    "pipelined in one version": get(PATH, "Connection: keep-alive", version="HTTP/1.0") + INNER,
    "upgrade": get(PATH, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                   "HTTP2-Settings: AAMAAABkAAQAAP__") + INNER,
    "expect": get(PATH, "Expect: 100-continue", f"Content-Length: {len(INNER)}") + INNER,
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_nobody_is_asked_for_twice_on_one_connection(server, nova, controller, sent):
    inside(server.listen(NAMESPACE, router_id="mine"), sent)
    self_evident(nova, controller)


def self_evident(nova, controller):
    """However often was asked, it was in the guest's own name."""
    assert {question[0] for question in controller.asked} <= {GUEST}
    assert {question[1] for question in controller.asked} <= {"mine"}
    assert {asked.headers["X-Instance-ID"] for asked in nova.asked} <= {"own"}
    assert len(nova.asked) <= 1


@pytest.mark.parametrize("name", [
    "get with a body", "head with a body", "cl.te", "te.cl", "te hidden", "chunked get",
    "two lengths", "two lengths in one", "a length with a sign", "a length of other digits"])
def test_a_body_that_is_not_plain_is_refused(server, nova, name):
    assert inside(server.listen(NAMESPACE, router_id="mine"), SMUGGLED[name]).startswith(
        "HTTP/1.1 400 ")
    assert nova.asked == []


def test_headers_say_nothing_of_who_asks(server, nova, controller):
    forged = get(PATH, f"X-Forwarded-For: {VICTIM}", "X-Neutron-Router-ID: victims",
                 "X-Neutron-Network-ID: victims", "X-Instance-ID: victim",
                 "X-Instance-ID-Signature: 00", "X-Tenant-ID: victims", "X_Instance_ID: victim",
                 "Forwarded: for=10.0.0.66", "X-Real-IP: 10.0.0.66")
    answer = inside(server.listen(NAMESPACE, router_id="mine"), forged)
    assert answer.endswith("secrets of own") and "Connection: close" in answer
    assert controller.asked == [(GUEST, "mine", None)]
    asked, = nova.asked
    assert asked.headers.get_all("X-Instance-ID") == ["own"]
    assert asked.headers.get_all("X-Forwarded-For") == [GUEST]
    assert not {"X_Instance_ID", "Forwarded", "X-Real-IP", "X-Neutron-Router-ID"} & set(
        asked.headers)


def test_the_socket_says_where_was_asked(server, controller):
    one = server.listen(NAMESPACE, router_id="mine")
    other = server.listen("qdhcp-1", network_id="victims")
    inside(other, get())
    inside(one, get())
    assert controller.asked == [(GUEST, None, "victims"), (GUEST, "mine", None)]


@pytest.mark.parametrize("opening", [
    b"", b"PROXY TCP4 10.0.0.66 127.0.0.1 1 80\r\n", SIGNATURE + b"\x20\0\0\0",
    SIGNATURE + b"\x21\x11\0\4\x0a\0\0\x42", SIGNATURE + b"\x21\x31\0\0"])
def test_without_an_address_there_is_no_answer(server, nova, opening):
    path = server.listen(NAMESPACE, router_id="mine")
    assert inside(path, opening, get(), guest=None) == ""
    assert nova.asked == []


@pytest.mark.parametrize("path", [
    "/../compute", "/a/%2e%2e/compute", "/a/..%2fcompute", "/%252e%252e/x", "/a\\..\\b",
    "http://10.0.0.1/x", "*", "/a@b", "//user@host/x", "/a#b", "/a;b", "/./x", "/%00"])
def test_paths_have_one_reading(server, nova, path):
    answer = inside(server.listen(NAMESPACE, router_id="mine"), get(path))
    assert answer.startswith(("HTTP/1.1 404 ", "HTTP/1.1 400 "))
    assert nova.asked == []


def test_a_password_is_told(server, nova):
    sent = get("/openstack/latest/password", "Content-Length: 6", method="POST") + "secret"
    assert "secrets of own" in inside(server.listen(NAMESPACE, router_id="mine"), sent)
    assert (nova.asked[0].method, nova.asked[0].body) == ("POST", b"secret")


def test_a_socket_is_its_users_alone_and_comes_back(server):
    path = server.listen(NAMESPACE, router_id="mine")
    assert os.stat(path).st_mode & 0o777 == 0o600
    path.unlink()
    assert not server.listening()
    assert server.listen(NAMESPACE, router_id="mine") == path and server.listening()
    assert "secrets of own" in inside(path, get())
    server.close(NAMESPACE)
    assert not path.exists()


def test_where_nobody_answers_no_proxy_is_started(tmp_path):
    MetadataProxy(HostSettings(state_dir=str(tmp_path)), None).run("qrouter-1", "0.0.0.0:80")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("haproxy") is None,
                    reason="needs haproxy, and root to give it its user")
class TestWithHaproxy:
    @pytest.fixture
    def port(self, server, folder):
        server.user = "haproxy"
        path = server.listen(NAMESPACE, router_id="mine")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        text = config(f"127.0.0.1:{port}", path, folder / "pid").replace("  daemon\n", "")
        (folder / "cfg").write_text(text)
        haproxy = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "cfg")],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        end = time.monotonic() + 5
        while True:
            assert haproxy.poll() is None, haproxy.stdout.read()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert time.monotonic() < end
            time.sleep(0.02)
        yield port
        haproxy.kill()
        told = haproxy.communicate()[0]
        assert "WARNING" not in told, told

    def asks(self, port, *parts):
        return said(socket.create_connection(("127.0.0.1", port)), *parts)

    def test_a_guest_gets_its_own(self, port, nova, controller):
        assert self.asks(port, get()).endswith("secrets of own")
        assert self.asks(port, get(method="HEAD")).startswith("HTTP/1.1 200")
        assert "secrets" in self.asks(
            port, get("/openstack/latest/password", "Content-Length: 6", method="POST") + "secret")
        assert [asked.method for asked in nova.asked] == ["GET", "GET", "POST"]
        assert set(controller.asked) == {(GUEST, "mine", None)}

    @pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
    def test_nobody_is_asked_for_twice(self, port, nova, controller, sent):
        answer = self.asks(port, sent)
        assert answer.count("HTTP/1.") <= 1 + answer.count("HTTP/1.1 100")
        assert "victim" not in answer and "neighbour" not in answer
        self_evident(nova, controller)

    def test_a_forged_proxy_header_is_no_request(self, port, nova):
        assert "400" in self.asks(port, proxy_header(VICTIM), get())
        assert nova.asked == []

    def test_a_body_that_does_not_come_holds_nobody(self, port, nova):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for connection in slow:
            connection.sendall(get("/openstack/latest/password", "Content-Length: 9",
                                   method="POST").encode() + b"x")
        started = time.monotonic()
        assert self.asks(port, get()).endswith("secrets of own")
        assert time.monotonic() - started < 8
        for connection in slow:
            connection.close()

    @pytest.mark.parametrize(("sent", "status"), [
        (get(method="PUT"), 405), (get(method="DELETE"), 405),
        (get(PATH, "Content-Length: 9999", method="POST") + "x" * 9999, 413)])
    def test_what_guests_have_no_use_for_is_refused(self, port, nova, sent, status):
        assert f" {status} " in self.asks(port, sent)
        assert nova.asked == []
