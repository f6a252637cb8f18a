"""cairn-manage neutron: what an operator may run by hand."""

import argparse
from collections.abc import Callable
from pathlib import Path

from cairn.common.settings import load
from cairn.neutron.settings import AgentSettings

AGENT_CONF = Path("/etc/cairn/agent/neutron-agent.conf")


def agent_cleanup(rest: list[str], conf: Path) -> int:
    """Take bridges, tunnels, namespaces, filters and helper processes off a host that leaves."""
    from cairn.neutron.agent.cleanup import clean

    argparse.ArgumentParser(
        prog="cairn-manage neutron agent-cleanup", description=agent_cleanup.__doc__
    ).parse_args(rest)
    # Where the agent runs there is no API and no settings of one, unless they were named.
    clean(load(AgentSettings, conf if conf.exists() and conf.name != "neutron-api.conf"
               else AGENT_CONF).host)
    return 0


VERBS: dict[str, Callable[[list[str], Path], int]] = {"agent-cleanup": agent_cleanup}
