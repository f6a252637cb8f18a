"""Links, addresses and routes of one network namespace, through rtnetlink."""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cairn.neutron.agent.commands import CommandFailed, run

T = TypeVar("T")
NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

# linux/if_tun.h
TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if.h
NLM_F_REQUEST_DUMP, NLMSG_ERROR, NLMSG_DONE, RTM_GETLINK = 0x301, 2, 3, 18
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER, IFLA_LINKINFO, IFLA_EXT_MASK = 1, 3, 4, 10, 18, 29
IFLA_INFO_KIND, RTEXT_FILTER_SKIP_STATS, IFF_UP = 1, 8, 1
EVERYBODY = "00:00:00:00:00:00"


@dataclass(frozen=True)
class Link:
    name: str
    index: int
    kind: str | None
    mtu: int
    up: bool
    master: int | None
    mac: str


@contextmanager
def links(namespace: str | None = None) -> Iterator["Links"]:
    """The links of a namespace, None: the host's own."""
    handle = IPRoute(fileno=netlink(namespace, socket.NETLINK_ROUTE).detach())
    dumps = netlink(namespace, socket.NETLINK_ROUTE)
    try:
        yield Links(handle, dumps)
    finally:
        handle.close()
        dumps.close()


def netlink(namespace: str | None, protocol: int, groups: int = 0) -> socket.socket:
    """A socket that is in the namespace, whoever uses it later, and hears of these groups.
    (pyroute2 would fork for this, and forking a process of many threads is asking for it.)"""
    def make() -> socket.socket:
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, protocol)
        if groups:
            made.bind((0, groups))
        return made

    return make() if namespace is None else within(namespace, make)


class Links:
    """What there is, and the few ways in which the agent changes it. All may be repeated."""

    def __init__(self, handle: Any, dumps: socket.socket) -> None:
        self.handle, self.dumps = handle, dumps
        self.by_name: dict[str, Link] = {}
        self.refresh()

    def refresh(self) -> None:
        self.by_name = {link.name: link for link in _all(self.dumps)}

    def has(self, name: str) -> bool:
        return name in self.by_name

    def bridge(self, name: str, mtu: int) -> Link:
        if not self.has(name):
            self._add(name, kind="bridge", br_forward_delay=0, br_stp_state=0, br_mcast_snooping=0)
        return self.change(name, mtu=mtu, up=True)

    def vxlan(self, name: str, vni: int, local: str, port: int, mtu: int, master: str) -> Link:
        if not self.has(name):
            self._add(name, kind="vxlan", vxlan_id=vni, vxlan_local=local, vxlan_port=port,
                      vxlan_learning=True, vxlan_ttl=64)
        return self.change(name, mtu=mtu, master=master, up=True)

    def vlan(self, name: str, tag: int, below: str, mtu: int, master: str) -> Link:
        if not self.has(name):
            self._add(name, kind="vlan", link=self.by_name[below].index, vlan_id=tag)
        return self.change(name, mtu=mtu, master=master, up=True)

    def tap(self, name: str) -> Link:
        """A tap that outlives us; down and on no bridge until it is set."""
        if not self.has(name):
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            try:
                request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
                fcntl.ioctl(device, TUNSETIFF, request)
                fcntl.ioctl(device, TUNSETPERSIST, 1)
            finally:
                os.close(device)
            self._added(name)
        return self.by_name[name]

    def veth(
        self, name: str, peer: str, namespace: str, inside: "Links", mtu: int, master: str
    ) -> Link:
        """One end here on `master`, the other in `namespace`, whose links are `inside`."""
        if not (self.has(name) and inside.has(peer)):
            self.delete(name)  # Its other end may be in a namespace that was wiped.
            self._add(name, kind="veth", peer={"ifname": peer, "net_ns_fd": namespace})
            inside.reread(peer)
        return self.change(name, mtu=mtu, master=master, up=True)

    def _add(self, name: str, **options: Any) -> None:
        self.handle.link("add", ifname=name, **options)
        self._added(name)

    def _added(self, name: str) -> None:
        self.reread(name)
        quiet(name)

    def reread(self, name: str) -> None:
        (message,) = self.handle.link("get", ifname=name)
        info = message.get_attr("IFLA_LINKINFO")
        self.by_name[name] = Link(
            name=name, index=message["index"], mtu=message.get_attr("IFLA_MTU"),
            kind=info.get_attr("IFLA_INFO_KIND") if info else None,
            up=bool(message["flags"] & IFF_UP), master=message.get_attr("IFLA_MASTER"),
            mac=message.get_attr("IFLA_ADDRESS") or "")

    def change(
        self, name: str, *, mtu: int | None = None, master: str | None = None,
        up: bool | None = None, mac: str | None = None,
    ) -> Link:
        """Change what differs. Raises KeyError if there is no such link or master."""
        link = self.by_name[name]
        changes: dict[str, Any] = {}
        if mtu is not None and link.mtu != mtu:
            changes["mtu"] = mtu
        if master is not None and link.master != self.by_name[master].index:
            changes["master"] = self.by_name[master].index
        if mac is not None and link.mac != mac:
            changes["address"] = mac
        if up is not None and link.up != up:
            changes["state"] = "up" if up else "down"
        if changes:
            self.handle.link("set", index=link.index, **changes)
            self.reread(name)
        return self.by_name[name]

    def delete(self, name: str) -> None:
        if self.has(name):
            try:
                self.handle.link("del", index=self.by_name[name].index)
            except NetlinkError as error:
                if error.code != errno.ENODEV:  # It went with its other end.
                    raise
            del self.by_name[name]

    def flood_to(self, vxlan: str, peers: Iterable[str]) -> list[str]:
        """Where a tunnel sends what it does not know: to every peer, and no one else. What the
        kernel has against single ones."""
        index = self.by_name[vxlan].index
        have = {
            entry.get_attr("NDA_DST") for entry in self.handle.get_neighbours(
                family=7, ifindex=index)
            if entry["ifindex"] == index and entry.get_attr("NDA_LLADDR") == EVERYBODY
        } - {None}
        desired = set(peers)
        refused: list[str] = []
        for command, those in (("append", desired - have), ("del", have - desired)):
            for peer in sorted(those):
                with _noting(refused, f"tunnel to {peer}"):
                    self.handle.fdb(command, ifindex=index, lladdr=EVERYBODY, dst=peer)
        return refused

    def addresses(self, name: str) -> set[str]:
        """Global addresses with their prefix lengths."""
        addresses = self.handle.get_addr(index=self.by_name[name].index)
        return {
            f"{a.get_attr('IFA_ADDRESS')}/{a['prefixlen']}" for a in addresses if a["scope"] == 0}

    def set_addresses(self, name: str, addresses: Iterable[str]) -> tuple[set[str], list[str]]:
        """Have these (with prefix lengths) and no others: (those that are new, what the kernel has
        against single ones)."""
        link = self.by_name[name]
        have = self.addresses(name)
        desired = {str(ip_interface(address)) for address in addresses}
        refused: list[str] = []
        for address in sorted(have - desired):
            ip, _, length = address.partition("/")
            with _noting(refused, f"{address} cannot be taken away"):
                self.handle.addr("del", index=link.index, address=ip, prefixlen=int(length))
        for address in sorted(desired - have):
            ip, _, length = address.partition("/")
            options: dict[str, Any] = {}
            if ":" in ip:
                options["flags"] = 0x02  # IFA_F_NODAD: Neutron gave it to nobody else.
            with _noting(refused, f"no address {address} with an MTU of {link.mtu}"):
                self.handle.addr(
                    "add", index=link.index, address=ip, prefixlen=int(length), **options)
        return desired - have, refused

    def set_routes(self, routes: dict[str, str]) -> list[str]:
        """Have these routes by gateway (destination -> next hop) and no others of that kind. What
        the kernel has against single ones."""
        have: dict[str, str] = {}
        for family in (2, 10):
            for route in self.handle.get_routes(family=family, table=254):
                hop = route.get_attr("RTA_GATEWAY")
                if hop is None or route["proto"] not in (3, 4):
                    continue
                destination = route.get_attr("RTA_DST") or ("0.0.0.0" if family == 2 else "::")
                have[f"{destination}/{route['dst_len']}"] = hop
        desired = {str(ip_network(d)): hop for d, hop in routes.items()}
        refused: list[str] = []
        for destination in have.keys() - desired.keys():
            with _noting(refused, f"route to {destination} cannot be taken away"):
                self.handle.route("del", dst=destination, gateway=have[destination])
        for destination, hop in desired.items():
            if have.get(destination) != hop:
                # Somebody's hop may not be on the link; the others are still to be had.
                with _noting(refused, f"no route to {destination} by {hop}"):
                    self.handle.route("replace", dst=destination, gateway=hop)
        return refused


@contextmanager
def _noting(refused: list[str], what: str) -> Iterator[None]:
    """One of several that are independent of each other: what is refused is noted, no more."""
    try:
        yield
    except (NetlinkError, OSError, ValueError) as error:
        refused.append(f"{what}: {error}")


def _all(dumps: socket.socket) -> Iterator[Link]:
    """Every link. pyroute2 takes half a millisecond for each, decoding what nobody asked for."""
    question = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + struct.pack(
        "=HHI", 8, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    dumps.send(struct.pack("=IHHII", 16 + len(question), RTM_GETLINK, NLM_F_REQUEST_DUMP, 1, 0)
               + question)
    while True:
        data, at = dumps.recv(1 << 18), 0
        while at < len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", data, at + 16)[0], "links are not told")
            yield _link(data, at + 16, at + length)
            at += length + 3 & ~3


def _link(data: bytes, at: int, end: int) -> Link:
    index, flags = struct.unpack_from("=iI", data, at + 4)
    attributes = dict(_attributes(data, at + 16, end))
    info = attributes.get(IFLA_LINKINFO, b"")
    kind = dict(_attributes(info, 0, len(info))).get(IFLA_INFO_KIND)
    master = attributes.get(IFLA_MASTER)
    return Link(
        name=_text(attributes[IFLA_IFNAME]), index=index, kind=_text(kind) if kind else None,
        mtu=struct.unpack("=I", attributes[IFLA_MTU])[0], up=bool(flags & IFF_UP),
        master=struct.unpack("=I", master)[0] if master else None,
        mac=attributes.get(IFLA_ADDRESS, b"").hex(":"))


def _attributes(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, data[at + 4:at + length]
        at += length + 3 & ~3


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode()


def quiet(name: str) -> None:
    """Keep the host itself off a link that is the tenants': no address of its own appears there."""
    try:
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as file:
            file.write("1")
    except FileNotFoundError:
        pass  # A kernel without IPv6.


def namespaces() -> set[str]:
    return {path.name for path in NAMESPACES.iterdir()} if NAMESPACES.exists() else set()


def within(namespace: str, function: Callable[[], T]) -> T:
    """What the function returns when it runs in that namespace. Raises what it raises."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def go() -> None:
        try:
            with open(NAMESPACES / namespace) as file:
                if _libc.setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"no way into namespace {namespace}")
            answers.append(function())
        except BaseException as error:
            errors.append(error)

    # A thread of its own: it alone moves, and takes the namespace with it when it ends.
    thread = threading.Thread(target=go, name=f"in {namespace}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


def ensure_namespace(name: str) -> bool:
    """Whether it had to be made."""
    if name in namespaces():
        try:
            within(name, lambda: None)
            return False
        except OSError:
            remove_namespace(name)  # A name that nothing is mounted on: half made, half removed.
    run("ip", "netns", "add", name)
    with links(name) as inside:
        inside.change("lo", up=True)
    return True


def remove_namespace(name: str) -> None:
    if name in namespaces():
        try:
            run("ip", "netns", "del", name)
        except CommandFailed:
            (NAMESPACES / name).unlink(missing_ok=True)
