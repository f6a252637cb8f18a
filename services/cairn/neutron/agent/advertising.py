"""Router advertisements, by a dnsmasq in the namespace of each router that has IPv6 subnets."""

from pathlib import Path
from typing import Any

from cairn.neutron.agent import names
from cairn.neutron.agent.commands import Daemon, write
from cairn.neutron.core import ips
from cairn.neutron.settings import HostSettings

State = dict[str, Any]
# What dnsmasq calls a subnet whose guests make their addresses themselves, those who but ask for
# the rest, and those who are given everything. (The giving is done in the DHCP namespace.)
MODES = {"slaac": "ra-only", "dhcpv6-stateless": "ra-stateless", "dhcpv6-stateful": "static"}


class Advertiser:
    """The advertising dnsmasqs of this host, by namespace."""

    def __init__(self, settings: HostSettings) -> None:
        self.folder = Path(settings.state_dir, "advertising")

    def run(self, namespace: str, router: State) -> None:
        path = self.folder / f"{namespace}.conf"
        text = conf(router, self.folder / f"{namespace}.pid")
        if text is None:
            self.end(namespace)
            return
        daemon = self._daemon(namespace)
        if write(path, text) or not daemon.stands():
            daemon.stop()
            daemon.start("dnsmasq", f"--conf-file={path}")

    def end(self, namespace: str) -> None:
        path = self.folder / f"{namespace}.conf"
        if path.exists():
            self._daemon(namespace).stop()
            path.unlink()

    def alive(self) -> bool:
        return all(self._daemon(path.stem).stands() for path in self.folder.glob("*.conf"))

    def _daemon(self, namespace: str) -> Daemon:
        return Daemon(self.folder / f"{namespace}.pid", str(self.folder / f"{namespace}.conf"),
                      namespace)


def conf(router: State, pid_file: Path) -> str | None:
    """None where nothing is to be advertised. Raises ValueError."""
    lines = []
    for port in router["interfaces"]:
        link = names.router_inside(port["id"])
        for subnet in port["subnets"]:
            mode = MODES.get(subnet["ipv6_ra_mode"] or "")
            if mode is None or subnet["ip_version"] != 6:
                continue
            net = ips.network(subnet["cidr"])
            tag = f"subnet-{names.tag(subnet['id'])}"
            lines += [f"interface={link}", f"ra-param={link},mtu:{int(port['mtu'])},60",
                      f"dhcp-range=set:{tag},{net.network_address},{mode},{net.prefixlen}"]
            if subnet["dns_nameservers"]:
                servers = ",".join(
                    f"[{ips.address(server)}]" for server in subnet["dns_nameservers"])
                lines.append(f"dhcp-option=tag:{tag},option6:dns-server,{servers}")
    if not lines:
        return None
    return "\n".join([
        "port=0", "no-hosts", "no-resolv", "bind-interfaces", "except-interface=lo",
        "leasefile-ro", "enable-ra", "user=nobody", "group=nogroup", f"pid-file={pid_file}",
        *dict.fromkeys(lines), ""])
