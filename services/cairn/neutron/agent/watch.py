"""Whether the kernel's side of our work may have changed since we last looked."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterable

from cairn.neutron.agent.links import NAMESPACES, netlink

# RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE of linux/rtnetlink.h
ROUTING = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
NETLINK_NETFILTER = 12
NFTABLES = 1 << 6  # NFNLGRP_NFTABLES is the seventh group.


class Watch:
    """The kernel tells of every change of links, addresses, routes and rules; we only ask whether
    it told anything. So a look at a host where nothing happened costs next to nothing."""

    def __init__(self) -> None:
        self._ears: dict[str | None, tuple[int, list[socket.socket]]] = {}

    def calm(self, namespaces: Iterable[str]) -> bool:
        """Nothing happened in the host's namespace or these since the last time. Not calm is
        what is watched for the first time, or was made anew."""
        watched: set[str | None] = {None, *namespaces}
        for name in self._ears.keys() - watched:
            self._forget(name)
        heard = [self._calm(name) for name in watched]  # Ask every one.
        return all(heard)

    def _calm(self, name: str | None) -> bool:
        inode = _inode(name)
        ears = self._ears.get(name)
        if ears is not None and ears[0] == inode:
            heard = [_silent(ear) for ear in ears[1]]
            return all(heard)
        self._forget(name)
        if inode is not None:
            # A name that leads into no namespace is not calm; who made it, mends it.
            with contextlib.suppress(OSError):
                self._ears[name] = (inode, [
                    netlink(name, socket.NETLINK_ROUTE, ROUTING),
                    netlink(name, NETLINK_NETFILTER, NFTABLES)])
        return False

    def _forget(self, name: str | None) -> None:
        # A socket keeps its namespace alive, nameless: close what is no longer watched.
        for ear in self._ears.pop(name, (0, []))[1]:
            ear.close()

    def close(self) -> None:
        for name in list(self._ears):
            self._forget(name)


def _inode(name: str | None) -> int | None:
    try:
        return os.stat("/proc/self/ns/net" if name is None else NAMESPACES / name).st_ino
    except FileNotFoundError:
        return None


def _silent(ear: socket.socket) -> bool:
    """Nothing came; what did is thrown away."""
    silent = True
    while True:
        try:
            ear.recv(1, socket.MSG_DONTWAIT | socket.MSG_TRUNC)
            silent = False
        except BlockingIOError:
            return silent
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # More came than there was room for.
                raise
            silent = False
