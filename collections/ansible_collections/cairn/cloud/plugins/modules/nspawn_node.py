#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: nspawn_node
short_description: Own lab nodes, systemd-nspawn containers that behave like servers
version_added: 0.1.0
description:
  - Boots nodes with a systemd of their own on overlays over a base image, or removes them with all
    their data. Several in one call boot side by side.
  - A node has a fixed address on a bridge, and finds packages, certificates and names as the
    machine does. It outlives the process that made it.
  - C(nodes/<name>/leader) under O(lab_dir) holds the process id of its systemd; that is how to
    enter it.
options:
  nodes:
    description:
      - The nodes. Others in the same lab are left alone. Required when O(state=present).
      - When O(state=absent) and none are given, all nodes of the lab.
    type: list
    elements: dict
    suboptions:
      name:
        description: Host name of the node.
        type: str
        required: true
      address:
        description: Address of C(host0), with prefix length. Required when O(state=present).
        type: str
      external:
        description: Whether it has an interface C(ext0) on O(external_bridge), left unconfigured.
        type: bool
        default: false
      binds:
        description: What this node shares with the machine beside O(binds).
        type: list
        elements: str
        default: []
  lab_dir:
    description: Directory of the lab. Must not lie on an overlay itself.
    type: path
    required: true
  base:
    description:
      - Directory of the base image. Required when O(state=present).
      - A node that exists keeps the image it was made from.
    type: path
  suite:
    description: Code name of the Debian in the base image.
    type: str
    default: bookworm
  bridge:
    description: The machine's bridge for the interface C(host0). Required when O(state=present).
    type: str
  external_bridge:
    description: The machine's bridge for the interfaces C(ext0).
    type: str
  gateway:
    description: Default gateway of the nodes. Required when O(state=present).
    type: str
  hosts:
    description: Names and addresses for C(/etc/hosts) of the nodes, beside those of O(nodes).
    type: dict
    default: {}
  binds:
    description:
      - Files and directories of the machine that the nodes share, as C(PATH) or C(PATH:PATH).
      - The devices that virtual machines and their networks need are always shared.
    type: list
    elements: str
    default: []
  binds_read_only:
    description: The same, but the nodes cannot write to them.
    type: list
    elements: str
    default: []
  wait:
    description: Wait until the nodes have booted. A unit that failed is reported, not an error.
    type: bool
    default: true
  timeout:
    description: How many seconds to wait for each.
    type: int
    default: 120
  state:
    description: Whether the nodes should exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows the nodes before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: Node one runs
  cairn.cloud.nspawn_node:
    lab_dir: /var/lib/cairn-lab/cairn
    base: "{{ base.path }}"
    bridge: cl-cairn
    gateway: 172.30.0.1
    nodes:
      - name: one
        address: 172.30.0.11/24
"""

RETURN = r"""
booted:
  description: What the systemd of each node says of itself, and which of its units failed.
  type: dict
  returned: when waited
  sample: {one: {system_state: running, failed_units: []}}
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
from ansible_collections.cairn.cloud.plugins.module_utils import cgroups, machine, node
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

HOSTS_BEGIN, HOSTS_END = "# lab: begin", "# lab: end"


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


def plan(params, wanted, before):
    """The state wanted of one node, in the words of its record; None if it should not be."""
    if params["state"] == "absent":
        return None
    boot = {option: params[option] for option in ("base", "bridge", "gateway", "binds_read_only")}
    # Another image would be another node: what is in this one would be lost.
    boot["base"] = (before or {}).get("boot", {}).get("base") or params["base"]
    boot["external_bridge"] = params["external_bridge"] if wanted["external"] else None
    boot.update(address=wanted["address"], binds=params["binds"] + wanted["binds"])
    names = {node["name"]: node["address"].split("/")[0] for node in params["nodes"]}
    return {"boot": boot, "hosts": {**names, **params["hosts"]}, "running": True}


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
    """nspawn mounts v1 controllers read only, but libvirt makes groups of its own in them."""
    paths = " ".join(os.path.join("/sys/fs/cgroup", name) for name in controllers)
    return (
        "[Unit]\nDescription=Let services make control groups\n"
        "DefaultDependencies=no\nBefore=sysinit.target\n\n[Service]\nType=oneshot\n"
        f"ExecStart=/bin/sh -c 'for c in {paths}; do mount -o remount,bind,rw $$c; done'\n"
    )


def nspawn(place, boot, binds, binds_read_only):
    """The command that is the node."""
    words = [
        # On a Debian server /tmp is on disk, not in memory.
        "env",
        "SYSTEMD_NSPAWN_TMPFS_TMP=0",
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


def known(lab_dir):
    """The names of the nodes that a lab has."""
    directory = os.path.join(lab_dir, "nodes")
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


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
    controllers = cgroups.controllers()
    if controllers:
        unit = cgroups_unit(controllers)
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
    # "volatile" spares every sync, which is most of an install's time. The price: after a crash of
    # the machine the files may be bad, so the kernel mounts them only once this mark is gone.
    shutil.rmtree(os.path.join(place.work, "work/incompat"), ignore_errors=True)
    options = f"lowerdir={base},upperdir={place.upper},workdir={place.work}"
    for chosen in (f"{options},volatile", options):
        rc, _out, err = module.run_command(
            ["mount", "-t", "overlay", "-o", chosen, "overlay", place.root]
        )
        if rc == 0:
            return
    raise Failed(
        f"the kernel refuses an overlay on {place.root}: {err.splitlines()[0]} "
        "(lab_dir must be on a plain file system such as ext4, not on an overlay itself)"
    )


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
    groups = cgroups.make(place.unit)
    with open(place.log, "wb") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: cgroups.join(groups),
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
    note(place, after)
    mount(module, place, boot["base"])
    furnish(place, boot, after["hosts"], suite)
    settings, variables = machine.pip_settings(os.environ), machine.environment(os.environ)
    shared = machine.package_directories(settings, variables)
    binds = [*machine.devices(), *boot["binds"]]
    words = nspawn(place, boot, binds, [*boot["binds_read_only"], *shared])
    alive = spawn(module, place, words)
    leader = until(lambda: node.find_leader(place.root) or (None if alive() else -1), 20)
    if leader is None or leader < 0:
        raise Failed(f"{place.name} does not start: {last_words(place)}")
    if boot["external_bridge"]:
        # Its init may run before the node is given this one.
        until(lambda: os.path.exists(f"/sys/class/net/{place.external_link}"), 20)
        plug = ["ip", "link", "set", place.external_link, "master", boot["external_bridge"], "up"]
        module.run_command(plug, check_rc=True)
    with open(place.leader, "w", encoding="ascii") as file:
        file.write(f"{leader}\n")


def note(place, state):
    """Write down what the node is; whether it runs is asked of the kernel."""
    os.makedirs(place.directory, exist_ok=True)
    with open(place.record, "w", encoding="utf-8") as file:
        json.dump({"boot": state["boot"], "hosts": state["hosts"]}, file)


def last_words(place):
    return machine.read(place.log).strip()[-1000:]


def kill(place):
    """End every process of the node without ceremony; the one that is the last to go, or None."""
    leader = node.find_leader(place.root)
    if leader is None:
        return None
    supervisor = node.parent(leader)
    os.kill(leader, signal.SIGKILL)
    return supervisor if node.status(supervisor, "Name") == ["systemd-nspawn"] else leader


def stop(module, place):
    """End every process of the node, and take away what it had on the machine, except its files."""
    last = kill(place)
    if last:
        until(lambda: not os.path.exists(f"/proc/{last}"), 20)
    if os.path.isdir("/run/systemd/system"):
        module.run_command(["systemctl", "stop", place.unit])
    for link in (place.link, place.external_link):
        # The kernel takes its time to end a network namespace; the name is taken until then.
        module.run_command(["ip", "link", "delete", link])
        until(lambda link=link: not os.path.exists(f"/sys/class/net/{link}"), 10)
    until(lambda: cgroups.remove(place.unit), 5)
    if os.path.ismount(place.root):
        module.run_command(["umount", place.root], check_rc=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place.leader)


def can_stay_up(before, after):
    """Whether all but the hosts of a node is as it should be; those can change while it runs."""
    return bool(before and after and {**before, "hosts": after["hosts"]} == after)


def act(module, place, before, after, suite):
    """Take one node from one state to the other."""
    if can_stay_up(before, after):
        write_hosts(place.root, after["hosts"])
        note(place, after)
        return
    if before:
        stop(module, place)
    if after is None or not (before and before["boot"]):
        shutil.rmtree(place.directory, ignore_errors=True)
    if after:
        start(module, place, after, suite)


def inside(module, place, *words):
    """Run a command in the node."""
    leader = node.leader(place.directory)
    if leader is None:
        raise Failed(f"{place.name} ended while it booted: {last_words(place)}")
    return module.run_command([*node.enter(leader), *words])


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


def check(params):
    """The first thing wrong with the parameters, or None."""
    for wanted in params["nodes"]:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", wanted["name"]):
            return f"nodes: {wanted['name']!r} is not a host name"
        if params["state"] == "present" and not wanted["address"]:
            return f"nodes: {wanted['name']} has no address"
        if wanted.get("external") and not params["external_bridge"]:
            return f"nodes: {wanted['name']} is external, but there is no external_bridge"
    names = [wanted["name"] for wanted in params["nodes"]]
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"nodes: {', '.join(twice)} given twice" if twice else None


def main():
    strings = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "nodes": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "address": {"type": "str"},
                    "external": {"type": "bool", "default": False},
                    "binds": strings,
                },
            },
            "lab_dir": {"type": "path", "required": True},
            "base": {"type": "path"},
            "suite": {"type": "str", "default": "bookworm"},
            "bridge": {"type": "str"},
            "external_bridge": {"type": "str"},
            "gateway": {"type": "str"},
            "hosts": {"type": "dict", "default": {}},
            "binds": strings,
            "binds_read_only": strings,
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 120},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        required_if=[("state", "present", ["nodes", "base", "bridge", "gateway"])],
        supports_check_mode=True,
    )
    params = module.params
    if params["nodes"] is None:
        params["nodes"] = [{"name": name} for name in known(params["lab_dir"])]
    wrong = check(params)
    if wrong:
        module.fail_json(msg=wrong)
    places = {
        wanted["name"]: Place(params["lab_dir"], wanted["name"]) for wanted in params["nodes"]
    }
    before = {name: look(place) for name, place in places.items()}
    after = {
        wanted["name"]: plan(params, wanted, before[wanted["name"]]) for wanted in params["nodes"]
    }
    changing = [name for name in places if before[name] != after[name]]
    booted = {}

    def apply():
        for name in changing:
            if not can_stay_up(before[name], after[name]):
                # All are told first: each takes a second or two to end.
                kill(places[name])
        for name in changing:
            act(module, places[name], before[name], after[name], params["suite"])

    def waited():
        if params["wait"] and not module.check_mode:
            for name, place in places.items():
                if after[name]:
                    booted[name] = wait(module, place, params["timeout"])

    def apply_and_wait():
        apply()
        waited()

    try:
        if not changing:
            waited()
        converge(module, before, after, apply_and_wait, booted=booted)
    except Failed as failure:
        module.fail_json(msg=str(failure))


if __name__ == "__main__":
    main()
