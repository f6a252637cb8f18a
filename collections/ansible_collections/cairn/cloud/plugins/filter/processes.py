# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""From what roles publish to what one host gets: packages, files and units."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

HEADER = "# Written by Ansible: changes made here are undone by the next run.\n"


def ini(sections, settings):
    """An INI file of only those sections of the settings."""
    text = HEADER
    for section in sections:
        if section not in settings:
            raise AnsibleFilterError(f"there are no settings for section [{section}]")
        text += f"\n[{section}]\n"
        for option, value in settings[section].items():
            if value is not None:
                text += f"{option} = {_written(value)}\n"
    return text


def _written(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_files(processes, settings, groups, directory="/etc/cairn"):
    """The settings file of each process, absent where the host is not in its group.

    The agents are root's, so nobody else may read what they know.
    """
    files = []
    for name, process in sorted(processes.items()):
        path = f"{directory}/{process['pack']}/{name}.conf"
        if process["group"] not in groups:
            files.append({"path": path, "state": "absent"})
            continue
        owner = {"group": "cairn", "mode": "0640"}
        if process["pack"] == "agent":
            owner = {"mode": "0600"}
        try:
            content = ini(process["sections"], settings)
        except AnsibleFilterError as error:
            raise AnsibleFilterError(f"{name}: {error}") from error
        files.append({"path": path, "content": content, **owner})
    return files


def units(processes, groups, packed=True, directory="/etc/cairn"):
    """The units of a host: one per pack or, unpacked, one per process; the other kind is absent."""
    here = {name: process for name, process in processes.items() if process["group"] in groups}
    packs = sorted({process["pack"] for process in processes.values()})
    found = []
    for pack in packs:
        members = sorted(name for name, process in here.items() if process["pack"] == pack)
        unit = {"name": f"cairn-{pack}", "pack": pack, "members": members}
        present = packed and bool(members)
        found.append({**unit, "present": present, "reads": f"{directory}/{pack}"})
    for name, process in sorted(processes.items()):
        unit = {"name": f"cairn-{name}", "pack": process["pack"], "members": [name]}
        reads = f"{directory}/{process['pack']}/{name}.conf"
        found.append({**unit, "present": not packed and name in here, "reads": reads})
    return found


def host_packages(published, groups, roles):
    """Packages a host in those groups needs, of what each role publishes: a list, or a dict of
    lists by group."""
    names = set()
    for group in groups:
        for role in roles.get(group, []):
            needed = published.get(role, [])
            names.update(needed.get(group, []) if isinstance(needed, dict) else needed)
    return sorted(names)


class FilterModule:
    def filters(self):
        return {
            "host_packages": host_packages,
            "ini": ini,
            "settings_files": settings_files,
            "units": units,
        }
