"""Consoles from the guest to the viewer: a host that hands them over by TLS and ticket, and the
proxy with its web sockets. The guest is the fake driver's: it greets, and says back what it hears.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import unix_connect

from cairn.common.context import Context
from cairn.common.db import utcnow
from cairn.common.errors import Problem
from cairn.common.tokens import Revocation, Token, Verifier
from cairn.nova.compute.consoles import READY, ConsoleServer, Tickets, splice
from cairn.nova.console import hosts as console_hosts
from cairn.nova.console.access import Gate, token_in
from cairn.nova.console.hosts import Hosts, client_context
from cairn.nova.console.proxy import Proxy
from cairn.nova.core import console_tokens
from cairn.nova.db.models import ConsoleToken
from cairn.nova.settings import ConsoleProxySettings, ConsoleServerSettings

ALICES = Token(
    {"id": "alice", "name": "alice", "domain": {"id": "default", "name": "Default"}}, ["password"],
    ["a"], 1000.0, 9e9, {"project": {"id": "red", "name": "red"}}, [{"id": "m", "name": "member"}])


def certified(folder, name, authority=None):
    """A certificate of `authority`, or one itself; where it and its key are."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = authority or (name, key)
    title = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(title)
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), True)
        .add_extension(x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(signer, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return {"cert_file": str(path), "key_file": str(folder / f"{name}.key")}, (name, key)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    _, authority = certified(folder, "authority")
    _, other = certified(folder, "stranger")
    return SimpleNamespace(
        ca=str(folder / "authority.pem"), host=certified(folder, "host", authority)[0],
        controller=certified(folder, "controller", authority)[0],
        thief=certified(folder, "thief", other)[0])


@pytest.fixture
def server(alice, world):
    """The id of a server of alice's that runs on `one`."""
    server = alice.boot()
    world.settle()
    return server


@pytest.fixture
def host(world, pki):
    """What hands over the consoles of host `one`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = ConsoleServerSettings(address="127.0.0.1", port=port, ca_file=pki.ca, **pki.host)
    tickets = world.managers["one"].tickets = Tickets(settings)
    host = ConsoleServer(tickets, world.drivers["one"], settings)
    host.start()
    assert host.listening.wait(10)
    yield host
    host.stop()
    assert not host._thread.is_alive()


class Door:
    """nova-console, in a thread of its own."""

    def __init__(self, world, pki, folder, **settings):
        self.world, self.path = world, folder / "console.sock"
        self.verifier = Verifier(str(folder))
        own = ConsoleProxySettings(ca_file=pki.ca, **pki.controller, **{
            "check_seconds": 0.05, "connect_timeout": 5.0, **settings})
        self.gate = Gate(world.db, self.verifier, {"cloud.example"}, own)
        hosts = Hosts(world.nova.compute, client_context(own), own.connect_timeout)
        self.wrong = None
        self.proxy = Proxy("/console", self.gate, hosts, own, {"thing": lambda: self.wrong})
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        plug = socket.socket(socket.AF_UNIX)
        plug.bind(str(self.path))
        plug.listen(16)
        self.server = self.do(self.proxy.listen(plug, 4))

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def close(self):
        async def close():
            self.server.close()
            await self.server.wait_closed()

        self.do(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def issue(self, server_id, console_type="serial", user="alice", access=None, seconds=60.0):
        place = self.world.managers["one"].tickets.settings
        with self.world.db.writing() as session:
            token = console_tokens.issue(
                session, Context(user), server_id=server_id, project_id="red",
                console_type=console_type, host="one", address=place.address, port=place.port,
                seconds=seconds)
            session.execute(update(ConsoleToken).where(
                ConsoleToken.token_hash == hashlib.sha256(token.encode()).hexdigest()
            ).values(access=access))
        return token

    def view(self, token="", *, target=None, **options):
        target = f"/console/?token={token}" if target is None else target
        return unix_connect(str(self.path), f"ws://cloud.example{target}", compression=None,
                            **options)

    def code(self, *given, **options):
        with pytest.raises(InvalidStatus) as refused, self.view(*given, **options):
            pass
        assert refused.value.response.body == b""
        return refused.value.response.status_code

    def ask(self, path, upgrade=""):
        with socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(10)
            plug.connect(str(self.path))
            plug.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n".encode())
            answer = b""
            while data := plug.recv(4096):
                answer += data
            return answer

    def empty(self):
        """Nothing is open any more, on either side."""
        end = time.monotonic() + 10
        while self.proxy.sessions or +self.gate._open:
            assert time.monotonic() < end
            time.sleep(0.02)
        return True


@pytest.fixture
def doors(world, host, pki, tmp_path):
    """doors(**settings) -> a Door."""
    with contextlib.ExitStack() as stack:
        def doors(**settings):
            door = Door(world, pki, tmp_path, **settings)
            stack.callback(door.close)
            return door

        yield doors


@pytest.fixture
def door(doors):
    return doors()


# --- What a viewer has ---


def test_a_serial_line_says_hello_and_hears_what_is_typed(door, server):
    with door.view(door.issue(server), subprotocols=["binary", "base64"]) as viewer:
        assert viewer.subprotocol == "binary"
        assert viewer.recv(10) == b"login: "
        viewer.send(b"root\n")
        assert viewer.recv(10) == b"root\n"
        viewer.send("wörd\n")  # As text, which some terminals send.
        assert viewer.recv(10) == "wörd\n".encode()
    assert door.empty()


def test_a_screen_speaks_rfb_also_where_no_subprotocol_is_named(door, server):
    with door.view(door.issue(server, "novnc")) as viewer:
        assert viewer.subprotocol is None
        assert viewer.recv(10) == b"RFB 003.008\n"


def test_screens_are_shared_and_a_line_is_taken_over(door, server):
    screen = door.issue(server, "novnc")
    with door.view(screen) as one, door.view(screen) as two:
        assert one.recv(10) == two.recv(10) == b"RFB 003.008\n"
        one.send(b"x")
        assert one.recv(10) == b"x"
    line = door.issue(server)
    with door.view(line) as one:
        assert one.recv(10) == b"login: "
        with door.view(line) as two:
            assert two.recv(10) == b"login: "
            with pytest.raises(ConnectionClosed):
                one.recv(10)
            two.send(b"mine")
            assert two.recv(10) == b"mine"
    assert door.empty()


def test_much_comes_through_whole_in_both_directions(door, server):
    sent = hashlib.sha256(b"x").digest() * 2000  # 64000 bytes.
    with door.view(door.issue(server), max_size=None) as viewer:
        assert viewer.recv(10) == b"login: "
        for _ in range(20):
            viewer.send(sent)
            back = b""
            while len(back) < len(sent):
                back += viewer.recv(10)
            assert back == sent


def test_a_guest_that_ends_ends_the_console(door, world, server):
    with door.view(door.issue(server)) as viewer:
        assert viewer.recv(10) == b"login: "
        world.drivers["one"].lines[server].shutdown(socket.SHUT_RDWR)
        with pytest.raises(ConnectionClosed) as closed:
            viewer.recv(10)
        assert closed.value.rcvd.code == 1000
    assert door.empty()


def test_a_message_that_is_too_big_ends_it(door, server):
    with door.view(door.issue(server)) as viewer:
        viewer.recv(10)
        with pytest.raises(ConnectionClosed) as closed:
            viewer.send(b"x" * ((64 << 10) + 1))
            viewer.recv(10)
        assert closed.value.rcvd.code == 1009
    assert door.empty()


def test_who_reads_nothing_holds_up_his_guest_and_no_memory(door, server, world, monkeypatch):
    said = []

    def flood(server_id, console_type):
        theirs, ours = socket.socketpair()

        def pour():
            with ours, contextlib.suppress(OSError):
                while True:
                    said.append(ours.send(b"x" * 65536))

        threading.Thread(target=pour, daemon=True).start()
        return theirs

    monkeypatch.setattr(world.drivers["one"], "console", flood)
    with door.view(door.issue(server), max_queue=1) as viewer:
        before = -1
        while before != (before := sum(said)):  # It stands still at last.
            time.sleep(0.5)
        # What lies in buffers of sockets and of TLS; read on it would be gigabytes.
        assert 0 < before < 16 << 20
        seen = 0
        while seen < 2 * before:  # He reads on, and it goes on.
            seen += len(viewer.recv(10))
    assert door.empty()


# --- Who has one ---


def test_what_is_no_token_lets_nobody_in(door, server):
    good = door.issue(server)
    assert door.code("bad" + good) == 403
    assert door.code("") == 403
    assert door.code(target="/console/") == 403
    assert door.code(target=f"/console/?token={good}&" + "&".join("a=1" for _ in range(30))) == 403
    assert door.code(door.issue(server, seconds=-1)) == 403
    assert door.empty()


def test_a_token_may_be_in_the_path_or_in_a_cookie(door, server):
    good = door.issue(server)
    for options in (
        {"target": f"/console?token={good}"},
        {"target": f"/console/?path=console%2F%3Ftoken%3D{good}"},
        {"target": "/console/", "additional_headers": {"Cookie": f"a=b; token={good}"}},
    ):
        with door.view(**options) as viewer:
            assert viewer.recv(10) == b"login: "


@pytest.mark.parametrize(("target", "cookies", "token"), [
    ("/?token=a", "token=b", "a"), ("/?path=%3Ftoken%3Da", "", "a"), ("/", "token=b", "b"),
    ("/?token=", "token=b", "b"), ("/", "a==;,\x7f", ""), ("/", "", ""), ("//[?token=a", "", "a"),
    ("/?path=%2F%2F%5B%3Ftoken%3Da", "", "a"),
    ("/?path=x", "path=%3Ftoken%3Db", ""),
])
def test_where_a_token_is_looked_for(target, cookies, token):
    assert token_in(target, cookies) == token


@pytest.mark.parametrize("change", [
    {"host": "two"}, {"project_id": "blue"}, {"deleted": True}, {"power_state": 4},
])
def test_the_token_of_a_server_that_is_not_there_opens_nothing(door, world, server, change):
    token = door.issue(server)
    world.set(server, **change)
    assert door.code(token) == 403


def test_a_token_is_good_for_its_server_and_type_alone(door, world, alice, server):
    other = alice.boot()
    world.settle()
    with door.view(door.issue(other)) as viewer:
        viewer.recv(10)
        assert world.drivers["one"].lines.keys() == {other}
    with door.view(door.issue(server, "novnc")) as viewer:
        viewer.recv(10)
        assert world.drivers["one"].lines.keys() == {other}


def asked_with(token):
    return {name: getattr(token, name) for name in token.__slots__}


def test_who_lost_his_access_opens_nothing_and_what_is_open_ends(door, server):
    token = door.issue(server, access=asked_with(ALICES))
    with door.view(token) as viewer:
        viewer.recv(10)
        door.verifier.revoke(Revocation(2000.0, user_id="bob"))
        viewer.send(b"still")
        assert viewer.recv(10) == b"still"
        door.verifier.revoke(Revocation(2000.0, user_id="alice"))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                viewer.recv(10)
        assert closed.value.rcvd.code == 1008
        assert "may not be seen" in closed.value.rcvd.reason
    assert door.code(token) == 403
    # Asked for with a newer token of hers it opens.
    newer = replace(ALICES, issued_at=3000.0)
    with door.view(door.issue(server, access=asked_with(newer))) as viewer:
        assert viewer.recv(10) == b"login: "


@pytest.mark.parametrize("change", [{"host": "two"}, {"project_id": "blue"}, {"deleted": True}])
def test_what_is_open_ends_when_its_server_goes(door, world, server, change):
    with door.view(door.issue(server)) as viewer:
        viewer.recv(10)
        world.set(server, **change)
        with pytest.raises(ConnectionClosed) as closed:
            viewer.recv(10)
        assert closed.value.rcvd.code == 1008
    assert door.empty()


def test_a_token_that_expires_ends_nothing_that_is_open(door, world, server):
    with door.view(door.issue(server)) as viewer:
        viewer.recv(10)
        with world.db.writing() as session:
            session.execute(update(ConsoleToken).values(
                expires_at=utcnow() - dt.timedelta(seconds=9)))
        time.sleep(0.3)  # Six looks.
        viewer.send(b"still")
        assert viewer.recv(10) == b"still"


@pytest.mark.parametrize(("origin", "let_in"), [
    ("https://cloud.example", True), ("https://cloud.example:443", True),
    ("https://dash.example:8443", True), ("https://evil.example", False), ("null", False),
    ("http://cloud.example", False), ("https://cloud.example.evil.example", False),
    ("https://cloud.example:444", False), ("", False),
    ("https://[cloud.example", False), ("https://cloud.example/", False),
])
def test_pages_of_other_sites_open_nothing(door, server, origin, let_in):
    door.gate.names.add("dash.example:8443")
    options = {"additional_headers": {"Origin": origin}}
    if let_in:
        with door.view(door.issue(server), **options) as viewer:
            assert viewer.recv(10) == b"login: "
    else:
        assert door.code(door.issue(server), **options) == 403


def test_how_many_may_be_open(doors, server):
    door = doors(per_token=2, per_user=3, most=4)
    first, second = door.issue(server, "novnc"), door.issue(server, "novnc")
    bobs = [door.issue(server, "novnc", user) for user in ("bob", "eve")]
    with contextlib.ExitStack() as stack:
        stack.enter_context(door.view(first))
        leaver = stack.enter_context(door.view(first))
        assert door.code(first) == 429
        stack.enter_context(door.view(second))
        assert door.code(second) == 429
        stack.enter_context(door.view(bobs[0]))
        assert door.code(bobs[1]) == 429
        leaver.close()
        deadline = time.monotonic() + 10
        while len(door.proxy.sessions) > 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        stack.enter_context(door.view(first))
    assert door.empty()


@pytest.mark.parametrize("settings", [{"idle_seconds": 0.2}, {"most_seconds": 0.2}])
def test_nothing_is_open_for_ever(doors, server, settings):
    door = doors(**settings)
    with door.view(door.issue(server)) as viewer:
        viewer.recv(10)
        began = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            while time.monotonic() - began < 10:
                if "most_seconds" in settings:
                    viewer.send(b"I am here")
                viewer.recv(10)
        assert closed.value.rcvd.code == 1008 and "for too long" in closed.value.rcvd.reason
    assert door.empty()


def test_who_types_is_not_idle(doors, server):
    door = doors(idle_seconds=0.5)
    with door.view(door.issue(server)) as viewer:
        assert viewer.recv(10) == b"login: "
        for _ in range(8):
            time.sleep(0.15)
            viewer.send(b"x")
            assert viewer.recv(10) == b"x"


# --- What is no console ---


def test_other_questions_have_plain_answers(door):
    assert door.ask("/").startswith(b"HTTP/1.1 404 ")  # As its parent asks.
    assert door.ask("/console/").startswith(b"HTTP/1.1 426 ")
    assert door.ask("/console/x").startswith(b"HTTP/1.1 404 ")
    assert door.ask("//[").startswith(b"HTTP/1.1 404 ")
    assert door.ask("/elsewhere/").startswith(b"HTTP/1.1 404 ")
    head, _, body = door.ask("/console/healthcheck").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and json.loads(body) == {
        "healthy": True, "checks": {"thing": {"ok": True, "reason": "OK"}}}
    door.wrong = "it is gone"
    head, _, body = door.ask("/console/healthcheck").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["checks"]["thing"]["reason"] == "it is gone"


def test_who_is_refused_has_no_byte_that_he_could_take_for_a_frame(door):
    upgrade = ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
               "Sec-WebSocket-Protocol: binary\r\n")
    answer = door.ask("/console/?token=bad", upgrade)
    assert answer.startswith(b"HTTP/1.1 403 ") and answer.endswith(b"\r\n\r\n")


def test_a_viewer_that_hangs_up_while_it_is_opened_leaves_nothing(door, world, server, monkeypatch):
    driver = world.drivers["one"]
    opening, console = threading.Event(), driver.console

    def slow(server_id, console_type):
        opening.set()
        time.sleep(0.5)
        return console(server_id, console_type)

    monkeypatch.setattr(driver, "console", slow)
    plug = socket.socket(socket.AF_UNIX)
    plug.connect(str(door.path))
    plug.sendall(f"GET /console/?token={door.issue(server)} HTTP/1.1\r\nHost: a\r\n"
                 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n".encode())
    assert opening.wait(10)
    plug.close()
    time.sleep(0.7)
    assert door.empty()


# --- The host ---


def test_a_host_that_is_away_is_a_bad_gateway(door, world, host, server):
    token = door.issue(server)
    host.stop()
    assert door.code(token) == 503
    world.down("one")
    assert door.code(token) == 503
    assert door.empty()


def test_a_guest_that_has_stopped_meanwhile_is_a_conflict(door, world, server):
    world.drivers["one"].domains[server] = 4
    assert door.code(door.issue(server)) == 409


def connected(host, pki, who):
    context = ssl.create_default_context(cafile=pki.ca)
    if who is not None:
        context.load_cert_chain(who["cert_file"], who["key_file"])
    plain = socket.create_connection(("127.0.0.1", host.port), 10)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def said(host, pki, line, who=None):
    """All that comes back; nothing where it is not even heard."""
    with contextlib.suppress(OSError), connected(host, pki, who or pki.controller) as plug:
        plug.sendall(line)
        answer = b""
        while data := plug.recv(4096):
            answer += data
            if answer.startswith(READY):
                break
        return answer
    return b""


def test_a_ticket_is_good_once_and_for_seconds(host, pki, server, monkeypatch):
    ticket = host.tickets.issue(server, "serial").encode()
    assert said(host, pki, ticket + b"\n").startswith(READY)
    assert said(host, pki, ticket + b"\n") == b"the ticket is not good\n"
    late = host.tickets.issue(server, "serial").encode()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 21)
    assert host.tickets.take(late.decode()) is None
    # What nobody used does not stay.
    host.tickets.issue(server, "serial")
    assert len(host.tickets._given) == 1


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"\xff\n", b"x" * 200_000 + b"\n"])
def test_without_a_ticket_there_is_nothing(host, pki, server, line):
    host.tickets.issue(server, "serial")
    assert not said(host, pki, line).startswith(READY)


def test_who_is_not_of_the_cloud_is_not_heard(host, pki, server):
    ticket = host.tickets.issue(server, "serial")
    assert said(host, pki, ticket.encode() + b"\n", pki.thief) == b""
    with contextlib.suppress(OSError), connected(host, pki, None) as plug:
        plug.sendall(ticket.encode() + b"\n")
        assert plug.recv(100) == b""
    # Nobody has used it.
    assert host.tickets.take(ticket) == (server, "serial")


def test_a_proxy_hands_no_ticket_to_who_only_says_that_it_is_the_host(door, pki, server, world):
    heard = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.thief["cert_file"], pki.thief["key_file"])
    with socket.create_server(("127.0.0.1", 0)) as plug:
        settings = world.managers["one"].tickets.settings
        world.managers["one"].tickets.settings = replace(settings, port=plug.getsockname()[1])

        def listen():
            with contextlib.suppress(OSError):
                with context.wrap_socket(plug.accept()[0], server_side=True) as one:
                    heard.append(one.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()
        assert door.code(door.issue(server)) == 503
        thread.join()
    assert not any(heard)


def test_a_host_has_a_bound_too(host, pki, server, monkeypatch):
    monkeypatch.setattr(host, "settings", replace(host.settings, most=1))
    first, second = (host.tickets.issue(server, "novnc").encode() + b"\n" for _ in range(2))
    with connected(host, pki, pki.controller) as plug:
        plug.sendall(first)
        assert plug.recv(100).startswith(READY)
        assert said(host, pki, second) == b"too many consoles are open on the host\n"


def test_what_the_hypervisor_says_is_told_without_its_facts(host, pki, server, monkeypatch):
    class Broken(Problem):
        message = "It does not work.\nat /var/lib/secret"

    def broken(server_id, console_type):
        raise Broken

    monkeypatch.setattr(host.driver, "console", broken)
    ticket = host.tickets.issue(server, "novnc").encode() + b"\n"
    assert said(host, pki, ticket) == b"It does not work.\n"


def test_both_sides_say_ready_alike():
    assert READY == console_hosts.READY


def test_a_splice_ends_with_either_side():
    async def run(end):
        outer, theirs = socket.socketpair()
        inner, guest = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=outer)
        task = asyncio.ensure_future(splice(reader, writer, inner))
        await asyncio.sleep(0)
        {"viewer": theirs, "guest": guest}[end].close()
        await asyncio.wait_for(task, 5)
        writer.transport.abort()
        theirs.close()
        guest.close()
        await asyncio.sleep(0)

    for end in ("viewer", "guest"):
        asyncio.run(run(end))
