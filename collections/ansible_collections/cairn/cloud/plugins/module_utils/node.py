# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""How to find a running lab node and how to enter it."""

from __future__ import annotations

import glob
import os
import re

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def status(pid, name):
    """The words of one line of a process's status; none if there is no such process."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            found = re.search(rf"^{name}:\s*(.*)", file.read(), re.MULTILINE)
    except OSError:
        return []
    return found.group(1).split() if found else []


def parent(pid):
    """The parent of a process."""
    return int(status(pid, "PPid")[0])


def is_leader(pid, root):
    """Whether a process is the first of a container whose root is the directory C(root)."""
    if status(pid, "NSpid")[1:] != ["1"]:
        return False
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/root/."), os.stat(root))
    except OSError:
        return False


def leader(directory):
    """The process id of a node's systemd by the node's own note, or None if it does not run.

    The note outlives the node when the machine crashes, and process ids come again: it is checked.
    """
    try:
        with open(os.path.join(directory, "leader"), encoding="ascii") as file:
            pid = int(file.read())
    except (OSError, ValueError):
        return None
    return pid if is_leader(pid, os.path.join(directory, "root")) else None


def find_leader(root):
    """The same for a node that left no note: look at every process of the machine."""
    for path in glob.glob("/proc/[0-9]*"):
        pid = int(os.path.basename(path))
        if is_leader(pid, root):
            return pid
    return None


def environment(pid):
    """What a login in the node would find in its environment."""
    variables = {
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "LOGNAME": "root",
        "PATH": PATH,
        "SHELL": "/bin/bash",
        "USER": "root",
    }
    try:
        with open(f"/proc/{pid}/root/etc/environment", encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            variables[name.removeprefix("export ")] = value.strip("\"'")
    return variables


def enter(pid):
    """The words to put before a command so that it runs in the node, as root logged in there."""
    variables = [f"{name}={value}" for name, value in environment(pid).items()]
    return ["nsenter", "--target", str(pid), "--all", "--", "env", "-i", *variables]
