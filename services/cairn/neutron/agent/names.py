"""What the agent's things are called on a host. A name says whose it is: all else is left alone."""

import re

# Fifteen characters is all that a link's name may have.
PART = 11
HOST_LINK = re.compile(r"^(brq|vxl|vln|tap|vqr|vqg|vqd)[0-9a-f-]{11}$")
NAMESPACE = re.compile(r"^q(dhcp|router)-[0-9a-f-]{36}$")


def bridge(network_id: str) -> str:
    return f"brq{network_id[:PART]}"


def vxlan(network_id: str) -> str:
    return f"vxl{network_id[:PART]}"


def vlan(network_id: str) -> str:
    return f"vln{network_id[:PART]}"


def router_outside(port_id: str) -> str:
    """The bridge's end of a router interface."""
    return f"vqr{port_id[:PART]}"


def router_inside(port_id: str) -> str:
    return f"qr-{port_id[:PART]}"


def gateway_outside(port_id: str) -> str:
    return f"vqg{port_id[:PART]}"


def gateway_inside(port_id: str) -> str:
    return f"qg-{port_id[:PART]}"


def dhcp_outside(port_id: str) -> str:
    return f"vqd{port_id[:PART]}"


def dhcp_inside(port_id: str) -> str:
    return f"ns-{port_id[:PART]}"


def dhcp_namespace(network_id: str) -> str:
    return f"qdhcp-{network_id}"


def router_namespace(router_id: str) -> str:
    return f"qrouter-{router_id}"
