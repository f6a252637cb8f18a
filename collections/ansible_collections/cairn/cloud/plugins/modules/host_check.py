#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: host_check
short_description: Say why a host cannot be part of a cloud
version_added: 0.1.0
description:
  - Looks at a host before anything is changed on it, and says in one sentence each what is in the
    way and what to do about it.
  - Never fails by itself, so that all hosts can be looked at before one of them stops the play.
options:
  systems:
    description: Distributions that will do, as C(ID VERSION_ID) of C(/etc/os-release).
    type: list
    elements: str
    required: true
  disk:
    description: GiB that have to be free under C(/var), unless the cloud is already installed.
    type: float
    required: true
  memory:
    description: GiB of memory the host has to have.
    type: float
    required: true
  ports:
    description: Ports the cloud will listen at.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: The TCP port.
        type: int
        required: true
      ours:
        description: A file that is there once the cloud itself listens at the port.
        type: path
        required: true
attributes:
  check_mode: {support: full, description: It never changes anything.}
  diff_mode: {support: none, description: There is nothing to differ.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Look at the host
  cairn.cloud.host_check:
    systems: [debian 12]
    disk: 3
    memory: 2
    ports: [{port: 443, ours: /etc/nginx/conf.d/cairn.conf}]
"""

RETURN = r"""
problems:
  description: What is in the way.
  type: list
  elements: str
  returned: always
addresses:
  description: The host's own addresses.
  type: list
  elements: str
  returned: always
"""

import glob
import os
import re
import socket
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

GIB = 1 << 30
INSTALLED = "/opt/cairn/current"
LISTEN = "0A"


class Host:
    """The host as it can be seen through its file system. Tests look at another one."""

    def __init__(self, root="/"):
        self.root = root

    def path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def read(self, path):
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def free(self, path):
        found = os.statvfs(self.path(path))
        return found.f_bavail * found.f_frsize

    def listeners(self, port):
        """Names of the processes that listen at a port; an unknown one is nameless."""
        inodes = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in self.read(table).splitlines()[1:]:
                words = line.split()
                if words[3] == LISTEN and int(words[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
        return sorted(name for inode in inodes for name in [self._holder(inode)])

    def _holder(self, inode):
        for link in glob.iglob(self.path("/proc/[0-9]*/fd/*")):
            try:
                if os.readlink(link) == inode:
                    return self.read(f"/proc/{link.split('/')[-3]}/comm").strip()
            except OSError:
                continue  # The process ended meanwhile.
        return "a process that cannot be seen"


def check_system(host, wanted):
    release = dict(
        line.split("=", 1) for line in host.read("/etc/os-release").splitlines() if "=" in line
    )
    system = " ".join(release.get(key, "").strip('"') for key in ("ID", "VERSION_ID"))
    if system not in wanted:
        title = release.get("PRETTY_NAME", "an unknown system").strip('"')
        yield (
            f"it runs {title}, which Cairn does not know; install one of: "
            + ", ".join(each.title() for each in wanted)
        )
    if os.uname().machine != "x86_64":
        yield f"its processor is {os.uname().machine}; Cairn runs guests on x86_64 only so far"


def check_init(host):
    if host.read("/proc/1/comm").strip() != "systemd":
        yield (
            "systemd is not its first process, so no service can be started on it; use a machine"
            " that boots with systemd, or build a lab on this one with: ./cairn up --lab"
        )


def check_disk(host, gib):
    # What is installed already does not have to fit a second time.
    wanted = 0.5 if host.exists(INSTALLED) else gib
    free = host.free("/var") / GIB
    if free < wanted:
        yield f"/var has {free:.1f} GiB free and needs {wanted:g}; make room or mount a bigger disk"


def check_memory(host, gib):
    found = re.search(r"^MemTotal:\s+(\d+) kB", host.read("/proc/meminfo"), re.MULTILINE)
    total = int(found[1]) * 1024 / GIB if found else 0.0
    if total < gib:
        yield f"it has {total:.1f} GiB of memory and needs {gib:g}; give it more"


def check_ports(host, ports):
    for wanted in ports:
        if host.exists(wanted["ours"]):
            continue
        for name in host.listeners(wanted["port"]):
            yield (
                f"port {wanted['port']} is taken by {name}; stop and disable it, or use a machine"
                " of its own for the cloud"
            )


def check_root(uid):
    if uid != 0:
        yield "the play is not root on it; log in as root, or set ansible_become"


def check_packages(module):
    """Where packages come from can be reached. Asks apt for the addresses, and changes nothing."""
    rc, out, err = module.run_command(["apt-get", "--print-uris", "update"])
    if rc != 0:
        yield f"apt does not know where packages come from ({err.strip()}); mend its sources"
        return
    proxy = module.run_command(["apt-config", "shell", "proxy", "Acquire::http::Proxy"])[1]
    urls = [line.split("'")[1] for line in out.splitlines() if line.startswith("'")]
    places = {urlsplit(url)[:2] for url in urls if url.startswith("http")}
    if "proxy=" in proxy:
        places = {urlsplit(proxy.split("'")[1])[:2]}
    if not urls:
        yield "apt has no sources; put Debian's in /etc/apt/sources.list"
    for scheme, place in sorted(places):
        yield from check_place(scheme, place)


def check_place(scheme, place):
    name, _colon, port = place.rpartition("@")[2].partition(":")
    try:
        socket.create_connection((name, int(port or {"https": 443}.get(scheme, 80))), 5).close()
    except socket.gaierror:
        yield f"it cannot resolve the name {name}, where packages come from; mend /etc/resolv.conf"
    except OSError as error:
        yield (
            f"it cannot reach {name}, where packages come from ({error.strerror or error});"
            " mend its network, or name a mirror it can reach in /etc/apt/sources.list"
        )


def main():
    port = {
        "port": {"type": "int", "required": True},
        "ours": {"type": "path", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "systems": {"type": "list", "elements": "str", "required": True},
            "disk": {"type": "float", "required": True},
            "memory": {"type": "float", "required": True},
            "ports": {"type": "list", "elements": "dict", "default": [], "options": port},
        },
        supports_check_mode=True,
    )
    host, asked = Host(), module.params
    problems = [
        *check_root(os.geteuid()),
        *check_system(host, asked["systems"]),
        *check_init(host),
        *check_disk(host, asked["disk"]),
        *check_memory(host, asked["memory"]),
        *check_ports(host, asked["ports"]),
        *check_packages(module),
    ]
    out = module.run_command(["ip", "-oneline", "-4", "address", "show", "scope", "global"])[1]
    addresses = re.findall(r"inet ([0-9.]+)", out)
    module.exit_json(changed=False, problems=problems, addresses=addresses)


if __name__ == "__main__":
    main()
