"""What the agent's things are called on a host. A name says whose it is: all else is left alone."""

import re

from cairn.common.bounds import uuid_of

# Fifteen characters is all that a link's name may have.
PART = 11
HOST_LINK = re.compile(r"^(brq|vxl|vln|tap|vqr|vqg|vqd)[0-9a-f-]{11}$")
NAMESPACE = re.compile(r"^q(dhcp|router)-[0-9a-f-]{36}$")
TAP = re.compile(r"tap[0-9a-f-]{11}")
_PART = re.compile(r"[0-9a-f-]{11}")
_TAG = re.compile(r"[0-9A-Za-z-]{1,64}")


def _part(id: str) -> str:
    """The beginning of an id. Raises ValueError for what is none."""
    part = id[:PART]
    if not _PART.fullmatch(part):
        raise ValueError(f"{id[:64]!r} is no id")
    return part


def tag(id: str) -> str:
    """The id, where a helper's file has it as a word. Raises ValueError."""
    if not _TAG.fullmatch(id):
        raise ValueError(f"{id[:64]!r} is no id")
    return id


def bridge(network_id: str) -> str:
    return f"brq{_part(network_id)}"


def vxlan(network_id: str) -> str:
    return f"vxl{_part(network_id)}"


def vlan(network_id: str) -> str:
    return f"vln{_part(network_id)}"


def router_outside(port_id: str) -> str:
    """The bridge's end of a router interface."""
    return f"vqr{_part(port_id)}"


def router_inside(port_id: str) -> str:
    return f"qr-{_part(port_id)}"


def gateway_outside(port_id: str) -> str:
    return f"vqg{_part(port_id)}"


def gateway_inside(port_id: str) -> str:
    return f"qg-{_part(port_id)}"


def dhcp_outside(port_id: str) -> str:
    return f"vqd{_part(port_id)}"


def dhcp_inside(port_id: str) -> str:
    return f"ns-{_part(port_id)}"


def dhcp_namespace(network_id: str) -> str:
    return f"qdhcp-{uuid_of(network_id, 'network')}"


def router_namespace(router_id: str) -> str:
    return f"qrouter-{uuid_of(router_id, 'router')}"
