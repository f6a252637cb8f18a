"""Servers that are slow, silent, or never end hold nobody for long."""

import time

import pytest

from cairn.glance.drivers import gate as gates
from cairn.glance.drivers import transfers
from cairn.glance.drivers.gate import Gate
from cairn.glance.settings import ImportSettings

from .servers import dripping_server, silent_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture
def gate(monkeypatch):
    monkeypatch.setattr(gates, "OPENING", 0.6)
    monkeypatch.setattr(transfers, "WINDOW", 0.5)
    return Gate(ImportSettings(allowed_ports="", allowed_networks="127.0.0.0/8"))


def in_time(func, *args):
    begun = time.monotonic()
    with pytest.raises(OSError):
        func(*args)
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("server", [
    silent_server, lambda: dripping_server(b"", b"H"),
    lambda: dripping_server(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    lambda: dripping_server(b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"")],
    ids=["silent", "byte by byte", "headers for ever", "redirects for ever"])
def test_an_answer_must_begin_in_time(gate, server):
    with server() as url:
        in_time(gate.open, f"{url}/x")


def test_a_body_must_come_at_a_pace(gate):
    with dripping_server(HEAD, b"x") as url, gate.open(f"{url}/x") as answer:
        in_time(answer.read, 1 << 20)


def test_a_body_must_end(gate, monkeypatch):
    """Fast enough, and without an end."""
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with dripping_server(head, b"x" * 65536, 0.001) as url, gate.open(f"{url}/x") as answer:
        answer._plug.pace = transfers.Pace(0.5, 1000)

        def all_of_it():
            while answer.read(1 << 20):
                pass

        in_time(all_of_it)


def test_a_slow_reader_is_not_a_slow_server(gate):
    with dripping_server(HEAD, b"x" * 65536, 0.001) as url, gate.open(f"{url}/x") as answer:
        for _ in range(4):
            assert answer.read(1 << 17)
            time.sleep(0.3)
