"""Where the request that a thread works on came from: for the log, and for who guesses."""

import ipaddress
from contextvars import ContextVar

_ADDRESS: ContextVar[str] = ContextVar("address", default="unknown")


def remember(forwarded: str, peer: str) -> None:
    """`forwarded` is what the proxy says (the last of a list is what it saw itself), `peer` who has
    the connection."""
    try:
        _ADDRESS.set(str(ipaddress.ip_address(forwarded.rpartition(",")[2].strip() or peer)))
    except ValueError:
        _ADDRESS.set("unknown")


def address() -> str:
    """The address of the client whose request this thread works on, or "unknown"."""
    return _ADDRESS.get()
