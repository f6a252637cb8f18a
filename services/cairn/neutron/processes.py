"""Neutron's processes: where each runs, what it may be told, and the room it is made in."""

from cairn.common.process import AGENT, API, WORKER, Process, Room
from cairn.neutron.settings import AgentSettings, ApiSettings, RpcServerSettings

PROCESSES = {
    "neutron-api": Process(
        API, "controller", ApiSettings, Room("cairn.neutron.api.process"), "/networking"
    ),
    "neutron-rpc-server": Process(
        WORKER, "controller", RpcServerSettings, Room("cairn.neutron.rpc_server.process")
    ),
    "neutron-agent": Process(
        AGENT, "compute,network", AgentSettings, Room("cairn.neutron.agent.process")
    ),
}
