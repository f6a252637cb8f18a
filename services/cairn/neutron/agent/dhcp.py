"""Addresses for guests: a dnsmasq for each network, in a namespace of its own."""

import logging
import shutil
import signal
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cairn.common.bounds import uuid_of
from cairn.neutron.agent import leases, names
from cairn.neutron.agent.commands import Daemon, read, write
from cairn.neutron.agent.isolated import Isolated, isolate
from cairn.neutron.agent.links import (
    Links,
    ensure_namespace,
    links,
    namespaces,
    remove_namespace,
)
from cairn.neutron.agent.metadata import METADATA_IP, MetadataProxy
from cairn.neutron.core import ips
from cairn.neutron.core import names as names_of_hosts
from cairn.neutron.core import options as dhcp_options
from cairn.neutron.settings import HostSettings

log = logging.getLogger(__name__)
State = dict[str, Any]
LEASE = 86400


class Dhcp:
    def __init__(self, settings: HostSettings, proxy: MetadataProxy) -> None:
        self.folder = Path(settings.state_dir, "dhcp")
        self.proxy = proxy

    def apply(
        self, host: Links, networks: dict[str, State], bridges: dict[str, str], isolated: Isolated
    ) -> tuple[list[str], set[str]]:
        """(ids of the ports that are wired, names of the host's links that are needed)."""
        wired, needed = [], set()
        for network_id, network in networks.items():
            needed.add(names.dhcp_outside(network["port"]["id"]))
            try:
                served, left_out = plain(network)
                for why in left_out:
                    isolate(isolated, "dhcp", network_id, why)
                refused = self._apply(host, network_id, served, bridges[network_id])
                for why in refused:
                    isolate(isolated, "dhcp", network_id, why)
                if not refused and network["port"]["admin_state_up"]:
                    wired.append(network["port"]["id"])
            except Exception as error:
                isolate(isolated, "dhcp", network_id, error)
        self._remove_others(
            {names.dhcp_namespace(network_id) for network_id in networks}, isolated)
        return wired, needed

    def _apply(
        self, host: Links, network_id: str, network: State, bridge: str
    ) -> list[str]:
        """Serve the network; what the kernel has against single addresses of the server's."""
        namespace = names.dhcp_namespace(network_id)
        port = network["port"]
        outside, inside = names.dhcp_outside(port["id"]), names.dhcp_inside(port["id"])
        ensure_namespace(namespace)
        metadata = any(s["metadata_port"] for s in network["subnets"].values())
        with links(namespace) as own:
            host.veth(outside, inside, namespace, own, network["mtu"], bridge)
            own.change(
                inside, mtu=network["mtu"], mac=port["mac"], up=port["admin_state_up"])
            addresses = {ip["cidr"] for ip in port["fixed_ips"]}
            _, refused = own.set_addresses(
                inside, addresses | ({f"{METADATA_IP}/32"} if metadata else set()))
        self._serve(network_id, network, inside)
        if metadata:
            self.proxy.run(namespace, f"{METADATA_IP}:80", network_id=network_id)
        else:
            self.proxy.end(namespace)
        return refused

    def _serve(self, network_id: str, network: State, interface: str) -> None:
        folder = self._place(network_id)
        daemon = self._daemon(network_id)
        guests = hosts(network)
        self._forget(folder, daemon, guests)
        told = write(folder / "hosts", guests)
        told |= write(folder / "options", options(network))
        told |= write(folder / "names", known_names(network))
        anew = write(folder / "conf", conf(network, folder, interface))
        if anew or not daemon.stands():
            daemon.stop()
            daemon.start("dnsmasq", f"--conf-file={folder / 'conf'}")
        elif told:
            daemon.signal(signal.SIGHUP)

    def _forget(self, folder: Path, daemon: Daemon, guests: str) -> None:
        """End what was promised to ports that are gone. The hosts file is written afterwards: an
        agent that dies in between sees again what has to be forgotten."""
        def kept() -> str:
            return leases.kept(read(folder / "leases"), read(folder / "hosts"), guests)

        if kept() != read(folder / "leases"):
            daemon.stop()  # It reads the file only when it starts.
            write(folder / "leases", kept())

    def alive(self) -> bool:
        """Every dnsmasq that was started runs."""
        return all(self._daemon(path.name).stands() for path in _entries(self.folder))

    def _place(self, network_id: str) -> Path:
        return self.folder / uuid_of(network_id, "network")

    def _daemon(self, network_id: str) -> Daemon:
        folder = self._place(network_id)
        return Daemon(folder / "pid", str(folder / "conf"), names.dhcp_namespace(network_id))

    def _remove_others(self, needed: set[str], isolated: Isolated) -> None:
        present = {names.dhcp_namespace(path.name): path for path in _entries(self.folder)}
        present |= {name: self.folder / name.removeprefix("qdhcp-") for name in namespaces()
                  if name.startswith("qdhcp-") and names.NAMESPACE.match(name)}
        for namespace in present.keys() - needed:
            network_id = present[namespace].name
            try:
                self._daemon(network_id).stop()
                self.proxy.end(namespace)
                remove_namespace(namespace)
                shutil.rmtree(present[namespace], ignore_errors=True)
            except Exception as error:
                isolate(isolated, "dhcp", network_id, error)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def plain(network: State) -> tuple[State, list[str]]:
    """The network as dnsmasq may be told of it, made of what was read of each field; and what of
    single guests is left out, because it would be read as something else. Raises ValueError where
    the network itself is such."""
    hosts: list[State] = []
    left_out: list[str] = []
    for host in network["hosts"]:
        try:
            hosts.append(_plain_host(host, network["dns_domain"], left_out))
        except ValueError as wrong:
            left_out.append(f"port {host['port_id']} is not served: {wrong}")
    subnets = {id_: _plain_subnet(id_, subnet, left_out)
               for id_, subnet in network["subnets"].items()}
    return {**network, "dns_domain": names_of_hosts.domain(network["dns_domain"]),
            "mtu": int(network["mtu"]), "hosts": hosts, "subnets": subnets}, left_out


def _plain_host(host: State, domain: str, left_out: list[str]) -> State:
    port_id = names.tag(host["port_id"])
    addresses = [{**ip, "ip": str(ips.address(ip["ip"]))} for ip in host["fixed_ips"]]
    name = host["hostname"]
    try:
        name = names_of_hosts.within(names_of_hosts.host(name, domain), domain)
    except ValueError as wrong:
        left_out.append(f"port {port_id} goes without its name: {wrong}")
        name = names_of_hosts.hostname(addresses[0]["ip"])
    kept = []
    for option in host["extra_dhcp_opts"]:
        version = int(option.get("ip_version") or 4)
        try:
            word = dhcp_options.name(option["opt_name"], version)
            kept.append({"opt_name": word, "ip_version": version,
                         "opt_value": dhcp_options.value(option["opt_value"], word)})
        except ValueError as wrong:
            left_out.append(f"port {port_id} goes without an option: {wrong}")
    try:
        device = names.tag(host.get("device") or "")
    except ValueError:  # It is nobody's, or of somebody whose id is a text of his own.
        device = ""
    return {**host, "mac": ips.mac(host["mac"]), "hostname": name, "fixed_ips": addresses,
            "extra_dhcp_opts": kept, "device": device}


def _plain_subnet(id: str, subnet: State, left_out: list[str]) -> State:
    """Raises ValueError."""
    net = ips.network(subnet["cidr"])
    names.tag(id)

    def address(text: str | None) -> str | None:
        return str(ips.address(text)) if text else None

    def same(text: str) -> bool:
        """Of the subnet's IP version: DHCP for one version has no words for the other."""
        if ips.network(text).version == net.version:
            return True
        left_out.append(f"subnet {id} goes without {text}, which is not IPv{net.version}")
        return False

    return {
        **subnet, "cidr": str(net),
        "gateway_ip": address(subnet["gateway_ip"]),
        "metadata_port": address(subnet["metadata_port"]),
        "dns_nameservers": [address(server) for server in subnet["dns_nameservers"]
                            if same(server)],
        "host_routes": [{"destination": str(ips.network(route["destination"])),
                         "nexthop": address(route["nexthop"])}
                        for route in subnet["host_routes"]
                        if same(route["destination"]) and same(route["nexthop"])],
    }


def conf(network: State, folder: Path, interface: str) -> str:
    lines = [
        "no-hosts", "no-resolv", "bind-interfaces", f"interface={interface}",
        "except-interface=lo", "dhcp-authoritative", "dhcp-no-override",
        "user=nobody", "group=nogroup", f"pid-file={folder / 'pid'}",
        f"dhcp-leasefile={folder / 'leases'}", f"dhcp-hostsfile={folder / 'hosts'}",
        f"dhcp-optsfile={folder / 'options'}",
        f"addn-hosts={folder / 'names'}", f"domain={network['dns_domain']}",
        f"dhcp-option-force=option:mtu,{network['mtu']}",
        "local-service", "dhcp-lease-max=16777216",
    ]
    for subnet_id, subnet in sorted(network["subnets"].items()):
        net = ip_network(subnet["cidr"])
        if not subnet["enable_dhcp"]:
            continue
        if subnet["ip_version"] == 4:
            lines.append(f"dhcp-range=set:{tag(subnet_id)},{net.network_address},static,"
                         f"{net.netmask},{LEASE}s")
        elif subnet["ipv6_address_mode"] == "dhcpv6-stateful":
            lines.append(f"dhcp-range=set:{tag(subnet_id)},{net.network_address},static,"
                         f"{net.prefixlen},{LEASE}s")
    return "\n".join(lines) + "\n"


def tag(subnet_id: str) -> str:
    return f"subnet-{subnet_id}"


def hosts(network: State) -> str:
    lines = []
    for host in network["hosts"]:
        mark = f"set:port-{host['port_id']}," if host["extra_dhcp_opts"] else ""
        if host.get("device"):  # dnsmasq has no use for it: leases.py has.
            mark += f"set:{leases.DEVICE}{host['device']},"
        for ip in host["fixed_ips"]:
            address = f"[{ip['ip']}]" if ":" in ip["ip"] else ip["ip"]
            name = f"{host['hostname']}.{network['dns_domain']}"
            lines.append(f"{host['mac']},{mark}{name},{address}")
    return "".join(f"{line}\n" for line in sorted(lines))


def known_names(network: State) -> str:
    """Who is who, for those that ask this dnsmasq as a name server. (A hosts file) A name with
    periods is one within our domain only: without it, it could be anybody's."""
    return "".join(
        f"{ip['ip']} {host['hostname']}.{network['dns_domain']}"
        + ("" if "." in host["hostname"] else f" {host['hostname']}") + "\n"
        for host in network["hosts"] for ip in host["fixed_ips"])


def options(network: State) -> str:
    """Options of the subnets, then those of single ports. (dnsmasq's --dhcp-optsfile)"""
    lines = []
    own = {ip["subnet_id"]: ip["ip"] for ip in network["port"]["fixed_ips"]}
    for subnet_id, subnet in sorted(network["subnets"].items()):
        mark = f"tag:{tag(subnet_id)}"
        servers = subnet["dns_nameservers"] or ([own[subnet_id]] if subnet_id in own else [])
        if subnet["ip_version"] == 6:
            if servers:
                listed = ",".join(f"[{s}]" for s in servers)
                lines.append(f"{mark},option6:dns-server,{listed}")
            continue
        if servers:
            lines.append(f"{mark},option:dns-server,{','.join(servers)}")
        routes = [(r["destination"], r["nexthop"]) for r in subnet["host_routes"]]
        if subnet["metadata_port"]:
            routes.append((f"{METADATA_IP}/32", subnet["metadata_port"]))
        gateway = subnet["gateway_ip"]
        if routes:
            if gateway and "0.0.0.0/0" not in [d for d, _ in routes]:
                routes.append(("0.0.0.0/0", gateway))
            flat = ",".join(f"{d},{hop}" for d, hop in routes)
            # 249 is what some guests know the classless routes (RFC 3442) by.
            lines += [f"{mark},option:classless-static-route,{flat}", f"{mark},249,{flat}"]
        # An empty router option: without one, dnsmasq would announce itself.
        lines.append(f"{mark},option:router" + (f",{gateway}" if gateway else ""))
    for host in network["hosts"]:
        for option in host["extra_dhcp_opts"]:
            name = option["opt_name"]
            if option["ip_version"] == 6:
                name = f"option6:{name}"
            elif not name.isdigit():
                name = f"option:{name}"
            lines.append(f"tag:port-{host['port_id']},{name},{option['opt_value']}")
    return "".join(f"{line}\n" for line in lines)
