#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: remains
short_description: Take everything of a cloud off a host
version_added: 0.1.0
description:
  - Finds what a cloud has on a host - units, guests, processes, namespaces, links, tables, schemas,
    files, directories - and removes it, in an order in which nothing comes back.
  - Recognises things by the names only Cairn gives. Packages stay; so does what was there before.
  - Guests and databases are gone for good.
options:
  schemas:
    description: Databases that are the cloud's.
    type: list
    elements: str
    required: true
attributes:
  check_mode: {support: full, description: Reports what would be removed.}
  diff_mode: {support: full, description: Shows what was there.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Nothing of the cloud is left
  cairn.cloud.remains:
    schemas: [keystone, placement, glance, nova, neutron]
"""

RETURN = r""" # """

import glob
import os
import re
import shutil
import signal
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

INSTANCES = "/var/lib/cairn/instances/"
UNITS = "/etc/systemd/system/cairn-*"
BRIDGE = "/usr/local/sbin/cairn-bridge"
# As in the network agent's names.py.
LINK = re.compile(r"(brq|vxl|tap|vqr|vqg|vqd)[0-9a-f-]{11}")
NAMESPACE = re.compile(r"q(dhcp|router)-[0-9a-f-]{36}")
# A lab on the same machine has tables of its own.
TABLE = re.compile(r"cairn_(?!lab_)\w+")
# A file that shows that a daemon was set up for the cloud, and the units to stop then.
DAEMONS = {
    "/etc/nginx/conf.d/cairn.conf": ["nginx.service"],
    "/etc/rabbitmq/definitions.json": ["rabbitmq-server.service", "epmd.service", "epmd.socket"],
    "/etc/mysql/mariadb.conf.d/90-cairn.cnf": ["mariadb.service"],
    "/etc/systemd/system/libvirtd-tls.socket.d/cairn.conf": ["libvirtd-tls.socket"],
}
# The same of Ceph's daemons, which are as many as there are disks; and their data. A disk that was
# given up whole keeps what is on it.
CEPH = "/etc/systemd/system/ceph-osd@.service.d/cairn.conf"
CEPH_DATA = ["mon/*", "mgr/*", "osd/*", "files"]
# What libvirt was lent of a user of Ceph's (nova/drivers/libvirt/secrets.py), as it lists it.
SECRET = re.compile(r"ceph ceph client\.\S+")
# Of whatever users the cloud has there.
KEYRINGS = "/etc/ceph/ceph.client.*.keyring"
DATABASES = "/var/lib/mysql"
OWN_DATABASES = {"mysql", "performance_schema", "sys", "test", "#rocksdb"}
# What roles write beside what packages bring. The markers of DAEMONS come last, so that a run that
# is killed can be repeated.
LINKS = {
    "/etc/pki/CA/cacert.pem": "/etc/cairn/",
    "/etc/pki/libvirt/clientcert.pem": "/etc/cairn/",
    "/etc/pki/libvirt/private/clientkey.pem": "/etc/cairn/",
    "/etc/systemd/system/libvirtd-ro.socket": "/dev/null",
}
FILES = [
    *LINKS,
    "/etc/apparmor.d/local/abstractions/libvirt-qemu",
    "/etc/ceph/ceph.conf",
    "/etc/logrotate.d/cairn-access",
    "/etc/libvirt/libvirtd.conf",
    "/etc/libvirt/qemu.conf",
    "/etc/rabbitmq/rabbitmq-env.conf",
    "/etc/rabbitmq/rabbitmq.conf",
    "/etc/sysctl.d/90-cairn.conf",
    "/etc/systemd/system/ceph-mgr@.service.d/cairn.conf",
    "/etc/systemd/system/ceph-mon@.service.d/cairn.conf",
    "/etc/systemd/system/epmd.socket.d/cairn.conf",
    "/etc/systemd/system/libvirtd.socket.d/cairn.conf",
    "/etc/systemd/system/mariadb.service.d/cairn.conf",
    "/etc/systemd/system/nginx.service.d/cairn.conf",
    "/etc/systemd/system/rabbitmq-server.service.d/cairn.conf",
    "/etc/tmpfiles.d/cairn.conf",
    "/var/lib/ceph/bootstrap-osd/ceph.keyring",
    BRIDGE,
    CEPH,
    *DAEMONS,
]
# Only then are these ours, and not the package's own.
MARK = "Written by Ansible, role"
SHARED = ("/etc/apparmor.d/", "/etc/ceph/", "/etc/libvirt/", "/etc/rabbitmq/rabbitmq",
          "/var/lib/ceph/")
DIRECTORIES = ["/run/cairn", "/run/cairn-exports", "/etc/cairn", "/opt/cairn", "/var/lib/cairn",
               "/var/log/cairn"]
HOSTS_BLOCK = re.compile(
    r"^# BEGIN of the cloud's hosts\n.*?^# END of the cloud's hosts\n", re.MULTILINE | re.DOTALL
)


class Host:
    """The host, seen and changed through its files and its own tools."""

    def __init__(self, module, schemas, root="/"):
        self.module, self.schemas, self.root = module, schemas, root

    def path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def exists(self, path):
        return os.path.lexists(self.path(path))

    def read(self, path):
        try:
            with open(self.path(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def _link(self, path):
        try:
            return os.readlink(self.path(path))
        except OSError:
            return ""

    def names(self, directory):
        try:
            return sorted(os.listdir(self.path(directory)))
        except OSError:
            return []

    def run(self, *command):
        """What a tool says; nothing where it does not like the question."""
        rc, out, err = self.module.run_command(list(command))
        return out if rc == 0 else ""

    # Things that run ------------------------------------------------------------

    def units(self):
        return [os.path.basename(path) for path in sorted(glob.glob(self.path(UNITS)))]

    def remove_unit(self, name):
        self.run("systemctl", "disable", "--now", name)
        os.unlink(self.path(f"/etc/systemd/system/{name}"))

    def domains(self):
        if not self.exists("/usr/bin/virsh"):
            return []
        uuids = self.run("virsh", "--connect", "qemu:///system", "list", "--all", "--uuid").split()
        return [uuid for uuid in uuids if INSTANCES in self.run("virsh", "dumpxml", uuid)]

    def remove_domain(self, uuid):
        self.run("virsh", "destroy", uuid)
        self.run(
            "virsh", "undefine", uuid, "--managed-save", "--snapshots-metadata",
            "--checkpoints-metadata", "--nvram",
        )

    def secrets(self):
        if not self.exists("/usr/bin/virsh"):
            return []
        listed = self.run("virsh", "--connect", "qemu:///system", "secret-list").splitlines()
        rows = (line.split() for line in listed)
        return [row[0] for row in rows if SECRET.fullmatch(" ".join(row[1:]))]

    def remove_secret(self, uuid):
        self.run("virsh", "--connect", "qemu:///system", "secret-undefine", uuid)

    def processes(self):
        """The agent's helpers outlive it; so would whatever else runs from the release."""
        inside = {
            os.stat(self.path(f"/run/netns/{name}")).st_ino for name in self.namespaces()
        }
        return [str(pid) for pid in self._pids() if pid != os.getpid() and self._ours(pid, inside)]

    def _pids(self):
        return sorted(int(name) for name in self.names("/proc") if name.isdigit())

    def _ours(self, pid, inside):
        # A lab's nodes have process numbers of their own, and clouds of their own.
        if self._link(f"/proc/{pid}/ns/pid") != self._link("/proc/self/ns/pid"):
            return False
        words = self.read(f"/proc/{pid}/cmdline").split("\0")
        if any(word.startswith("/opt/cairn/") for word in words[:2]):
            return True
        if any("/run/cairn/" in word for word in words):
            return True
        try:
            return os.stat(self.path(f"/proc/{pid}/ns/net")).st_ino in inside
        except OSError:
            return False  # It ended meanwhile.

    def remove_process(self, pid):
        for number, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            deadline = time.monotonic() + patience
            try:
                os.kill(int(pid), number)
                while time.monotonic() < deadline:
                    os.kill(int(pid), 0)
                    time.sleep(0.05)
            except ProcessLookupError:
                return

    # Networks -------------------------------------------------------------------

    def namespaces(self):
        return [name for name in self.names("/run/netns") if NAMESPACE.fullmatch(name)]

    def remove_namespace(self, name):
        self.run("ip", "netns", "delete", name)

    def links(self):
        return [name for name in self.names("/sys/class/net") if LINK.fullmatch(name)]

    def remove_link(self, name):
        self.run("ip", "link", "delete", name)

    def outside(self):
        return [BRIDGE] if self.exists(BRIDGE) else []

    def remove_outside(self, script):
        self.run(script, "down")
        os.unlink(self.path(script))

    def tables(self):
        if not self.exists("/usr/sbin/nft"):
            return []
        listed = (line.split() for line in self.run("nft", "list", "tables").splitlines())
        return [f"{words[1]} {words[2]}" for words in listed if TABLE.fullmatch(words[2])]

    def remove_table(self, table):
        self.run("nft", "delete", "table", *table.split())

    # Data -----------------------------------------------------------------------

    def databases(self):
        if not self.exists("/etc/mysql/mariadb.conf.d/90-cairn.cnf"):
            return []
        return [name for name in self.names(DATABASES) if name in self.schemas]

    def remove_database(self, name):
        self.run("systemctl", "start", "mariadb.service")
        drop = f"DROP DATABASE `{name}`; DROP USER IF EXISTS '{name}'@'localhost', '{name}'@'%'"
        self.run("mariadb", "--execute", drop)

    def daemons(self):
        return [
            unit for marker, units in DAEMONS.items() if self.exists(marker) for unit in units
            if not (unit == "mariadb.service" and self._others())
        ]

    def _others(self):
        """Databases of somebody else's."""
        known = OWN_DATABASES.union(self.schemas)
        entries = (name for name in self.names(DATABASES) if name not in known)
        return [name for name in entries if os.path.isdir(self.path(f"{DATABASES}/{name}"))]

    def remove_daemon(self, unit):
        self.run("systemctl", "disable", "--now", unit)

    def ceph(self):
        if not self.exists(CEPH):
            return []
        wants = glob.glob(self.path("/etc/systemd/system/ceph-*.target.wants/ceph-*@*.service"))
        return sorted(os.path.basename(path) for path in wants)

    def ceph_data(self):
        if not self.exists(CEPH):
            return []
        patterns = (self.path(f"/var/lib/ceph/{part}") for part in CEPH_DATA)
        places = (path for pattern in patterns for path in sorted(glob.glob(pattern)))
        return [f"/{os.path.relpath(path, self.root)}" for path in places]

    def broker(self):
        data = "/var/lib/rabbitmq/mnesia"
        ours = self.exists("/etc/rabbitmq/definitions.json") and self.exists(data)
        return [data] if ours else []

    # Files ----------------------------------------------------------------------

    def files(self):
        keyrings = (f"/{os.path.relpath(path, self.root)}"
                    for path in sorted(glob.glob(self.path(KEYRINGS))))
        return [path for path in (*keyrings, *FILES) if self.exists(path) and self._written(path)]

    def _written(self, path):
        if path in LINKS:
            return self._link(path).startswith(LINKS[path])
        return not path.startswith(SHARED) or MARK in self.read(path)

    def remove_file(self, path):
        os.unlink(self.path(path))
        directory = os.path.dirname(self.path(path))
        if directory.endswith(".d") and "systemd" in directory and not os.listdir(directory):
            os.rmdir(directory)

    def hosts(self):
        return ["/etc/hosts"] if HOSTS_BLOCK.search(self.read("/etc/hosts")) else []

    def remove_hosts(self, path):
        content = HOSTS_BLOCK.sub("", self.read(path))
        # Written over, not replaced: in a container it may be a mount.
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(content)

    def directories(self):
        return [path for path in DIRECTORIES if self.exists(path)]

    def remove_directory(self, path):
        shutil.rmtree(self.path(path))

    def users(self):
        return re.findall(r"^(cairn(?:-[a-z]+)?):", self.read("/etc/passwd"), re.MULTILINE)

    def remove_user(self, name):
        self.run("userdel", name)


# In this order nothing comes back: first who starts things, then what was started, then what it was
# made of.
KINDS = [
    ("units", Host.units, Host.remove_unit),
    ("domains", Host.domains, Host.remove_domain),
    ("secrets", Host.secrets, Host.remove_secret),
    ("processes", Host.processes, Host.remove_process),
    ("namespaces", Host.namespaces, Host.remove_namespace),
    ("links", Host.links, Host.remove_link),
    ("outside", Host.outside, Host.remove_outside),
    ("tables", Host.tables, Host.remove_table),
    ("databases", Host.databases, Host.remove_database),
    ("daemons", Host.daemons, Host.remove_daemon),
    ("ceph", Host.ceph, Host.remove_daemon),
    ("ceph_data", Host.ceph_data, Host.remove_directory),
    ("broker", Host.broker, Host.remove_directory),
    ("files", Host.files, Host.remove_file),
    ("hosts", Host.hosts, Host.remove_hosts),
    ("directories", Host.directories, Host.remove_directory),
    ("users", Host.users, Host.remove_user),
]


def look(host):
    """What there is, by kind."""
    found = {kind: find(host) for kind, find, _remove in KINDS}
    return {kind: things for kind, things in found.items() if things}


def act(host):
    """Remove it, kind by kind. Removing one kind may have removed things of the next."""
    for _kind, find, remove in KINDS:
        for thing in find(host):
            remove(host, thing)
    host.run("systemctl", "daemon-reload")
    left = look(host)
    if left:
        kinds = "; ".join(f"{kind}: {', '.join(things)}" for kind, things in left.items())
        host.module.fail_json(msg=f"This could not be removed: {kinds}")


def main():
    module = AnsibleModule(
        argument_spec={"schemas": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    host = Host(module, module.params["schemas"])
    try:
        converge(module, look(host), {}, lambda: act(host))
    except OSError as error:
        module.fail_json(msg=f"{error}")


if __name__ == "__main__":
    main()
