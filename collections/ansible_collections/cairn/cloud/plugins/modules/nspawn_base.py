#!/usr/bin/python
# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: nspawn_base
short_description: Own a base image that lab nodes stand on
version_added: 0.1.0
description:
  - Installs a Debian into a plain directory, from the machine's own Debian sources, by
    C(mmdebstrap).
  - The directory is named by what is in it, so a changed list of packages is another image, and
    images are shared by all labs of a machine. Two callers at once build it once.
options:
  directory:
    description: Where images are kept.
    type: path
    default: /var/lib/cairn-lab
  suite:
    description: Code name of the Debian.
    type: str
    default: bookworm
  packages:
    description:
      - Packages beyond those of a minimal server. Their services are installed, but wait to be
        enabled by whoever wants them.
    type: list
    elements: str
    default: []
  state:
    description: Whether the image should exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: Shows the image before and after.}
author: [Cairn (@cairn)]
"""

EXAMPLES = r"""
- name: A bare Debian is there for the nodes
  cairn.cloud.nspawn_base:
  register: base
"""

RETURN = r"""
path:
  description: The directory of the image.
  type: str
  returned: always
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cairn.cloud.plugins.module_utils import machine
from ansible_collections.cairn.cloud.plugins.module_utils.state import converge

# What a minimal Debian server has, plus what Ansible needs to find on it.
MINIMAL = [
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "kmod",
    "netbase",
    "procps",
    "python3",
    "python3-apt",
    "systemd",
    "systemd-sysv",
    "udev",
]
# Documentation that nobody reads in a lab, and syncs that nobody needs there.
DPKG = [
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
]
# Runs on the finished image. Timers that take dpkg's lock when they please would make installs fail
# now and then. What is enabled and not a minimal server's own came with the extra packages.
FINISH = r"""
set -e
rm -f "$1"/etc/apt/sources.list.d/0000* "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/hostname
systemctl --quiet --root "$1" mask apt-daily.timer apt-daily-upgrade.timer
systemctl --quiet --root "$1" enable systemd-networkd.service
systemctl --root "$1" list-unit-files --state=enabled --no-legend --plain |
while read -r unit _; do
  case $unit in
    systemd-*|getty@*|autovt@*|remote-fs.target|dpkg-*|fstrim.timer|e2scrub*) ;;
    *) systemctl --quiet --root "$1" disable "$unit" ;;
  esac
done
"""


def recipe(suite, packages):
    """Everything that decides what is in the image."""
    names = sorted({*MINIMAL, *packages})
    return {"suite": suite, "packages": names, "dpkg": DPKG, "finish": FINISH}


def name_of(wanted):
    """The image's name: equal recipes have equal names."""
    return "base-" + hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]


def command(wanted, sources, options, target):
    """The mmdebstrap call for a recipe."""
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--format=directory",
        "--variant=minbase",
        "--skip=check/empty",
        f"--aptopt={options}",
        *(f"--dpkgopt={option}" for option in wanted["dpkg"]),
        f"--include={','.join(wanted['packages'])}",
        f"--customize-hook={wanted['finish']}",
        wanted["suite"],
        target,
        sources,
    ]


def look(path):
    """The recipe the image was made by, or None. It only has its name once it is complete."""
    return json.loads(machine.read(f"{path}.json") or "null") if os.path.isdir(path) else None


@contextlib.contextmanager
def only_one(path):
    """Hold off everybody else who wants to build the same image."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f"{path}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(module, wanted, path):
    """Build beside the place and move it there, so that a killed build leaves no half image."""
    unfinished = f"{path}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in (
            ("debian.sources", machine.debian_sources(wanted["suite"])),
            ("apt.conf", machine.apt_options()),
        ):
            with open(os.path.join(scratch, name), "w", encoding="utf-8") as file:
                file.write(text)
        call = command(wanted, f"{scratch}/debian.sources", f"{scratch}/apt.conf", unfinished)
        rc, _out, err = module.run_command(call)
    if rc:
        shutil.rmtree(unfinished, ignore_errors=True)
        module.fail_json(msg=f"mmdebstrap could not make the base image: {err.strip()[-2000:]}")
    with open(f"{path}.json", "w", encoding="utf-8") as file:
        json.dump(wanted, file)
    os.rename(unfinished, path)


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
    for beside in (f"{path}.json", f"{path}.lock"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)


def main():
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "default": "/var/lib/cairn-lab"},
            "suite": {"type": "str", "default": "bookworm"},
            "packages": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    wanted = recipe(module.params["suite"], module.params["packages"])
    path = os.path.join(module.params["directory"], name_of(wanted))
    after = wanted if module.params["state"] == "present" else None

    def act():
        with only_one(path):
            if after is None:
                remove(path)
            elif look(path) is None:
                build(module, wanted, path)

    converge(module, look(path), after, act, path=path)


if __name__ == "__main__":
    main()
