"""Routers: a namespace each, with its interfaces, routes, and address translation."""

import contextlib
import logging
import socket
import struct
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from cairn.common.bounds import uuid_of
from cairn.neutron.agent import names
from cairn.neutron.agent.advertising import Advertiser
from cairn.neutron.agent.commands import CommandFailed, run, write
from cairn.neutron.agent.isolated import Isolated, isolate
from cairn.neutron.agent.links import (
    Links,
    ensure_namespace,
    links,
    namespaces,
    remove_namespace,
    within,
)
from cairn.neutron.agent.metadata import METADATA_IP, MetadataProxy
from cairn.neutron.core import ips
from cairn.neutron.settings import HostSettings

log = logging.getLogger(__name__)
State = dict[str, Any]
TABLE = "cairn_router"
METADATA_PORT = 9697
# A router's table where its own is refused.
SHUT = f"""add table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
  chain passing {{ type filter hook forward priority filter; policy drop; }}
}}
add table ip6 {TABLE}
delete table ip6 {TABLE}
table ip6 {TABLE} {{
  chain passing {{ type filter hook forward priority filter; policy drop; }}
}}
"""
SYSCTLS = (
    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2",
)


class Routers:
    def __init__(self, settings: HostSettings, proxy: MetadataProxy) -> None:
        self.folder = Path(settings.state_dir, "routers")
        self.proxy = proxy
        self.advertiser = Advertiser(settings)

    def apply(
        self, host: Links, routers: dict[str, State], bridges: dict[str, str], isolated: Isolated
    ) -> tuple[list[str], set[str], dict[str, str]]:
        """(ids of the ports that are wired, the host's links that are needed, what became of the
        floating IPs)."""
        wired: list[str] = []
        needed: set[str] = set()
        floating: dict[str, str] = {}
        for router_id, router in routers.items():
            needed |= {outside for outside, *_ in _plugs(router)}
            status = "ERROR"
            try:
                plugged = self._apply(host, router_id, router, bridges, isolated)
            except Exception as error:
                isolate(isolated, "router", router_id, error)
                self._shut(router_id)
            else:
                wired += plugged
                self._help(router_id, {**router, "interfaces": [
                    p for p in router["interfaces"] if p["id"] in plugged]}, isolated)
                status = _status(router, plugged)
            floating |= {f["id"]: status for f in router["floating_ips"]}
        self._remove_others(
            {names.router_namespace(router_id) for router_id in routers}, isolated)
        return wired, needed, floating

    def _apply(
        self, host: Links, router_id: str, router: State, bridges: dict[str, str],
        isolated: Isolated,
    ) -> list[str]:
        """The ids of the ports that are as they should be. Raises whatever concerns all of the
        router; what concerns one network is isolated, and the others are routed."""
        namespace = names.router_namespace(router_id)
        text, routes = ruleset(router), _routes(router)
        if ensure_namespace(namespace):
            run("sysctl", "-qw", *SYSCTLS, namespace=namespace)
        plugs = _plugs(router)
        plugged: list[str] = []
        up = router["admin_state_up"]
        with links(namespace) as own:
            for name in own.by_name.keys() - {inside for _, inside, _ in plugs}:
                if name.startswith(("qr-", "qg-")):
                    own.delete(name)
            for outside, inside, port in plugs:
                try:
                    host.veth(outside, inside, namespace, own, port["mtu"],
                              bridges[port["network_id"]])
                    refused = self._plug(own, namespace, inside, port, router)
                except Exception as error:
                    refused = [f"{type(error).__name__}: {error}"]
                    own.delete(inside)
                for why in refused:
                    isolate(isolated, "router", router_id, f"port {port['id']}: {why}")
                if not refused and port["admin_state_up"]:
                    plugged.append(port["id"])
            for why in own.set_routes(routes) if up else []:
                isolate(isolated, "router", router_id, why)
        self._translate(namespace, router_id, text)
        return plugged

    def _plug(
        self, own: Links, namespace: str, inside: str, port: State, router: State
    ) -> list[str]:
        """Set one end of a router up; what the kernel has against single addresses."""
        up = router["admin_state_up"] and port["admin_state_up"]
        own.change(inside, mtu=port["mtu"], mac=port["mac"], up=up)
        addresses = {ip["cidr"] for ip in port["fixed_ips"]}
        if port is router["gateway"]:
            addresses |= {f"{f['floating_ip_address']}/32" for f in router["floating_ips"]}
        new, refused = own.set_addresses(inside, addresses)
        if up:
            _announce(namespace, inside, port["mac"], new)
        return refused

    def _help(self, router_id: str, router: State, isolated: Isolated) -> None:
        """Metadata and advertisements. Without them, a router routes."""
        namespace = names.router_namespace(router_id)
        try:
            if router["interfaces"] and router["admin_state_up"]:
                self.proxy.run(namespace, f"0.0.0.0:{METADATA_PORT}", router_id=router_id)
                self.advertiser.run(namespace, router)
            else:
                self._end_helpers(namespace)
        except Exception as error:
            isolate(isolated, "router", router_id, error)

    def _translate(self, namespace: str, router_id: str, text: str) -> None:
        changed = write(self.folder / uuid_of(router_id, "router"), text)
        if not changed:
            try:
                run("nft", "list", "chain", "ip", TABLE, "post", namespace=namespace)
                return
            except CommandFailed:
                log.warning("%s lost its rules", namespace)
        run("nft", "-f", "-", stdin=text, namespace=namespace)

    def _shut(self, router_id: str) -> None:
        """Nothing passes a router that is not as it should be: not by rules it had, and not by
        none."""
        (self.folder / uuid_of(router_id, "router")).unlink(missing_ok=True)
        with contextlib.suppress(CommandFailed):  # Where there is no namespace, nothing passes.
            run("nft", "-f", "-", stdin=SHUT, namespace=names.router_namespace(router_id))

    def alive(self) -> bool:
        """Every helper that was started runs."""
        return self.proxy.alive() and self.advertiser.alive()

    def _end_helpers(self, namespace: str) -> None:
        self.proxy.end(namespace)
        self.advertiser.end(namespace)

    def _remove_others(self, needed: set[str], isolated: Isolated) -> None:
        for namespace in namespaces() - needed:
            if namespace.startswith("qrouter-") and names.NAMESPACE.match(namespace):
                router_id = namespace.removeprefix("qrouter-")
                try:
                    self._end_helpers(namespace)
                    remove_namespace(namespace)
                    (self.folder / router_id).unlink(missing_ok=True)
                except Exception as error:
                    isolate(isolated, "router", router_id, error)


def _status(router: State, plugged: list[str]) -> str:
    """What became of a router's floating IPs."""
    gateway = router["gateway"]
    if not router["admin_state_up"] or gateway and not gateway["admin_state_up"]:
        return "DOWN"
    return "ACTIVE" if gateway is None or gateway["id"] in plugged else "ERROR"


def _plugs(router: State) -> list[tuple[str, str, State]]:
    """(link on the host, link inside, port) of each port of a router."""
    plugs = [(names.router_outside(p["id"]), names.router_inside(p["id"]), p)
             for p in router["interfaces"]]
    if router["gateway"]:
        port = router["gateway"]
        plugs.append((names.gateway_outside(port["id"]), names.gateway_inside(port["id"]), port))
    return plugs


def _routes(router: State) -> dict[str, str]:
    """Raises ValueError."""
    routes = {str(ips.network(r["destination"])): str(ips.address(r["nexthop"]))
              for r in router["routes"]}
    for address in (router["gateway"] or {}).get("gateway_ips", []):
        address = str(ips.address(address))
        routes.setdefault("::/0" if ":" in address else "0.0.0.0/0", address)
    return routes


def _announce(namespace: str, interface: str, mac: str, addresses: set[str]) -> None:
    """Tell neighbours who remember another machine behind an address, and bridges and tunnels that
    remember another way to this one (gratuitous ARP)."""
    own = bytes.fromhex(mac.replace(":", ""))
    everybody = b"\xff" * 6

    def send() -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((interface, 0))
            for address in addresses:
                ip = ip_interface(address).ip
                if ip.version == 4:
                    raw.send(everybody + own + struct.pack(
                        "!HHHBBH6s4s6s4s", 0x0806, 1, 0x0800, 6, 4, 1, own, ip.packed,
                        everybody, ip.packed))

    if addresses:
        within(namespace, send)


def ruleset(router: State) -> str:
    """The router's translation as one nft transaction. Pure. Raises ValueError."""
    gateway = router["gateway"]
    outside = names.gateway_inside(gateway["id"]) if gateway else None
    own = next((str(ips.address(ip["ip"])) for ip in gateway["fixed_ips"] if ":" not in ip["ip"]),
               None) if gateway else None
    floating = sorted((str(ips.address(f["floating_ip_address"])),
                       str(ips.address(f["fixed_ip_address"])))
                      for f in router["floating_ips"])
    swapped = sorted({fixed: public for public, fixed in floating}.items())
    pairs = ", ".join(f"{public} . {fixed}" for public, fixed in floating)
    pre = [f'iifname "qr-*" ip daddr {METADATA_IP} tcp dport 80 redirect to :{METADATA_PORT}']
    post = []
    # A connection remembers its translation; one by a floating IP that is another's now must end.
    stale = [f"ct status dnat ct original ip daddr . ct reply ip saddr != {{ {pairs} }} drop"
             if pairs else "ct status dnat drop"]
    if floating:
        pre.append(f"dnat to ip daddr map {{ {_pairs(floating)} }}")
    if outside and own:
        if floating:
            post.append(f'oifname "{outside}" snat to ip saddr map {{ {_pairs(swapped)} }}')
        # Back to where it came from, the answer must come this way too.
        post.append('oifname "qr-*" meta mark 0x1 ct status dnat masquerade')
        if router["enable_snat"]:
            post.append(f'oifname "{outside}" meta mark 0x1 snat to {own}')
        stale.append(
            f'oifname "{outside}" ct status snat ct reply ip daddr != {own}'
            + (f" ct reply ip daddr . ct original ip saddr != {{ {pairs} }}" if pairs else "")
            + " drop")
    return "\n".join([
        # Where it was shut, it was for IPv6 too.
        f"add table ip6 {TABLE}", f"delete table ip6 {TABLE}",
        f"add table ip {TABLE}", f"delete table ip {TABLE}", f"table ip {TABLE} {{",
        "  chain pre { type nat hook prerouting priority dstnat; policy accept;",
        *(f"    {line}" for line in pre), "  }",
        "  chain post { type nat hook postrouting priority srcnat; policy accept;",
        *(f"    {line}" for line in post), "  }",
        # On every packet, not only the first of a connection: what comes from inside.
        "  chain marks { type filter hook prerouting priority mangle; policy accept;",
        '    iifname "qr-*" meta mark set 0x1', "  }",
        "  chain passing { type filter hook forward priority filter; policy accept;",
        *(f"    {line}" for line in stale), "  }",
        "  chain inp { type filter hook input priority filter; policy accept;",
        f'    iifname != "qr-*" tcp dport {METADATA_PORT} drop', "  }", "}", "",
    ])


def _pairs(pairs: Any) -> str:
    return ", ".join(f"{left} : {right}" for left, right in pairs)
