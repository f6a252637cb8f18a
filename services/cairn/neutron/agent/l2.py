"""Bridges of networks, tunnels between hosts, taps of servers."""

import logging
from typing import Any

from cairn.neutron.agent import names, rules
from cairn.neutron.agent.isolated import Isolated, isolate
from cairn.neutron.agent.links import Links
from cairn.neutron.settings import HostSettings

log = logging.getLogger(__name__)
State = dict[str, Any]


def mappings(text: str) -> dict[str, str]:
    """ "physnet1:br-ex,physnet2:br-two"."""
    pairs = (item.partition(":") for item in text.split(",") if item.strip())
    return {network.strip(): bridge.strip() for network, _, bridge in pairs}


class Bridges(dict[str, str]):
    """The bridge of each network that stands, by the network's id."""

    def __missing__(self, network_id: str) -> str:
        raise LookupError(f"network {network_id} does not stand on this host")


class Networks:
    """The bridge of each network that the host has a part of."""

    def __init__(self, settings: HostSettings) -> None:
        self.settings = settings
        self.mappings = mappings(settings.bridge_mappings)

    def bridge_of(self, network_id: str, network: State) -> str:
        """Where its ports are plugged. Raises LookupError if this host cannot reach it."""
        kind = network["network_type"]
        if kind == "flat":
            return self.mappings[network["physical_network"]]
        if kind in ("vxlan", "vlan", "local"):
            return names.bridge(network_id)
        raise LookupError(f"networks of type {kind} are not known to this agent")

    def apply(
        self, host: Links, networks: dict[str, State], isolated: Isolated
    ) -> dict[str, str]:
        """Make the bridges and tunnels; network id -> bridge, of those that stand."""
        bridges = Bridges()
        for network_id, network in networks.items():
            try:
                bridge = self.bridge_of(network_id, network)
                if network["network_type"] == "flat":
                    host.by_name[bridge]
                else:
                    host.bridge(bridge, network["mtu"])
                if network["network_type"] == "vxlan":
                    for refused in self._tunnel(host, network_id, network, bridge):
                        isolate(isolated, "network", network_id, refused)
                elif network["network_type"] == "vlan":
                    host.vlan(names.vlan(network_id), network["segmentation_id"],
                              self.mappings[network["physical_network"]], network["mtu"], bridge)
                bridges[network_id] = bridge
            except Exception as error:
                isolate(isolated, "network", network_id, error)
        return bridges

    def _tunnel(
        self, host: Links, network_id: str, network: State, bridge: str
    ) -> list[str]:
        name = names.vxlan(network_id)
        host.vxlan(name, network["segmentation_id"], self.settings.local_ip,
                   self.settings.vxlan_port, network["mtu"], bridge)
        return host.flood_to(name, network["peers"])


def make_taps(host: Links, ports: dict[str, State], isolated: Isolated) -> None:
    """The taps, still down: filters come before packets."""
    for port_id, port in ports.items():
        try:
            host.tap(port["tap"])
        except Exception as error:
            isolate(isolated, rules.PORT, port_id, error)


def plug_taps(
    host: Links, state: State, bridges: dict[str, str], isolated: Isolated
) -> list[str]:
    """Put the taps on their bridges and up; the ids of the ports that are wired whole. Of those
    that are shut in, the taps are down."""
    wired = []
    for port_id, port in state["ports"].items():
        bridge = bridges.get(port["network_id"])
        if bridge is None:
            continue
        shut = (rules.PORT, port_id) in isolated
        up = port["admin_state_up"] and state["networks"][port["network_id"]]["admin_state_up"]
        try:
            host.change(port["tap"], mtu=port["mtu"], master=bridge, up=up and not shut)
        except Exception as error:
            isolate(isolated, rules.PORT, port_id, error)
            continue
        whole = not any((rules.GROUP, group) in isolated for group in port["security_groups"])
        if up and whole and not shut:
            wired.append(port_id)
    return wired


def remove_others(host: Links, needed: set[str]) -> None:
    """Take away links of ours that nothing wants any more; ends first, bridges last."""
    ours = [name for name in host.by_name if names.HOST_LINK.match(name) and name not in needed]
    for name in sorted(ours, key=lambda n: n.startswith("brq")):
        try:
            host.delete(name)
        except Exception as error:
            log.error("%s cannot be taken away: %r", name, error)
