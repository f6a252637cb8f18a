"""The cloud's nodes, and how a command is run on one."""

import os
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from ansible_collections.cairn.cloud.plugins.module_utils import node as lab

from cairn.deploy import inventory, topology
from cairn.deploy.cloud import Cloud, Record
from cairn.deploy.errors import Failed, Refused

LOCAL = "localhost"


def names(record: Record) -> list[str]:
    return [LOCAL] if record.place == "host" else topology.nodes(record.topology)


def command(cloud: Cloud, record: Record, name: str, words: Sequence[str]) -> list[str]:
    """The words that run a command on the node, as root logged in there."""
    if record.place == "host" and name in ("aio", socket.gethostname()):
        name = LOCAL  # However the machine is called, there is only this one.
    if name not in names(record):
        raise Refused(
            f"the cloud '{cloud.name}' has no node '{name}'",
            f"It has: {', '.join(names(record))}",
        )
    if record.place == "host":
        return list(words)
    leader = lab.leader(str(inventory.lab_directory(cloud) / "nodes" / name))
    if leader is None:
        raise Failed(f"the node {name} does not run", "Start it again with: ./cairn up")
    return [*lab.enter(leader), *words]


def enter(cloud: Cloud, record: Record, name: str, words: Sequence[str]) -> NoReturn:
    """Turn this process into a shell on the node, or into the command there."""
    if words:
        # As ssh does it: the words make one line for the node's shell, which starts at home.
        inside = ["/bin/bash", "-c", f'cd "$HOME"; {" ".join(words)}']
    else:
        inside = ["/bin/bash", "-c", 'cd "$HOME"; exec /bin/bash --login']
    whole = command(cloud, record, name, inside)
    if os.environ.get("TERM") and "-i" in whole:
        whole.insert(whole.index("-i") + 1, f"TERM={os.environ['TERM']}")
    sys.stdout.flush()
    os.execvp(whole[0], whole)
