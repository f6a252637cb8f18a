"""Names of hosts: which there may be, what they are where nobody gave one, and whose they are.

What passes here stands in dnsmasq's files as it is, so the API and the writer of the files ask the
same questions.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 255
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MADE_UP = re.compile(r"host-[0-9a-f-]+")
# Names that machines ask for by themselves, and then do as whoever has them says.
_OFFICES = {"localhost", "wpad", "isatap"}


def hostname(address: str) -> str:
    """ "10.0.0.5" as host-10-0-0-5."""
    return "host-" + address.replace(".", "-").replace(":", "-")


def domain(text: str) -> str:
    """One or more labels (RFC 1123), with or without the period at the end. In lower case.
    Raises ValueError."""
    name = text.lower()
    labels = name.removesuffix(".").split(".")
    if len(name) > LONGEST:
        raise ValueError(f"it exceeds {LONGEST} characters")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} must be 1-63 characters long, each of which can only be "
                             "alphanumeric or a hyphen, which is neither the first nor the last")
    if len(labels) > 1 and re.fullmatch("[0-9]+", labels[-1]):
        raise ValueError(f"TLD {labels[-1]!r} must not be all numeric")
    return name


def host(text: str, own: str) -> str:
    """A name within the domain `own`, or, with a period at the end, one that ends in it. In lower
    case. Raises ValueError."""
    name = domain(text)
    if name.endswith("."):
        if not name.endswith(f".{own}."):
            raise ValueError(f"it is a FQDN, which must end in {own!r}")
    elif len(name) + len(own) + 2 > LONGEST:
        raise ValueError(f"with the domain {own!r} it exceeds {LONGEST} characters")
    return name


def within(name: str, own: str) -> str:
    """A host's name without the domain."""
    return name.removesuffix(f".{own}.") if name.endswith(".") else name


def shared_out(ports: Iterable[Mapping[str, Any]], own: str) -> dict[str, str]:
    """The name that each port of a network goes by, by its id. Who had a name first keeps it: on a
    network of several projects, nobody takes another project's, or one made up for an address.

    A port: {"id", "project_id", "dns_name", "since", "address"}.
    """
    names = {port["id"]: hostname(port["address"]) for port in ports}
    owners: dict[str, str] = {}
    for port in sorted(ports, key=lambda p: (p["since"], p["id"])):
        name = within(port["dns_name"], own)
        if not name or name in _OFFICES or _MADE_UP.fullmatch(name):
            continue
        if owners.setdefault(name, port["project_id"]) == port["project_id"]:
            names[port["id"]] = name
    return names
