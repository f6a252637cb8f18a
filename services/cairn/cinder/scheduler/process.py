"""The parts of cinder-scheduler, put together."""

from functools import partial

from cairn.cinder.component import Cinder
from cairn.cinder.core import interrupted, purge, services
from cairn.cinder.db.models import Periodic, Work, WorkStep
from cairn.cinder.neighbours import over_http
from cairn.cinder.policy import RULES
from cairn.cinder.rpc import SCHEDULER, Scheduler, Volume
from cairn.cinder.scheduler import flows, selection
from cairn.cinder.scheduler.doer import Hands, record_unknown
from cairn.cinder.scheduler.manager import Manager
from cairn.cinder.settings import SchedulerProcess
from cairn.common.context import Context
from cairn.common.events import Bell
from cairn.common.faults import explain
from cairn.common.ledger import DatabaseLedger
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.pulse import Pulse
from cairn.common.rpc import Server
from cairn.common.work import Ledger, Worker


def build(settings: SchedulerProcess, host: Host) -> None:
    """Raises BadSetting."""
    selection.check(settings.scheduler)
    bus = host.bus(settings.messaging)
    neighbours = host.neighbours(settings.identity)
    db = host.database(settings.database)
    db.bell = Bell(bus, "cinder")
    cinder = Cinder(
        db=db, policy=Policy(RULES), scheduler=Scheduler(bus), volume=Volume(bus),
        cloud=over_http(neighbours), api=settings.api, quota=settings.quota,
        service=settings.service, encryption=settings.encryption,
    )
    ledger = DatabaseLedger(db, Work, WorkStep,
                            ring=lambda runner: cinder.ring(Context(), runner))
    worker = make_worker(ledger, Hands(cinder, settings.scheduler), f"{SCHEDULER}@{host.name}",
                         settings.scheduler.threads)
    server = Server(bus, Scheduler, host.name, Manager(cinder, ledger, worker), threads=8)
    host.run(server)
    host.run(worker)
    host.run(Pulse(services.SCHEDULER, server, settings.service.interval, lambda: db.write(
        lambda session: services.seen(
            session, services.SCHEDULER, host.name, settings.api.default_zone))))
    periodic = host.periodic()
    periodic.every(settings.purge.interval, db, Periodic, "purge",
                   purge.make(settings, db, neighbours).run)
    periodic.every(interrupted.INTERVAL, db, Periodic, "interrupted",
                   partial(interrupted.settle, cinder))


def make_worker(ledger: Ledger, hands: Hands, lease_holder: str, threads: int) -> Worker:
    """What runs the works that are a scheduler's."""
    return Worker(ledger, flows.make(hands), runner=SCHEDULER, lease_holder=lease_holder,
                  threads=threads, explain=explain, unknown=partial(record_unknown, hands.cinder))
