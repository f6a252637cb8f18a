# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""Control groups of the machine, of v1, v2 or both: a lab node gets one in each hierarchy."""

from __future__ import annotations

import contextlib
import os


def hierarchies(kind):
    """Where hierarchies of that kind are mounted; C(cgroup) is v1 and C(cgroup2) is v2."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split() for line in file]
    return [fields[1] for fields in mounts if fields[2] == kind]


def controllers():
    """The names of v1 hierarchies that control something; systemd's own only keeps track."""
    names = [os.path.basename(top) for top in hierarchies("cgroup")]
    return [name for name in names if name != "systemd"]


def make(name):
    """Make a group in every hierarchy, ready to take processes in; their directories."""
    groups = []
    for top in hierarchies("cgroup"):
        group = os.path.join(top, name)
        os.makedirs(group, exist_ok=True)
        # A cpuset takes nobody in before it has processors and memory.
        for wanted in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(os.path.join(top, wanted)):
                copy(os.path.join(top, wanted), os.path.join(group, wanted))
        groups.append(group)
    for top in hierarchies("cgroup2"):
        offer(top)
        groups.append(os.path.join(top, name))
        os.makedirs(groups[-1], exist_ok=True)
    return groups


def copy(source, target):
    with open(source, encoding="ascii") as file:
        value = file.read()
    with open(target, "w", encoding="ascii") as file:
        file.write(value)


def offer(top):
    """Let the groups of a v2 hierarchy have every controller that it has."""
    with open(os.path.join(top, "cgroup.controllers"), encoding="ascii") as file:
        names = file.read().split()
    for name in names:
        # Refused for a controller that is in use otherwise: the node does without it.
        with (
            contextlib.suppress(OSError),
            open(os.path.join(top, "cgroup.subtree_control"), "w", encoding="ascii") as file,
        ):
            file.write(f"+{name}")


def join(groups):
    """Move the calling process into the groups."""
    for group in groups:
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))


def remove(name):
    """Remove the groups of that name with all below them; whether they are gone."""
    groups = [os.path.join(top, name) for top in hierarchies("cgroup") + hierarchies("cgroup2")]
    for group in groups:
        for directory, _children, _files in os.walk(group, topdown=False):
            # Busy until the last process has ended; the caller comes again.
            with contextlib.suppress(OSError):
                os.rmdir(directory)
    return not any(os.path.exists(group) for group in groups)
