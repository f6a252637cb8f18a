"""The parts of neutron-agent, put together."""

from cairn.common.process import Host
from cairn.common.rpc import Server
from cairn.neutron.agent.loop import Loop, Reporter
from cairn.neutron.agent.manager import Manager
from cairn.neutron.agent.metadata_server import MetadataServer
from cairn.neutron.rpc import Agent, Controller
from cairn.neutron.settings import AgentSettings


def build(settings: AgentSettings, host: Host) -> None:
    """Everything of neutron-agent, registered with `host` to run."""
    bus = host.bus(settings.messaging)
    controller = Controller(bus)
    metadata = None
    if "metadata" in settings.host.roles:
        metadata = MetadataServer(settings.host, settings.metadata, controller)
        host.run(metadata)
    loop = Loop(controller, settings.host, host.name, metadata)
    server = Server(bus, Agent, host.name, Manager(loop), threads=2)
    host.run(server)
    host.run(loop)
    host.run(Reporter(controller, server, settings.host, loop))
