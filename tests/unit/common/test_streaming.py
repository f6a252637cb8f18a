"""The server of streams: what comes slowly, broken or garbled, and what is answered early."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cairn.common import streaming
from cairn.common.errors import Problem


def application(environ: dict[str, Any], start: Any) -> Any:
    if environ["PATH_INFO"] == "/refused":
        start("401 Unauthorized", [("Content-Length", "2")])
        return [b"no"]
    if environ["PATH_INFO"] == "/pieces":
        start("200 OK", [])
        return iter([b"one", b"", b"two"])
    try:
        data = environ["wsgi.input"].read()
    except Problem as problem:
        start(f"{problem.code} Problem", [("Content-Length", "0")])
        return []
    answer = json.dumps({"size": len(data), "path": environ["PATH_INFO"],
                         "method": environ["REQUEST_METHOD"]}).encode()
    start("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]


@pytest.fixture
def place(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    stop: list[Any] = []
    monkeypatch.setattr("cairn.common.streaming.signal.signal",
                        lambda number, handler: stop.append(handler))
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(path)
        plug.listen(64)
        thread = threading.Thread(target=streaming.serve, args=(plug, application),
                                  kwargs={"threads": 4})
        thread.start()
        yield path
        while not stop:
            time.sleep(0.01)
        stop[0]()
        connected(path).close()
        thread.join(10)
        assert not thread.is_alive()


def connected(place: str) -> socket.socket:
    plug = socket.socket(socket.AF_UNIX)
    plug.settimeout(5)
    plug.connect(place)
    return plug


def said(place: str, *sent: bytes) -> bytes:
    """All that comes back for it."""
    with connected(place) as plug:
        for piece in sent:
            plug.sendall(piece)
        return heard(plug)


def heard(plug: socket.socket) -> bytes:
    found = b""
    while piece := plug.recv(65536):
        found += piece
    return found


def code(answer: bytes) -> int:
    return int(answer.split()[1])


def test_bodies_of_known_length_and_in_chunks_arrive_whole(place: str) -> None:
    size = 300_000
    answer = said(place, b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size,
                  b"x" * size)
    assert b'"size": 300000' in answer
    chunks = b"".join(b"%x\r\n%b\r\n" % (1000, b"y" * 1000) for _ in range(50)) + b"0\r\n\r\n"
    answer = said(place, b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", chunks)
    assert b'"size": 50000' in answer


def test_an_answer_of_unknown_length_comes_in_chunks_and_ends(place: str) -> None:
    answer = said(place, b"GET /pieces HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_a_refusal_is_heard_while_the_body_is_still_sent(place: str) -> None:
    for _ in range(20):
        with connected(place) as plug:
            plug.sendall(b"PUT /refused HTTP/1.1\r\nContent-Length: 9000000000\r\n\r\n")
            for _ in range(50):
                plug.sendall(b"x" * 20_000)
            assert code(plug.recv(100)) == 401


def test_the_refused_hold_no_thread(place: str) -> None:
    kept = []
    for _ in range(40):
        plug = connected(place)
        plug.sendall(b"PUT /refused HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx")
        kept.append(plug)
    assert code(said(place, b"GET /x HTTP/1.1\r\n\r\n")) == 200
    for plug in kept:
        plug.close()


def test_what_follows_a_request_is_never_a_second_one(place: str) -> None:
    second = b"GET /second HTTP/1.1\r\n\r\n"
    for first in (b"GET /x HTTP/1.1\r\n\r\n",
                  b"GET /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
                  b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        answer = said(place, first + second)
        assert len(re.findall(rb"HTTP/1.1 ", answer)) == 1 and b"second" not in answer


@pytest.mark.parametrize("head", [
    b"PUT /x HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"PUT /x HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
    b"PUT /x HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: trailer\r\n\r\n",
    b"GET /x HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
    b"GET /x HTTP/1.1\r\nA : b\r\n\r\n",
    b"GET /x HTTP/1.1\nHost: a\n\n",
    b"GET /x HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET http://x/ HTTP/1.1\r\n\r\n",
    b"GET /x\r\n\r\n",
    b"GET /x HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n",
])
def test_what_two_servers_could_read_differently_is_refused(place: str, head: bytes) -> None:
    assert code(said(place, head)) == 400


def test_a_body_that_breaks_off_is_no_body(place: str) -> None:
    with connected(place) as plug:
        plug.sendall(b"PUT /x HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
        plug.shutdown(socket.SHUT_WR)
        assert code(heard(plug)) == 400


def test_who_sends_too_slowly_is_not_waited_for(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "GRACE", 0.4)

    def drip() -> int:
        with connected(place) as plug:
            plug.sendall(b"PUT /x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
            for _ in range(100):
                plug.sendall(b"x")
                time.sleep(0.05)
                plug.setblocking(False)
                try:
                    return code(plug.recv(100))
                except BlockingIOError:
                    plug.setblocking(True)
            return 0

    with ThreadPoolExecutor(4) as pool:
        assert {found.result() for found in [pool.submit(drip) for _ in range(4)]} == {408}


def test_who_pauses_too_long_is_not_waited_for(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "PAUSE", 0.3)
    assert code(said(place, b"PUT /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nx")) == 408


def test_a_head_that_does_not_come_is_not_waited_for(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HEAD_SECONDS", 0.3)
    assert said(place, b"GET /x HT") == b""
