#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: lvm_backend
short_description: Have a volume group with a thin pool
version_added: 0.1.0
description:
  - Makes the group of devices, gives it further ones, and makes or grows its thin pool.
  - Takes a device only when it is empty, so that nothing is lost by a wrong name, and takes nothing
    away - neither a device from the group nor room from the pool.
  - Refuses a host whose kernel has no device-mapper.
options:
  group:
    description: Name of the volume group.
    type: str
    required: true
  devices:
    description: Devices it has, at least. Empty means that it is there already, or in a file.
    type: list
    elements: path
    default: []
  file:
    description: A file that stands for a device, by a loop device. For trials.
    type: path
  file_size:
    description: GiB of the file, when it is made.
    type: int
    default: 20
  pool:
    description: Name of the thin pool.
    type: str
    required: true
  percent:
    description:
      - How much of the group the pool gets. The rest is for its metadata, and for repairing it.
    type: int
    default: 95
attributes:
  check_mode: {support: full, description: Reports what would be made.}
  diff_mode: {support: full, description: Shows the group's devices and the pool.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: The host has a pool of volumes
  cairn.cloud.lvm_backend:
    group: cairn
    pool: volumes
    devices: [/dev/disk/by-id/nvme-one, /dev/disk/by-id/nvme-two]
"""

RETURN = r"""
targets:
  description: What can serve volumes by iSCSI here, the kernel (V(lio)) or a program (V(tgt)).
  type: str
  returned: always
"""

import json
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

# At least so many extents (of 4 MiB) are left for a pool's metadata and its spare copy.
LEAST = 8
LOOP = "a loop device"
QUIETLY = {"LC_ALL": "C.UTF-8", "LVM_SUPPRESS_FD_WARNINGS": "1"}
GIB = 1024**3


class Refused(Exception):
    """What an administrator has to look at first."""


class Host:
    """LVM of this host, by its tools."""

    def __init__(self, module, root="/"):
        self.module, self.root = module, root

    def ask(self, *command):
        """What a tool says, or nothing where it does not."""
        rc, out, _err = self.module.run_command(list(command), environ_update=QUIETLY)
        return out if rc == 0 else ""

    def run(self, *command):
        rc, out, err = self.module.run_command(list(command), environ_update=QUIETLY)
        if rc != 0:
            raise Refused(f"{command[0]}: {err.strip() or rc}")
        return out

    def has(self, name):
        """Whether the kernel has it, or has it as a module."""
        return bool(self.ask("modprobe", "--show-depends", name))

    def maps_devices(self):
        with open(os.path.join(self.root, "proc/misc"), encoding="utf-8") as file:
            there = "device-mapper" in file.read()
        return there or self.has("dm_thin_pool")

    def rows(self, tool, kind, fields, *names):
        told = self.ask(tool, "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
                        fields, *names)
        return json.loads(told)["report"][0][kind] if told else []

    def loop(self, file):
        """The device that a file is, if it is one."""
        return self.ask("losetup", "--noheadings", "--output", "NAME", "--associated",
                        file).split("\n")[0].strip()

    def real(self, device):
        return os.path.realpath(device)

    def content(self, device):
        """What a device seems to hold."""
        return self.ask("wipefs", "--noheadings", "--output", "TYPE", device).split()


def look(host, options):
    """The group and its pool as they are, or nothing."""
    if not shutil.which("vgs", path="/usr/sbin:/sbin"):
        return {}
    groups = host.rows("vgs", "vg", "vg_name,vg_extent_count,vg_free_count")
    group = next((each for each in groups if each["vg_name"] == options["group"]), None)
    if group is None:
        return {}
    devices = [each["pv_name"] for each in host.rows("pvs", "pv", "pv_name,vg_name")
               if each["vg_name"] == options["group"]]
    pools = host.rows("lvs", "lv", "lv_name,lv_attr", options["group"])
    pool = next((each for each in pools if each["lv_name"] == options["pool"]), None)
    if pool is not None and pool["lv_attr"][0] != "t":
        raise Refused(f"{options['group']}/{options['pool']} is no thin pool; name another")
    return {
        "devices": sorted(devices), "extents": int(group["vg_extent_count"]),
        "free": int(group["vg_free_count"]), "pool": pool is not None,
        "zero": pool is not None and pool["lv_attr"][7] == "z"}


def plan(before, devices, percent):
    """What is to be done, as (word, operand). Pure."""
    steps = []
    fresh = [device for device in devices if device not in before.get("devices", [])]
    if not before:
        if not devices:
            raise Refused("there is no such volume group, and no device to make it of: set "
                          "lvm_devices, or lvm_file for a trial")
        steps.append(("group", fresh))
    elif fresh:
        steps.append(("extend", fresh))
    if not before.get("pool"):
        steps.append(("pool", None))
    elif fresh or spare(before, percent) > 0:
        steps.append(("grow", None))
    if before.get("pool") and not before["zero"]:
        steps.append(("zero", None))
    return steps


def spare(state, percent):
    """Extents that the pool may have beside its own. Pure."""
    return state["free"] - max(LEAST, -(-state["extents"] * (100 - percent) // 100))


def described(state, steps):
    """How it is, or will be, for a diff. Pure."""
    words = dict(steps)
    devices = sorted({*state.get("devices", []), *words.get("group", []),
                      *words.get("extend", [])})
    if not devices:
        return {}
    shown = {"devices": devices}
    if state.get("pool") or "pool" in words:
        shown["pool"] = "as large as may be" if {"pool", "grow"} & set(words) else "as it is"
        shown["zero"] = state.get("zero", False) or bool({"zero", "pool"} & set(words))
    return shown


def require_empty(host, device):
    if device == LOOP:
        return
    if not os.path.exists(device):
        raise Refused(f"{device} is not there")
    owner = next((each["vg_name"] for each in host.rows("pvs", "pv", "pv_name,vg_name")
                  if host.real(each["pv_name"]) == device), None)
    if owner:
        raise Refused(f"{device} belongs to the volume group {owner}")
    # What a run that was killed has begun is no stranger's.
    if content := [kind for kind in host.content(device) if kind != "LVM2_member"]:
        raise Refused(f"{device} is not empty: it holds {', '.join(content)}. If nobody needs "
                      f"that, wipefs --all {device} takes it away")


def attached(host, options):
    """The loop device of the file, which is made if it is not there."""
    file = options["file"]
    if not os.path.exists(file):
        os.makedirs(os.path.dirname(file), mode=0o755, exist_ok=True)
        part = f"{file}.part"
        with open(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as made:
            made.truncate(options["file_size"] * GIB)
        os.replace(part, file)
    return host.loop(file) or host.run("losetup", "--find", "--show", file).strip()


def act(host, options, steps):
    group, pool = options["group"], f"{options['group']}/{options['pool']}"
    for word, operand in steps:
        if word in ("group", "extend"):
            devices = [attached(host, options) if device == LOOP else device for device in operand]
            host.run(f"vg{'create' if word == 'group' else word}", "--yes", group, *devices)
        elif word == "zero":
            host.run("lvchange", "--zero", "y", pool)
        else:
            extents = spare(look(host, options), options["percent"])
            if word == "pool" and extents < 1:
                raise Refused(f"the volume group {group} has no room for a pool")
            if word == "pool":
                host.run("lvcreate", "--yes", "--type", "thin-pool", "--extents", str(extents),
                         "--zero", "y", "--name", options["pool"], group)
            elif extents > 0:
                host.run("lvextend", "--extents", f"+{extents}", pool)


def main():
    module = AnsibleModule(
        argument_spec={
            "group": {"type": "str", "required": True},
            "devices": {"type": "list", "elements": "path", "default": []},
            "file": {"type": "path"},
            "file_size": {"type": "int", "default": 20},
            "pool": {"type": "str", "required": True},
            "percent": {"type": "int", "default": 95},
        },
        supports_check_mode=True,
    )
    options, host = module.params, Host(module)
    try:
        if not host.maps_devices():
            raise Refused(
                "The kernel of this host has no device-mapper, which LVM's volumes are made of. "
                "Take another host for cloud_storage_backend: lvm, or the backend file.")
        before = look(host, options)
        devices = [host.real(device) for device in options["devices"]]
        if options["file"]:
            devices.append(host.loop(options["file"]) or LOOP)
        steps = plan(before, devices, options["percent"])
        for device in (device for _word, fresh in steps for device in fresh or []):
            require_empty(host, device)
        converge(
            module, described(before, []), described(before, steps),
            lambda: act(host, options, steps),
            targets="lio" if host.has("iscsi_target_mod") else "tgt")
    except Refused as refused:
        module.fail_json(msg=str(refused))


if __name__ == "__main__":
    main()
