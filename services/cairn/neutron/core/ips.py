"""Addresses and prefixes from text that somebody wrote.

Python reads more than other programs do: an address with a scope (fe80::1%eth0) is one to it, and
makes nft refuse the rules of a whole host. What came through here has one form, `str` of it, that
all of them read alike.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def address(text: str) -> Address:
    """Raises ValueError."""
    _plain(text)
    parsed = ip_address(text)
    if parsed.version == 6 and parsed in _MAPPED:
        raise ValueError(f"{text!r} is an IPv4 address in the form of an IPv6 address")
    return parsed


def network(text: str, *, strict: bool = False) -> Network:
    """A prefix, or an address as one of its full length; `strict` is whether an address within
    the prefix is refused. Raises ValueError."""
    _plain(text)
    parsed = ip_network(text, strict=strict)
    if parsed.version == 6 and parsed.subnet_of(_MAPPED):
        raise ValueError(f"{text!r} is an IPv4 prefix in the form of an IPv6 prefix")
    return parsed


def mac(text: str) -> str:
    """In lower case, by colons. Raises ValueError."""
    lower = text.lower().replace("-", ":")
    if not _MAC.fullmatch(lower) or lower == "00:00:00:00:00:00":
        raise ValueError(f"{text!r} is not a MAC address")
    return lower


def _plain(text: str) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f.:/]+", text):
        raise ValueError(f"{text!r} has characters that no address has")
