"""A whole nova in one process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import update

from cairn.common.context import Context
from cairn.common.db import Database
from cairn.common.errors import Unavailable
from cairn.common.ledger import DatabaseLedger, RemoteLedger
from cairn.common.policy import Policy
from cairn.common.work import Worker
from cairn.nova.component import Nova
from cairn.nova.compute import process as compute_process
from cairn.nova.compute.consoles import Tickets
from cairn.nova.compute.doer import Hands as ComputeHands
from cairn.nova.compute.host_cleanup import HostCleanup
from cairn.nova.compute.manager import Manager as ComputeManager
from cairn.nova.conductor import process as conductor_process
from cairn.nova.conductor.doer import Hands as ConductorHands
from cairn.nova.conductor.manager import Manager as ConductorManager
from cairn.nova.core import events
from cairn.nova.db.models import Server, Service, Work, WorkStep
from cairn.nova.drivers.fake import FakeDriver
from cairn.nova.neighbours import over_http
from cairn.nova.policy import RULES
from cairn.nova.rpc import CONDUCTOR, runner_of
from cairn.nova.scheduler.manager import Manager as SchedulerManager
from cairn.nova.settings import (
    ComputeSettings,
    ConductorSettings,
    ConsoleServerSettings,
    ConsoleSettings,
    SchedulerSettings,
)
from fakes.direct import Direct
from fakes.nova.cloud import Cloud


class World:
    """A whole nova in one process: api, conductor, scheduler, and computes with the fake driver.
    Nothing runs by itself: `settle` runs the works there are, one at a time."""

    def __init__(
        self, db: Database, hosts: Iterable[str] = ("one",), cloud: Cloud | None = None,
        *, folder: Path = Path("/nonexistent"),
    ) -> None:
        self.db, self.cloud = db, cloud or Cloud()
        self.rung: list[str] = []
        self.folder = folder
        self.drivers: dict[str, FakeDriver] = {}
        self.workers: dict[str, Worker] = {}
        self.cleanups: dict[str, HostCleanup] = {}
        # By host, ids of the images that it was asked to have, and where it finds each.
        self.precached: dict[str, list[tuple[str, str]]] = {}
        # Called when a host waits.
        self.nap: Callable[[float], None] = lambda seconds: None
        self.managers: dict[str, ComputeManager] = {}
        conductor: Any = Direct(lambda host: self.conductor)
        compute: Any = Direct(self._compute)
        scheduler: Any = Direct(lambda host: self.scheduler)
        self.nova = Nova(db=db, policy=Policy(RULES), conductor=conductor, compute=compute,
                         cloud=over_http(self.cloud),
                         console=ConsoleSettings(base_url="https://cloud.example/console"),
                         pause=lambda seconds: self.settle())
        self.ledger = DatabaseLedger(db, Work, WorkStep, ring=self.rung.append,
                                     closed=events.record_end)
        hands = ConductorHands(self.nova, scheduler, ConductorSettings(), patience=0.0)
        self.workers[CONDUCTOR] = conductor_process.make_worker(self.ledger, hands, CONDUCTOR, 1)
        self.conductor = ConductorManager(self.nova, self.ledger)
        self.scheduler = SchedulerManager(
            db, self.nova.cloud.placement, SchedulerSettings(), self.nova.service, self.nova.api)
        for host in hosts:
            self.add_host(host)

    def _compute(self, host: str | None) -> Any:
        if host not in self.managers:
            raise Unavailable(reason=f"No answer from nova.compute.{host} in time.")
        return self.managers[host]

    def add_host(
        self, host: str, *, plugging_timeout: float = 0.0, driver: FakeDriver | None = None,
        settings: dict[str, Any] | None = None, **size: int
    ) -> FakeDriver:
        """A compute that works, as it says itself; with `driver`, its next life on that host."""
        options = ComputeSettings(driver="fake", vif_plugging_timeout=plugging_timeout,
                                  folder=str(self.folder), **settings or {})
        driver = self.drivers[host] = driver or FakeDriver(options, host, **size)
        images: Any = NoImages()
        conductor: Any = Direct(lambda host: self.conductor, sender=host)
        transfers: Any = FakeTransfers(conductor, self.cloud)
        hands = ComputeHands(conductor, driver, images, options, host, transfers,
                             sleep=lambda seconds: self.nap(seconds))
        worker = compute_process.make_worker(RemoteLedger(conductor), hands, host, 1)
        self.workers[runner_of(host)] = worker
        precache: Any = Precached(self.precached.setdefault(host, []))
        tickets = Tickets(ConsoleServerSettings(cert_file="host.pem", address=f"{host}.example"))
        self.managers[host] = ComputeManager(conductor, driver, worker, tickets, precache)
        self.cleanups[host] = HostCleanup(conductor, driver, images, options, host, self.folder)
        self.beat(host)
        self.nova.conductor.report_host(Context(), service_host=host, report=driver.report())
        return driver

    def beat(self, *hosts: str) -> None:
        for host in hosts or list(self.drivers):
            self.nova.conductor.report_service(
                Context(), binary="nova-compute", service_host=host)

    def down(self, host: str) -> None:
        """The host stops answering."""
        del self.managers[host], self.workers[runner_of(host)]
        with self.db.writing() as session:
            session.execute(update(Service).where(Service.host == host).values(seen_at=None))

    def set(self, server_id: str, **values: Any) -> None:
        with self.db.writing() as session:
            session.execute(update(Server).where(Server.id == server_id).values(**values))

    def settle(self) -> None:
        """Run works until there are none that can."""
        while sum(self._ran(worker) for worker in list(self.workers.values())):
            pass

    def _ran(self, worker: Worker) -> bool:
        job = worker.ledger.take(worker.runner, worker.lease_holder, True)
        if job is None:
            return False
        worker.run(job)
        return True


class NoImages:
    """Stands for the image cache: every image is there."""

    def has(self, image: Any) -> bool:
        return True

    def fetch(self, ctx: Context, spec: Any, purpose: str = "read") -> None:
        return None


@dataclass
class Precached:
    """Stands for what fetches images before they are needed."""

    asked: list[tuple[str, str]]

    def add(self, ctx: Context, image: Any, loan: Any) -> None:
        self.asked.append((image["id"], loan["url"]))


@dataclass
class FakeTransfers:
    """Stands for common.transfers.Transfers: asks Cloud for what it is lent, and nothing else."""

    conductor: Any
    cloud: Cloud

    def upload(self, ctx: Context, server_id: str, path: Path) -> None:
        self.cloud.put("image", f"{self._lent(ctx, server_id)}/file")

    def status(self, ctx: Context, server_id: str) -> str:
        return str(self.cloud.get("image", self._lent(ctx, server_id)).json()["status"])

    def _lent(self, ctx: Context, server_id: str) -> str:
        loan = self.conductor.lend_image(ctx, server_id=server_id, purpose="fill")
        return str(loan["url"]).partition("/v2")[2]
