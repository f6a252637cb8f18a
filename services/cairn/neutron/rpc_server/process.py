"""The parts of neutron-rpc-server, put together."""

from cairn.common.context import Context
from cairn.common.events import Bell
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.rpc import Server
from cairn.neutron.component import Neutron
from cairn.neutron.core import floatingips, purge
from cairn.neutron.core.write import write
from cairn.neutron.db.models import Periodic
from cairn.neutron.policy import RULES
from cairn.neutron.rpc import Agent, Controller
from cairn.neutron.rpc_server.manager import Manager
from cairn.neutron.settings import RpcServerSettings


def build(settings: RpcServerSettings, host: Host) -> None:
    bus = host.bus(settings.messaging)
    neutron = Neutron(
        db=host.database(settings.database), policy=Policy(RULES), agents=Agent(bus),
        settings=settings.network,
    )
    neutron.db.bell = Bell(bus, "neutron")
    host.run(Server(bus, Controller, host.name, Manager(neutron)))
    cloud = host.neighbours(settings.identity) if settings.identity.auth_url else None
    host.periodic().every(
        settings.network.agent_down_time, neutron.db, Periodic, "silent-agents",
        lambda: write(neutron, Context(), floatingips.give_up))
    host.periodic().every(settings.purge.interval, neutron.db, Periodic, "purge",
                          purge.make(settings, neutron.db, cloud).run)
