"""The parts of nova-scheduler, put together."""

from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.pulse import Pulse
from cairn.common.rpc import Server
from cairn.nova.component import Nova
from cairn.nova.core import hosts
from cairn.nova.neighbours import over_http
from cairn.nova.policy import RULES
from cairn.nova.rpc import Compute, Conductor, Scheduler
from cairn.nova.scheduler.manager import Manager
from cairn.nova.settings import SchedulerProcess, SchedulerSettings


def build(settings: SchedulerProcess, host: Host) -> None:
    bus = host.bus(settings.messaging)
    nova = Nova(
        db=host.database(settings.database), policy=Policy(RULES), conductor=Conductor(bus),
        compute=Compute(bus), cloud=over_http(host.neighbours(settings.identity)), api=settings.api,
        service=settings.service,
    )
    run(nova, settings.scheduler, host)


def run(nova: Nova, settings: SchedulerSettings, host: Host) -> None:
    """A scheduler that starts and stops with `host`."""
    manager = Manager(nova.db, nova.cloud.placement, settings, nova.service, nova.api)
    server = Server(nova.conductor.bus, Scheduler, host.name, manager, threads=8)
    host.run(server)
    host.run(Pulse("nova-scheduler", server, nova.service.interval, lambda: nova.db.write(
        lambda session: hosts.seen(session, "nova-scheduler", host.name))))
