# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""From what roles publish to what one host gets: packages, files and units."""

from __future__ import annotations

from ansible.errors import AnsibleFilterError

# The pool of the pack data whose connections both sides keep open.
LIVE = "live"
HEADER = "# Written by Ansible: changes made here are undone by the next run.\n"


def ini(sections, settings, process=""):
    """An INI file of only those sections of the settings. One that is named C(process/section) is
    instead of the one that is for all."""
    text = HEADER
    for section in sections:
        options = settings.get(f"{process}/{section}", settings.get(section)) or {}
        if options:
            text += f"\n[{section}]\n"
        for option, value in options.items():
            if value not in (None, ""):
                text += f"{option} = {_written(value)}\n"
    return text


def _written(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _groups(process):
    """The groups a process runs in: one, or a list of them."""
    return [process["group"]] if isinstance(process["group"], str) else process["group"]


def _in(process, groups):
    return any(group in groups for group in _groups(process))


def _pool(process):
    """What runs it packed: a pool of the APIs, that of connections which stay open, or all of
    another pack."""
    pool = process.get("pool", "api")
    return pool if process["pack"] == "api" or pool == LIVE else process["pack"]


def user(name, process, packed=True):
    """Whose a process is: packed, those of a pool share a user, and only keystone's is not the
    services' own; else each component has one."""
    if process["pack"] == "agent":
        return "root"
    if packed and _pool(process) != "identity":
        return "cairn"
    return f"cairn-{name.partition('-')[0]}"


def process_users(processes, packed=True):
    """The users of all processes that are not root's."""
    users = {user(name, process, packed) for name, process in processes.items()}
    return sorted(users - {"root"})


def settings_files(
    processes, settings, groups, serving=None, directory="/etc/cairn", packed=True
):
    """The settings file of each process of a host in those groups; absent where it is in none of
    its groups. Left alone are processes of groups that are not being served now.

    Nobody but the user of its process may read what is in one.
    """
    known = {
        name
        for process, facts in processes.items()
        for section in facts["sections"]
        for name in (section, f"{process}/{section}")
    }
    if unknown := sorted(set(settings) - known):
        raise AnsibleFilterError(f"settings for [{unknown[0]}], which no process knows")
    files = []
    packs = {process["pack"] for process in processes.values()}
    for name, process in sorted(processes.items()):
        path = f"{directory}/{process['pack']}/{name}.conf"
        if not _in(process, groups):
            files.append({"path": path, "state": "absent"})
        elif serving is None or _in(process, serving):
            content = ini(process["sections"], settings, name)
            owner = user(name, process, packed)
            files.append({"path": path, "content": content, "owner": owner, "mode": "0600"})
            # A release may have moved it here from another pack.
            files += [{"path": f"{directory}/{pack}/{name}.conf", "state": "absent"}
                      for pack in sorted(packs - {process["pack"]})]
    return files


def units(processes, groups, serving=None, packed=True, directory="/etc/cairn"):
    """The units of a host: one per pack or, unpacked, one per process; the other kind is absent.
    Left alone are packs with processes of groups that are not being served now."""
    here = {name: process for name, process in processes.items() if _in(process, groups)}
    served = {name for name, process in here.items() if serving is None or _in(process, serving)}
    found = []
    for pack in sorted({process["pack"] for process in processes.values()}):
        members = {name for name, process in here.items() if process["pack"] == pack}
        if not members or members & served:
            unit = {"name": f"cairn-{pack}", "pack": pack, "reads": f"{directory}/{pack}"}
            unit["user"] = "root" if pack == "agent" else "cairn"
            found.append({**unit, "present": packed and bool(members)})
    for name, process in sorted(processes.items()):
        if name not in here or name in served:
            reads = f"{directory}/{process['pack']}/{name}.conf"
            unit = {"name": f"cairn-{name}", "pack": process["pack"], "reads": reads}
            unit["user"] = user(name, process, packed=False)
            found.append({**unit, "present": not packed and name in here})
    return found


def _sockets(name, process, pools, packed, directory):
    """Those of the workers that run the process."""
    pool = _pool(process)
    workers = pools.get(pool, {}).get("workers", 1)
    return [f"{directory}/{pool if packed else name}-{n}.sock" for n in range(1, workers + 1)]


def routes(processes, pools, packed=True, directory="/run/cairn"):
    """First path segment to the sockets of the process that answers there."""
    return {
        process["mount"]: _sockets(name, process, pools, packed, directory)
        for name, process in processes.items()
        if "mount" in process and "paths" not in process
    }


def streams(processes, pools, packed=True, directory="/run/cairn"):
    """The paths that processes of streams have for themselves, with their sockets, and whether a
    connection there is for one request only."""
    return [
        {"path": f"^{process['mount']}{path}$",
         "sockets": _sockets(name, process, pools, packed, directory),
         "once": _pool(process) == LIVE}
        for name, process in processes.items()
        for path in process.get("paths", [])
    ]


def upstream(sockets):
    """What the proxy calls those sockets."""
    name = sockets[0].rsplit("/", 1)[-1].removesuffix(".sock").rpartition("-")[0]
    return f"cairn_{name.replace('-', '_')}"


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
            "routes": routes,
            "streams": streams,
            "upstream": upstream,
            "process_users": process_users,
            "settings_files": settings_files,
            "units": units,
        }
