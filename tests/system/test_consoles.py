"""Consoles of a deployed cloud, as browsers have them: somebody logs in at the serial line, and a
screen says how big it is. What others have of them: nothing."""

import contextlib
import ssl
import struct
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .clouds import Person, member, wait

pytestmark = pytest.mark.lab
RUN = uuid.uuid4().hex[:6]
BOOT = 240.0  # Without KVM a guest takes its time.


@pytest.fixture(scope="module")
def alice(cloud, admin):
    return member(admin, f"consoles-{RUN}", f"consoles-{RUN}")


@pytest.fixture(scope="module")
def servers(alice, admin, cloud):
    """The ids of a server on each host, without a network: a console is what helps then."""
    admin.openstack("flavor", "create", "--ram", "128", "--disk", "1", "--vcpus", "1",
                    f"c1.{RUN}")
    ids: list[str] = []
    for number, _ in enumerate(cloud.computes()):
        words = [word for id_ in ids for word in ("--hint", f"different_host={id_}")]
        made = alice.ask("server", "create", *words, "--image", "cairn-guest", "--flavor",
                         f"c1.{RUN}", "--nic", "none", "--wait", f"seen{number}-{RUN}")
        ids.append(made["id"])
    yield ids
    alice.openstack("server", "delete", "--wait", *ids)
    admin.openstack("flavor", "delete", f"c1.{RUN}")


def trust(person: Person) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=person.environment["OS_CACERT"])


def url(person: Person, server: str, kind: str) -> str:
    return str(person.ask("console", "url", "show", f"--{kind}", server)["url"])


def socket_of(page: str) -> str:
    """Where the page of noVNC connects to."""
    parts = urlsplit(page)
    return f"wss://{parts.netloc}/{parse_qs(parts.query)['path'][0]}"


@contextlib.contextmanager
def viewing(person: Person, address: str, **options: str) -> Iterator[ClientConnection]:
    with connect(address, ssl=trust(person), subprotocols=["binary"], compression=None,
                 open_timeout=30, max_size=None, **options) as viewer:
        assert viewer.subprotocol == "binary"
        yield viewer


def refused(person: Person, address: str, **options: str) -> int:
    with pytest.raises(InvalidStatus) as no, viewing(person, address, **options):
        pass
    return int(no.value.response.status_code)


def read_until(viewer: ClientConnection, text: bytes, seconds: float = 60.0) -> bytes:
    """All that came until then. Fails when it does not come in time."""
    seen, deadline = b"", time.monotonic() + seconds
    while text not in seen:
        left = deadline - time.monotonic()
        assert left > 0, seen[-2000:]
        with contextlib.suppress(TimeoutError):
            seen += viewer.recv(left)
    return seen


def test_somebody_logs_in_at_the_serial_line_of_each_host(alice, servers):
    for server in servers:
        wait("the guest asks who is there", lambda server=server: "login:" in alice.openstack(
            "console", "log", "show", server), BOOT, 2)
        with viewing(alice, url(alice, server, "serial")) as viewer:
            viewer.send(b"\n")
            read_until(viewer, b"login: ")
            viewer.send(b"nobody-of-that-name\n")
            read_until(viewer, b"assword")
            viewer.send(b"x\n")
            read_until(viewer, b"ncorrect")
        # What was typed and said is in the log, too, which goes on.
        assert "nobody-of-that-name" in alice.openstack("console", "log", "show", server)


def test_who_comes_later_has_the_line(alice, servers):
    address = url(alice, servers[0], "serial")
    with viewing(alice, address) as first, viewing(alice, address) as second:
        with pytest.raises(ConnectionClosed):
            while True:
                first.recv(30)
        second.send(b"\n")
        read_until(second, b"login: ")


def exactly(viewer: ClientConnection, size: int, kept: bytearray) -> bytes:
    while len(kept) < size:
        kept += viewer.recv(30)
    taken = bytes(kept[:size])
    del kept[:size]
    return taken


def shake(viewer: ClientConnection) -> tuple[int, int, str]:
    """The RFB protocol's hands; width, height and name of the screen."""
    kept = bytearray()
    version = exactly(viewer, 12, kept)
    assert version == b"RFB 003.008\n"
    viewer.send(version)
    many = exactly(viewer, 1, kept)[0]
    assert 1 in exactly(viewer, many, kept)
    viewer.send(b"\x01")
    assert exactly(viewer, 4, kept) == bytes(4)
    viewer.send(b"\x01")
    width, height = struct.unpack(">HH", exactly(viewer, 4, kept))
    exactly(viewer, 16, kept)
    (length,) = struct.unpack(">L", exactly(viewer, 4, kept))
    return width, height, exactly(viewer, length, kept).decode()


def test_the_screen_of_a_server_on_each_host_is_seen_by_several(alice, servers):
    for server in servers:
        page = url(alice, server, "novnc")
        with urllib.request.urlopen(page, context=trust(alice), timeout=30) as answer:
            text = answer.read().decode()
        assert "<title>noVNC</title>" in text and "<script" in text
        with viewing(alice, socket_of(page)) as one, viewing(alice, socket_of(page)) as two:
            for viewer in (one, two):
                width, height, name = shake(viewer)
                assert width >= 640 and height >= 400 and "instance-" in name


def test_what_the_page_needs_is_there(alice, servers):
    page = urlsplit(url(alice, servers[0], "novnc"))
    for name, kind in (("core/rfb.js", "javascript"), ("app/ui.js", "javascript"),
                       ("app/styles/base.css", "css")):
        with urllib.request.urlopen(f"https://{page.netloc}/console/{name}",
                                    context=trust(alice), timeout=30) as answer:
            assert kind in answer.headers["Content-Type"]


def test_others_have_none(alice, admin, servers):
    bob = member(admin, f"others-{RUN}", f"others-{RUN}")
    assert "No Server found" in (said := bob.openstack(
        "console", "url", "show", servers[0], good=False)) or "could not be found" in said
    address = url(alice, servers[0], "serial")
    assert refused(alice, address.replace("token=", "token=bad")) == 403
    assert refused(alice, address, origin="https://evil.example.net") == 403


def test_a_token_ends_with_its_server_and_with_its_askers_access(alice, admin, servers):
    server = servers[0]
    mallory = member(admin, f"leaves-{RUN}", f"leaves-{RUN}")
    admin.openstack("role", "add", "--project", f"consoles-{RUN}", "--user", f"leaves-{RUN}",
                    "member")
    there = Person(mallory.environment | {"OS_PROJECT_NAME": f"consoles-{RUN}"})
    address = url(there, server, "serial")
    with viewing(there, address) as viewer:
        admin.openstack("role", "remove", "--project", f"consoles-{RUN}", "--user",
                        f"leaves-{RUN}", "member")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                viewer.recv(60)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    assert refused(alice, address) == 403
    address = url(alice, server, "serial")
    with viewing(alice, address) as viewer:
        alice.openstack("server", "stop", server)
        with pytest.raises(ConnectionClosed):
            while True:
                viewer.recv(120)
    wait("it is off", lambda: alice.status(server) == "SHUTOFF", 120)
    assert "is not ready" in alice.openstack("console", "url", "show", server, good=False)
    alice.openstack("server", "start", server)
    wait("it is on", lambda: alice.status(server) == "ACTIVE", 120)
    assert refused(alice, address) == 403


def test_no_guest_listens_on_a_network(cloud, servers):
    for node in cloud.computes():
        listening = cloud.within(node, "ss -Hlntp")
        assert "qemu" not in listening
        at = [line.split()[3] for line in listening.splitlines() if ":6083 " in line]
        assert at and not any(each.startswith(("0.0.0.0", "*", "[::]")) for each in at)
        # Without a certificate nobody is heard there.
        said = cloud.within(node, f"echo x | timeout 5 openssl s_client -quiet -connect {at[0]} "
                                  "-CAfile /etc/cairn/pki/ca.pem 2>&1 || true")
        assert "ready" not in said and "the ticket" not in said
