"""Addresses that others name and we fetch: which ones, and only from where they were checked.

A name is resolved once, its address judged, and the connection made to that very address: a name
that answers differently the second time leads nowhere. Redirects are judged like the first.
"""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from cairn.common import held
from cairn.common.errors import Invalid
from cairn.common.settings import BadSetting
from cairn.glance.drivers.transfers import OPENING, Answer, Pace, ask
from cairn.glance.settings import ImportSettings

REDIRECTS = 5
PORTS = {"http": 80, "https": 443}
# How an IPv6 network carries addresses of the older kind: where in it they begin, in bits.
CARRIERS = {"::ffff:0:0/96": 96, "::/96": 96, "64:ff9b::/96": 96, "2002::/16": 16}
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(Invalid):
    """The address may not be fetched."""

    message = "URI does not pass filtering: {uri}: {reason}"


class Gate:
    """What may be fetched, and the fetching. Raises BadSetting for networks that are none."""

    def __init__(self, settings: ImportSettings) -> None:
        self.settings = settings
        self._refused = [_network("refused_networks", w) for w in settings.refused_networks.split()]
        self._allowed = [_network("allowed_networks", w) for w in settings.allowed_networks.split()]
        self._own: list[Network] = []
        self._names: list[str] = []
        for word in settings.own_networks.split():
            try:
                self._own.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                self._names.append(word)

    def check(self, uri: Any) -> None:
        """Raises Refused for what can be seen to be wrong without asking anybody: names are
        resolved when they are fetched."""
        _, host, port = self._parts(uri)
        try:
            addresses = _resolved(host, port, socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            return
        self._refuse_forbidden(uri, addresses)

    def _parts(self, uri: Any) -> tuple[SplitResult, str, int]:
        """The parts, the host and the port, where the settings have nothing against them."""
        def refuse(reason: str) -> Refused:
            return Refused(uri=uri, reason=reason)

        s = self.settings
        if not isinstance(uri, str) or not uri or len(uri) > 2048 or not uri.isprintable():
            raise refuse("it is no address")
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError as wrong:
            raise refuse(str(wrong)) from wrong
        host = (parts.hostname or "").rstrip(".").lower()
        if not _passes(parts.scheme, s.allowed_schemes, s.disallowed_schemes):
            raise refuse("the scheme is not allowed")
        if parts.scheme not in PORTS:
            raise refuse("it is neither http nor https")
        # A scope is no part of an address on the web.
        if not host or "%" in host or not _passes(
                host, s.allowed_hosts.lower(), s.disallowed_hosts.lower()):
            raise refuse("the host is not allowed")
        if port is not None and not _passes(str(port), s.allowed_ports, s.disallowed_ports):
            raise refuse("the port is not allowed")
        return parts, host, port or PORTS[parts.scheme]

    def _judge(self, uri: Any) -> tuple[SplitResult, str, int]:
        """The parts, the address and the port to connect to."""
        parts, host, port = self._parts(uri)
        try:
            addresses = _resolved(host, port)
        except (OSError, UnicodeError) as error:
            raise Refused(uri=uri, reason=f"the host is not known: {error}") from error
        self._refuse_forbidden(uri, addresses)
        return parts, addresses[0], port

    def _refuse_forbidden(self, uri: str, addresses: list[str]) -> None:
        for address in addresses:
            if "%" in address or self._forbidden(ipaddress.ip_address(address)):
                raise Refused(uri=uri, reason="the host is at an address that is not allowed")

    def _forbidden(self, address: Address) -> bool:
        if any(address in network for network in self._allowed):
            return False
        return any(candidate in network for candidate in _meant(address)
                   for network in (*self._refused, *self._own, *self._named()))

    def _named(self) -> Iterator[Network]:
        """Where the cloud's own names lead now."""
        for name in self._names:
            try:
                addresses = _resolved(name, None)
            except (OSError, UnicodeError):
                continue
            yield from (ipaddress.ip_network(a.partition("%")[0]) for a in addresses)

    def open(self, uri: str, start: int = 0, method: str = "GET") -> Answer:
        """Raises Refused, or OSError when nothing useful came, or not in time."""
        held.none_for(uri)
        settings = self.settings
        pace = Pace(OPENING, settings.transfer_rate)
        for _ in range(REDIRECTS + 1):
            parts, address, port = self._judge(uri)
            headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "cairn-glance",
                       "Accept-Encoding": "identity", "Connection": "close"}
            if start:
                headers["Range"] = f"bytes={start}-"
            plug, response = ask(parts, address, port, method, headers, pace)
            if response.status in (301, 302, 303, 307, 308):
                uri = urljoin(uri, response.headers.get("Location", ""))
                response.close()
                plug.hang_up()
                continue
            answer = Answer(plug, response)
            plug.pace = Pace(settings.transfer_hours * 3600, settings.transfer_rate)
            return _taken(uri, start, response.status, response.reason, answer)
        raise OSError(f"{uri}: more than {REDIRECTS} redirects")


def _taken(uri: str, start: int, status: int, reason: str, answer: Answer) -> Answer:
    try:
        if status in (404, 410):
            raise FileNotFoundError(f"{uri}: {status} {reason}")
        if status not in (200, 206):
            raise OSError(f"{uri}: {status} {reason}")
        if start and status == 200:  # It does not know ranges.
            left = start
            while left and (skipped := answer.read(min(left, 1 << 20))):
                left -= len(skipped)
        return answer
    except BaseException:
        answer.close()
        raise


def _resolved(host: str, port: int | None, flags: int = 0) -> list[str]:
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [str(one[4][0]) for one in addresses]


def _meant(address: Address) -> Iterator[Address]:
    """The address, and the one of the older kind that a gateway may take it for."""
    yield address
    if isinstance(address, ipaddress.IPv4Address):
        return
    for carrier, first in CARRIERS.items():
        if address in ipaddress.IPv6Network(carrier):
            yield ipaddress.IPv4Address(int(address) >> (96 - first) & 0xFFFFFFFF)


def _network(option: str, word: str) -> Network:
    try:
        return ipaddress.ip_network(word)
    except ValueError as wrong:
        raise BadSetting(f"[imports] {option}: {wrong}") from wrong


def _passes(value: str, allowed: str, disallowed: str) -> bool:
    accepted, refused = allowed.split(), disallowed.split()
    return value in accepted if accepted else value not in refused
