"""The parts of glance-worker, put together."""

from functools import partial

from cairn.common.events import Bell
from cairn.common.ledger import DatabaseLedger
from cairn.common.policy import Policy
from cairn.common.process import Host
from cairn.common.rpc import Server
from cairn.common.work import Worker
from cairn.glance.component import Glance
from cairn.glance.core import purge, tasks
from cairn.glance.core.cache import Cacher
from cairn.glance.core.sweeper import Sweeper
from cairn.glance.db.data import Periodic, Work, WorkStep
from cairn.glance.drivers.gate import Gate
from cairn.glance.drivers.stores import Stores
from cairn.glance.policy import RULES
from cairn.glance.rpc import Worker as WorkerStub
from cairn.glance.settings import WorkerProcess
from cairn.glance.worker.imports import Imports
from cairn.glance.worker.locating import Locating
from cairn.glance.worker.manager import Manager
from cairn.glance.worker.unknown import end_unknown


def build(settings: WorkerProcess, host: Host) -> None:
    bus, db = host.bus(settings.messaging), host.database(settings.database)
    db.bell = Bell(bus, "glance")
    cloud = host.neighbours(settings.identity) if settings.identity.auth_url else None
    gate = Gate(settings.imports)
    glance = Glance(
        db, Policy(RULES), settings.image,
        Stores(settings.image, settings.stores, settings.imports, gate),
        imports=settings.imports, cache=settings.cache, worker=WorkerStub(bus), cloud=cloud,
        host=host.name,
    )
    worker = make(glance, settings.worker.threads)
    cacher = Cacher(glance)
    host.run(Server(bus, WorkerStub, host.name, Manager(worker, cacher), threads=2))
    host.run(worker)
    host.run(cacher)
    host.run(Sweeper(glance))
    host.periodic().every(settings.purge.interval, glance.db, Periodic, "purge",
                          purge.make(settings, glance.db).run)


def make(glance: Glance, threads: int = 1) -> Worker:
    flows = [Imports(glance).flow(), Locating(glance).flow()]
    return Worker(
        DatabaseLedger(glance.db, Work, WorkStep), flows,
        runner=tasks.RUNNER, lease_holder=f"{tasks.RUNNER}@{glance.host}", threads=threads,
        unknown=partial(end_unknown, glance),
    )
