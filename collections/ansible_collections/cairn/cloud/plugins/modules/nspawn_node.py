#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: nspawn_node
short_description: Own a lab node, a systemd-nspawn container that behaves like a server
version_added: 0.1.0
description:
  - Boots a node with a systemd of its own on an overlay over a base image, or removes it with all its data.
  - The node has a fixed address on a bridge, and finds packages, certificates and names as the machine does.
  - It outlives the process that made it.
  - C(nodes/<name>/leader) under O(lab_dir) holds the process id of its systemd; that is how to enter it.
options:
  name:
    description: Host name of the node.
    type: str
    required: true
  lab_dir:
    description: Directory of the lab. Must not lie on an overlay itself.
    type: path
    required: true
  base:
    description: Directory of the base image. Required when O(state=present).
    type: path
  suite:
    description: Code name of the Debian in the base image.
    type: str
    default: bookworm
  bridge:
    description: The machine's bridge for the node's interface C(host0). Required when O(state=present).
    type: str
  address:
    description: Address of C(host0), with prefix length. Required when O(state=present).
    type: str
  gateway:
    description: Default gateway of the node. Required when O(state=present).
    type: str
  external_bridge:
    description: The machine's bridge for a second interface C(ext0), which the node finds unconfigured.
    type: str
  hosts:
    description: Names and addresses for the node's C(/etc/hosts).
    type: dict
    default: {}
  binds:
    description: Files and directories of the machine that the node shares, as C(PATH) or C(PATH:PATH).
    type: list
    elements: str
    default: [/dev/net/tun, /dev/fuse]
  binds_read_only:
    description: The same, but the node cannot write to them.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until the node has booted. A unit that failed is reported, not an error.
    type: bool
    default: true
  timeout:
    description: How many seconds to wait.
    type: int
    default: 60
  state:
    description: Whether the node should exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows the node before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Node one runs
  cairn.cloud.nspawn_node:
    name: one
    lab_dir: /var/lib/cairn-lab/cairn
    base: "{{ base.path }}"
    bridge: cl-cairn
    address: 172.30.0.11/24
    gateway: 172.30.0.1
"""

RETURN = r"""
system_state:
  description: What the node's systemd says of itself, such as C(running) or C(degraded).
  type: str
  returned: when waited
failed_units:
  description: Units of the node that failed.
  type: list
  elements: str
  returned: when waited
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils import machine, node
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

HOSTS_BEGIN, HOSTS_END = "# lab: begin", "# lab: end"
# Devices every node may use, if the machine has them and they work here.
BOOT_OPTIONS = ("base", "bridge", "address", "gateway", "external_bridge", "binds", "binds_read_only")


class Failed(Exception):
    """The node could not be made; the message says why and what to do."""


class Place:
    """Where a node is on the machine: its files, links, cgroup and unit."""

    def __init__(self, lab_dir, name):
        lab = os.path.basename(lab_dir)
        digest = hashlib.sha256(f"{lab_dir}/{name}".encode()).hexdigest()
        self.name = name
        self.id = digest[:32]
        self.directory = os.path.join(lab_dir, "nodes", name)
        self.root, self.upper, self.work, self.log, self.record, self.leader = (
            os.path.join(self.directory, part)
            for part in ("root", "upper", "work", "console.log", "node.json", "leader")
        )
        # Interfaces have fifteen characters at most, and all labs share one machine.
        self.machine = f"{name[:6]}{digest[:5]}"
        self.link, self.external_link = f"vb-{self.machine}", f"vx-{self.machine}"
        self.unit = f"cairn-lab-{lab}-{name}"

    def exists(self):
        return os.path.isdir(self.directory) or os.path.exists(f"/sys/class/net/{self.link}")


# What is wanted


def plan(params):
    """The state wanted, in the words of the record; None for a node that should not be."""
    if params["state"] == "absent":
        return None
    boot = {option: params[option] for option in BOOT_OPTIONS}
    return {"boot": boot, "hosts": params["hosts"], "running": True}


def network_unit(boot):
    """The systemd-networkd file of the node's interface."""
    return (
        "[Match]\nName=host0\n\n[Network]\n"
        f"Address={boot['address']}\nGateway={boot['gateway']}\n"
        "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    )


def hosts_file(text, hosts):
    """The hosts file with the lab's names brought up to date, and all else as it was."""
    kept = re.sub(rf"^{HOSTS_BEGIN}$.*?^{HOSTS_END}$\n?", "", text, flags=re.DOTALL | re.MULTILINE)
    kept = kept or "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
    lines = "".join(f"{address} {name}\n" for name, address in sorted(hosts.items()))
    return f"{kept}{HOSTS_BEGIN}\n{lines}{HOSTS_END}\n"


def cgroups_unit(controllers):
    """nspawn gives a container the v1 controllers read only; libvirt makes groups of its own in them."""
    paths = " ".join(os.path.join("/sys/fs/cgroup", name) for name in controllers)
    return (
        "[Unit]\nDescription=Let services make control groups\n"
        "DefaultDependencies=no\nBefore=sysinit.target\n\n[Service]\nType=oneshot\n"
        f"ExecStart=/bin/sh -c 'for c in {paths}; do mount -o remount,bind,rw $$c; done'\n"
    )


def nspawn(place, boot, binds, binds_read_only):
    """The command that is the node."""
    words = [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--capability=all",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        f"--directory={place.root}",
        f"--machine={place.machine}",
        f"--hostname={place.name}",
        f"--network-bridge={boot['bridge']}",
    ]
    if boot["external_bridge"]:
        words.append(f"--network-veth-extra={place.external_link}:ext0")
    words += [f"--bind={path}" for path in binds]
    words += [f"--bind-ro={path}" for path in binds_read_only]
    return words


# What there is


def look(place):
    """The record of the node and whether it runs; None if nothing of it is there."""
    if not place.exists():
        return None
    record = json.loads(machine.read(place.record) or "{}")
    return {
        "boot": record.get("boot", {}),
        "hosts": record.get("hosts", {}),
        "running": node.leader(place.directory) is not None,
    }


def cgroup_mounts():
    """The machine's cgroup hierarchies: those of v1, and that of v2."""
    mounts = [line.split() for line in machine.read("/proc/self/mounts").splitlines()]
    v1 = [fields[1] for fields in mounts if fields[2] == "cgroup"]
    v2 = [fields[1] for fields in mounts if fields[2] == "cgroup2"]
    return v1, v2


# How to get there


def write(root, path, mode, content):
    """Put a file into the node, before it runs."""
    whole = os.path.join(root, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    # A symlink would lead out of the node.
    if os.path.islink(whole):
        os.unlink(whole)
    with open(whole, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
    os.chmod(whole, mode)


def furnish(place, boot, hosts, suite):
    """Write what makes a copy of the base image this node."""
    files = machine.machine_files(suite, os.environ)
    files["etc/hostname"] = (0o644, f"{place.name}\n".encode())
    files["etc/machine-id"] = (0o444, f"{place.id}\n".encode())
    files["etc/systemd/network/10-host0.network"] = (0o644, network_unit(boot).encode())
    controllers = [os.path.basename(path) for path in cgroup_mounts()[0]]
    if controllers:
        unit = cgroups_unit(name for name in controllers if name != "systemd")
        files["etc/systemd/system/lab-cgroups.service"] = (0o644, unit.encode())
        files["etc/systemd/system/sysinit.target.d/lab.conf"] = (
            0o644,
            b"[Unit]\nWants=lab-cgroups.service\n",
        )
    for path, (mode, content) in files.items():
        write(place.root, path, mode, content)
    write_hosts(place.root, hosts)


def write_hosts(root, hosts):
    text = machine.read(os.path.join(root, "etc/hosts"))
    write(root, "etc/hosts", 0o644, hosts_file(text, hosts).encode())


def mount(module, place, base):
    """Lay the node's own files over the base image."""
    for path in (place.root, place.upper, place.work):
        os.makedirs(path, exist_ok=True)
    # Syncs are not worth their time where a crash means a new node; but the kernel then refuses to mount
    # the same files again until told that they are good.
    shutil.rmtree(os.path.join(place.work, "work/incompat"), ignore_errors=True)
    options = f"lowerdir={base},upperdir={place.upper},workdir={place.work}"
    for chosen in (f"{options},volatile", options):
        rc, _out, err = module.run_command(["mount", "-t", "overlay", "-o", chosen, "overlay", place.root])
        if rc == 0:
            return
    raise Failed(
        f"cannot mount an overlay on {place.root}: {err.strip()} "
        "(the lab's directory must be on a plain file system such as ext4; set lab_dir)"
    )


def join_cgroups(unit):
    """A function that moves the calling process to a cgroup of the node's own, in every hierarchy."""
    v1, v2 = cgroup_mounts()
    groups = []
    for top in v1 + v2:
        group = os.path.join(top, unit)
        os.makedirs(group, exist_ok=True)
        groups.append(group)
        # A cpuset takes nobody in before it has processors and memory.
        for name in ("cpuset.cpus", "cpuset.mems"):
            given = machine.read(os.path.join(top, name))
            if given and top in v1:
                with open(os.path.join(group, name), "w", encoding="ascii") as file:
                    file.write(given)
        if top in v2 and not v1:
            offered = machine.read(os.path.join(top, "cgroup.controllers")).split()
            # Fails for a controller that cannot be had here: then the node has to do without.
            for controller in offered:
                with contextlib.suppress(OSError), open(f"{top}/cgroup.subtree_control", "w") as file:
                    file.write(f"+{controller}")

    def join():
        for group in groups:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    return join


def spawn(module, place, words):
    """Start the node apart from this process, so that it stays when we go."""
    if os.path.isdir("/run/systemd/system"):
        properties = ["Delegate=yes", "KillMode=mixed", "TasksMax=infinity", "Slice=machine.slice"]
        properties += [f"StandardOutput=truncate:{place.log}", f"StandardError=append:{place.log}"]
        options = [f"--property={text}" for text in properties]
        module.run_command(
            ["systemd-run", "--quiet", "--collect", f"--unit={place.unit}", *options, *words],
            check_rc=True,
        )
        return lambda: module.run_command(["systemctl", "is-active", place.unit])[0] == 0
    join = join_cgroups(place.unit)
    with open(place.log, "wb") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=join,
        )
    return lambda: process.poll() is None


def until(condition, timeout, pause=0.02):
    """The first true answer of C(condition), or None after C(timeout) seconds."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            return None
        time.sleep(pause)


def start(module, place, after, suite):
    """Boot the node; returns once its systemd runs."""
    boot = after["boot"]
    stop(module, place)
    mount(module, place, boot["base"])
    furnish(place, boot, after["hosts"], suite)
    settings, variables = machine.pip_settings(os.environ), machine.environment(os.environ)
    shared = machine.package_directories(settings, variables)
    read_only = [*boot["binds_read_only"], *shared]
    words = nspawn(place, boot, [path for path in boot["binds"] if here(path)], read_only)
    alive = spawn(module, place, words)
    leader = until(lambda: node.find_leader(place.root) or (None if alive() else -1), 20)
    if leader is None or leader < 0:
        raise Failed(f"{place.name} does not start: {machine.read(place.log).strip()[-1000:]}")
    if boot["external_bridge"]:
        module.run_command(
            ["ip", "link", "set", "dev", place.external_link, "master", boot["external_bridge"], "up"],
            check_rc=True,
        )
    with open(place.leader, "w", encoding="ascii") as file:
        file.write(f"{leader}\n")


def here(bind):
    """Whether the machine has what a bind names; a device that a kernel lacks is done without."""
    path = bind.split(":")[0]
    return os.path.exists(path) or not path.startswith("/dev/")


def stop(module, place):
    """End every process of the node, and take away what it had on the machine, except its files."""
    leader = node.find_leader(place.root)
    if leader:
        supervisor = node.parent(leader)
        os.kill(leader, signal.SIGKILL)
        until(lambda: not os.path.exists(f"/proc/{supervisor}"), 20)
    if os.path.isdir("/run/systemd/system"):
        module.run_command(["systemctl", "stop", place.unit])
    for link in (place.link, place.external_link):
        # The kernel takes its time to end a network namespace; the name is taken until then.
        module.run_command(["ip", "link", "delete", link])
        until(lambda link=link: not os.path.exists(f"/sys/class/net/{link}"), 10)
    for top in [*cgroup_mounts()[0], *cgroup_mounts()[1]]:
        group = os.path.join(top, place.unit)
        until(lambda group=group: remove_cgroup(group), 5)
    if os.path.ismount(place.root):
        module.run_command(["umount", place.root], check_rc=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place.leader)


def remove_cgroup(group):
    """Remove a group with all below it; whether it is gone."""
    for directory, _children, _files in os.walk(group, topdown=False):
        # Busy while the last process is still being ended; the caller comes again.
        with contextlib.suppress(OSError):
            os.rmdir(directory)
    return not os.path.exists(group)


def act(module, place, before, after, suite):
    """Take the node from one state to the other."""
    if after is None:
        stop(module, place)
        shutil.rmtree(place.directory, ignore_errors=True)
        return
    same_boot = before is not None and before["boot"] == after["boot"]
    if before is not None and not same_boot and before["boot"].get("base") != after["boot"]["base"]:
        stop(module, place)
        shutil.rmtree(place.directory, ignore_errors=True)
    if same_boot and before["running"]:
        write_hosts(place.root, after["hosts"])
    else:
        start(module, place, after, suite)
    with open(place.record, "w", encoding="utf-8") as file:
        json.dump({"boot": after["boot"], "hosts": after["hosts"]}, file)


def inside(module, place, *words):
    """Run a command in the node."""
    return module.run_command([*node.enter(node.leader(place.directory)), *words])


def wait(module, place, timeout):
    """Wait until the node has booted; its state and the units that failed."""

    def settled():
        _rc, out, _err = inside(module, place, "systemctl", "is-system-running")
        return out.strip() if out.strip() in ("running", "degraded", "maintenance") else None

    state = until(settled, timeout, pause=0.1)
    if state is None:
        _rc, out, _err = inside(module, place, "systemctl", "list-jobs", "--no-legend")
        raise Failed(f"{place.name} has not booted in {timeout} s; it waits for: {out.strip()}")
    listing = ("systemctl", "list-units", "--failed", "--no-legend", "--plain")
    _rc, out, _err = inside(module, place, *listing)
    return {"system_state": state, "failed_units": [line.split()[0] for line in out.splitlines()]}


def main():
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "lab_dir": {"type": "path", "required": True},
            "base": {"type": "path"},
            "suite": {"type": "str", "default": "bookworm"},
            "bridge": {"type": "str"},
            "address": {"type": "str"},
            "gateway": {"type": "str"},
            "external_bridge": {"type": "str"},
            "hosts": {"type": "dict", "default": {}},
            "binds": {"type": "list", "elements": "str", "default": ["/dev/net/tun", "/dev/fuse"]},
            "binds_read_only": {"type": "list", "elements": "str", "default": []},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 60},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["base", "bridge", "address", "gateway"])],
        supports_check_mode=True,
    )
    params = module.params
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", params["name"]):
        module.fail_json(msg=f"name: {params['name']!r} is not a host name")
    place = Place(params["lab_dir"], params["name"])
    before, after = look(place), plan(params)
    facts = {}

    def waited():
        if after and params["wait"] and not module.check_mode:
            facts.update(wait(module, place, params["timeout"]))

    def apply():
        act(module, place, before, after, params["suite"])
        waited()

    try:
        if before == after:
            waited()
        converge(module, before, after, apply, **facts)
    except Failed as failure:
        module.fail_json(msg=str(failure))


if __name__ == "__main__":
    main()
