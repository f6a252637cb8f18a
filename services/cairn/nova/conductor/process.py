"""The parts of nova-conductor, put together."""

from functools import partial

from cairn.common.context import Context
from cairn.common.events import Bell
from cairn.common.faults import explain
from cairn.common.ledger import DatabaseLedger
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.pulse import Pulse
from cairn.common.rpc import Server
from cairn.common.work import Ledger, Worker
from cairn.nova.component import Nova
from cairn.nova.conductor import flows
from cairn.nova.conductor.doer import Hands, record_unknown
from cairn.nova.conductor.manager import Manager
from cairn.nova.conductor.sweeper import Sweeper
from cairn.nova.core import events, hosts, purge, shelves, soft_deletes
from cairn.nova.db.models import Periodic, Work, WorkStep
from cairn.nova.neighbours import over_http
from cairn.nova.neighbours.vendordata import HttpVendordata
from cairn.nova.policy import RULES
from cairn.nova.rpc import CONDUCTOR, Compute, Conductor, Scheduler
from cairn.nova.settings import ConductorProcess, ConductorSettings

LOOK = 60.0  # Seconds between looks at what was shelved, or deleted, for long enough.


def build(settings: ConductorProcess, host: Host) -> None:
    bus = host.bus(settings.messaging)
    neighbours = host.neighbours(settings.identity)
    db = host.database(settings.database)
    db.bell = Bell(bus, "nova")
    nova = Nova(
        db=db, policy=Policy(RULES), conductor=Conductor(bus),
        compute=Compute(bus), api=settings.api, service=settings.service,
        cloud=over_http(neighbours, HttpVendordata(settings.api, settings.vendordata_auth)),
    )
    run(nova, Scheduler(bus), settings.conductor, host)
    host.periodic().every(settings.purge.interval, nova.db, Periodic, "purge",
                          purge.make(settings, nova.db, neighbours).run)
    for name, after, func in (
            ("offload", settings.api.shelved_offload_time + 1, shelves.offload_due),
            ("reclaim", settings.api.reclaim_instance_interval, soft_deletes.reclaim)):
        host.periodic().every(min(after, LOOK), nova.db, Periodic, name, partial(func, nova))


def run(nova: Nova, scheduler: Scheduler, settings: ConductorSettings, host: Host) -> Worker:
    """A conductor that starts and stops with `host`."""
    ledger = DatabaseLedger(
        nova.db, Work, WorkStep, ring=lambda runner: nova.ring(Context(), runner),
        closed=events.record_end,
    )
    worker = make_worker(ledger, Hands(nova, scheduler, settings), f"{CONDUCTOR}@{host.name}",
                         settings.threads)
    manager = Manager(nova, ledger, worker)
    server = Server(nova.conductor.bus, Conductor, host.name, manager, threads=16)
    host.run(server)
    host.run(worker)
    host.run(Sweeper(nova, settings))
    host.run(Pulse("nova-conductor", server, nova.service.interval, lambda: nova.db.write(
        lambda session: hosts.seen(session, "nova-conductor", host.name))))
    return worker


def make_worker(ledger: Ledger, hands: Hands, lease_holder: str, threads: int) -> Worker:
    """What runs the works that are a conductor's."""
    return Worker(ledger, flows.make(hands), runner=CONDUCTOR, lease_holder=lease_holder,
                  threads=threads, explain=explain, unknown=partial(record_unknown, hands.nova))
