"""Neutron's processes: on which hosts, from which settings, and what each is made of."""

from typing import Any

from cairn.common import health
from cairn.common.policy import Policy
from cairn.common.process import AGENT, API, WORKER, Host, Process
from cairn.common.rpc import Server
from cairn.neutron.component import Neutron
from cairn.neutron.policy import RULES
from cairn.neutron.rpc import Agent, Controller
from cairn.neutron.settings import AgentSettings, ApiSettings, RpcServerSettings


def build_api(settings: ApiSettings, host: Host) -> Any:
    from cairn.neutron.app import create_app

    bus = host.bus(settings.messaging)
    neutron = Neutron(
        db=host.database(settings.database), policy=Policy(RULES, settings.policy.file),
        agents=Agent(bus), settings=settings.network, quota=settings.quota,
    )
    authenticate, listener = host.authenticator(settings.identity, settings.messaging)
    checks = {"database": health.database(neutron.db), "messaging": health.messaging(
        listener.server)}
    return create_app(neutron, authenticate, checks)


def build_rpc_server(settings: RpcServerSettings, host: Host) -> None:
    from cairn.neutron.rpc_server.manager import Manager

    bus = host.bus(settings.messaging)
    neutron = Neutron(
        db=host.database(settings.database), policy=Policy(RULES), agents=Agent(bus),
        settings=settings.network,
    )
    host.run(Server(bus, Controller.topic, host.name, Manager(neutron)))


def build_agent(settings: AgentSettings, host: Host) -> None:
    from cairn.neutron.agent.process import build

    build(settings, host)


PROCESSES = {
    "neutron-api": Process(API, "controller", ApiSettings, build_api, mount="/networking"),
    "neutron-rpc-server": Process(WORKER, "controller", RpcServerSettings, build_rpc_server),
    "neutron-agent": Process(AGENT, "compute,network", AgentSettings, build_agent),
}
