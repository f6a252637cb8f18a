# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What follows from what components publish: where their roles are applied, and their secrets."""

from __future__ import annotations


def _groups(processes):
    """The groups that any of the processes runs in."""
    groups = set()
    for process in processes.values():
        group = process["group"]
        groups.update([group] if isinstance(group, str) else group)
    return groups


def roles_of_groups(platform, processes):
    """The roles of each group of hosts: those of C(platform), and the components that have
    processes there. C(processes) are by component."""
    return {
        group: [*roles, *(name for name in processes if group in _groups(processes[name]))]
        for group, roles in platform.items()
    }


def served(processes, serving, run_tags=("all",), skip_tags=()):
    """The components with processes in groups that are being served, as far as they are asked for:
    a component's name is its tag."""
    everything = {"all", "tagged"} & set(run_tags)
    return [
        name for name, theirs in processes.items()
        if _groups(theirs) & set(serving)
        and (everything or name in run_tags) and name not in skip_tags
    ]


def database_secret(component):
    return f"{component}_database_password"


def user_secret(user):
    return f"{user.replace('-', '_')}_user_password"


def component_secrets(processes, users, more):
    """The secrets of all components, each with the groups besides the controllers whose hosts may
    know it: of the database account, where a process knows the database; of each user; and what
    else the component names."""
    secrets = {}
    for name, theirs in processes.items():
        if any("database" in process["sections"] for process in theirs.values()):
            secrets[database_secret(name)] = []
        secrets.update((user_secret(user["name"]), []) for user in users.get(name, []))
        for secret, groups in more.get(name, {}).items():
            secrets[secret] = sorted({*secrets.get(secret, []), *groups})
    return secrets


def known_in(secrets, groups):
    """The names of the secrets that hosts of those groups may know without being controllers."""
    return sorted(name for name, where in secrets.items() if set(where) & set(groups))


class FilterModule:
    def filters(self):
        return {
            "component_secrets": component_secrets,
            "known_in": known_in,
            "roles_of_groups": roles_of_groups,
            "served": served,
        }
