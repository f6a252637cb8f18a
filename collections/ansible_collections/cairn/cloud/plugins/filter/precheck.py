# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
"""What is in the way of a cloud, each in one sentence that says what to do about it."""

from __future__ import annotations

KNOWN = ("controller", "network", "compute", "storage")
NEEDED = ("controller", "network", "compute")


def inventory_problems(groups):
    """What is wrong with an inventory's groups."""
    problems = [
        f"the inventory has no host in the group {name}; name at least one under [{name}]"
        " (a host may be in several groups)"
        for name in NEEDED
        if not groups.get(name)
    ]
    placed = {host for name in KNOWN for host in groups.get(name, [])}
    own = sorted(set(groups).difference(KNOWN, ("all", "ungrouped")))
    problems += [
        f"{host} is in no group that Cairn knows ({', '.join(KNOWN)})"
        + (f"; is one of {', '.join(own)} misspelt?" if own else "; put it in one of them")
        for host in groups.get("all", [])
        if host not in placed and host != "localhost"
    ]
    return problems


def host_problems(looked, name):
    """What keeps a host from the cloud, after all hosts were looked at.

    C(looked) is, for each host by name: C(python), the answer to a first question; C(host) and
    C(clock), what M(cairn.cloud.host_check) and M(cairn.cloud.clock) returned; and C(address), what
    the host is to be known by.
    """
    mine = looked[name]
    python, host, address = mine["python"], mine["host"], mine["address"]
    if python.get("unreachable"):
        reason = python.get("msg", "no answer").removeprefix("Task failed: ").strip().rstrip(".")
        return [f"it cannot be reached ({reason}); see that it is up, and mend the inventory"]
    if python.get("rc") != 0:
        return ["it has no /usr/bin/python3; run on it: apt-get install python3"]
    if "problems" not in host:
        return [f"it could not be looked at ({host.get('msg', 'no answer')}); mend that first"]
    problems = [*host["problems"], *mine["clock"].get("problems", ())]
    if not address:
        problems.append("it has no IPv4 address that leads out; give it one, or set host_address")
    elif address not in host["addresses"]:
        problems.append(
            f"host_address {address} is none of its addresses ({', '.join(host['addresses'])});"
            " mend the inventory"
        )
    twins = [other for other in looked if other != name and looked[other]["address"] == address]
    if address and twins:
        problems.append(
            f"{', '.join(twins)} has the same address, {address}; give each host one of its own"
        )
    return problems


def sentences(problems, name=None):
    """Problems for a person to read, one a line."""
    who = f"{name}: " if name else ""
    ended = (problem if problem.endswith("?") else f"{problem}." for problem in problems)
    return "\n".join(f"{who}{problem}" for problem in ended)


class FilterModule:
    def filters(self):
        return {
            "inventory_problems": inventory_problems,
            "host_problems": host_problems,
            "sentences": sentences,
        }
