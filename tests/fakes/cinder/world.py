"""A whole cinder in one process: api, scheduler, and storage hosts with fake backends."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from cairn.cinder.component import Cinder
from cairn.cinder.core import keys
from cairn.cinder.db.models import Service, Volume, Work, WorkStep
from cairn.cinder.drivers.fake import FakeDriver
from cairn.cinder.policy import RULES
from cairn.cinder.rpc import BACKUP, SCHEDULER, VOLUME, runner_of
from cairn.cinder.scheduler import process as scheduler_process
from cairn.cinder.scheduler.doer import Hands as SchedulerHands
from cairn.cinder.scheduler.manager import Manager as SchedulerManager
from cairn.cinder.settings import ApiSettings, EncryptionSettings, SchedulerSettings, VolumeSettings
from cairn.cinder.volume import process as volume_process
from cairn.cinder.volume.backends import Backends
from cairn.cinder.volume.backups.doer import Hands as BackupHands
from cairn.cinder.volume.backups.targets import make as make_target
from cairn.cinder.volume.doer import Hands as VolumeHands
from cairn.cinder.volume.inventory import Keeper
from cairn.cinder.volume.manager import Manager as VolumeManager
from cairn.cinder.volume.reporter import Reporter
from cairn.common.db import Database
from cairn.common.errors import Unavailable
from cairn.common.ledger import DatabaseLedger
from cairn.common.policy import Policy
from cairn.common.remote import RemoteLedger
from cairn.common.work import Worker
from fakes.cinder.cloud import Cloud, FakeTransfers
from fakes.direct import Direct


class Echo:
    """Stands for an RPC server whose messages come back."""

    def round_trip(self) -> bool:
        return True


class World:
    """Nothing runs by itself: `settle` runs the works there are, one at a time."""

    def __init__(
        self, db: Database, folder: Path, hosts: Iterable[str] = ("store",),
        cloud: Cloud | None = None,
    ) -> None:
        self.db, self.folder, self.cloud = db, folder, cloud or Cloud()
        self.rung: list[str] = []
        self.workers: dict[str, Worker] = {}
        self.managers: dict[str, VolumeManager] = {}
        self.backends: dict[str, Backends] = {}
        self.reporters: dict[str, Reporter] = {}
        scheduler: Any = Direct(lambda host: self.scheduler)
        volume: Any = Direct(self._volume)
        self.cinder = Cinder(
            db=db, policy=Policy(RULES), scheduler=scheduler, volume=volume,
            cloud=self.cloud, api=ApiSettings(connect_timeout=1),
            encryption=EncryptionSettings("a key"),
            pause=lambda seconds: self.settle())
        keys._wrapper.cache_clear()
        self.ledger = DatabaseLedger(db, Work, WorkStep, ring=self.rung.append)
        self.settings = SchedulerSettings()
        self.workers[SCHEDULER] = scheduler_process.make_worker(
            self.ledger, SchedulerHands(self.cinder, self.settings), SCHEDULER, 1)
        self.scheduler = SchedulerManager(self.cinder, self.ledger)
        for host in hosts:
            self.add_host(host)

    def _volume(self, host: str | None) -> VolumeManager:
        if host not in self.managers:
            raise Unavailable(reason=f"No answer from cinder.volume.{host} in time.")
        return self.managers[host]

    def add_host(
        self, host: str, backends: str = "", zone: str = "nova", target: str = ""
    ) -> Backends:
        """A storage host that works, as it says itself; a fake backend called `fake` and backups in
        a folder of its own where nothing else is named."""
        settings = VolumeSettings(
            backends=backends or f"fake:fake:{self.folder}/{host}", zone=zone,
            folder=str(self.folder / f"{host}-transfers"),
            backup_target=target or f"file:{self.folder}/{host}-backups")
        made = self.backends[host] = Backends(settings, host)
        scheduler: Any = Direct(lambda _: self.scheduler, sender=host)
        transfers: Any = FakeTransfers(scheduler, self.cloud.images)
        hands = VolumeHands(scheduler, made, transfers, settings, host)
        worker = volume_process.make_worker(RemoteLedger(scheduler), hands, host, 1)
        self.workers[runner_of(VOLUME, host)] = worker
        kept_in = make_target(settings.backup_target)
        backups = volume_process.make_backup_worker(
            RemoteLedger(scheduler), BackupHands(made, kept_in), 1, host)
        self.workers[runner_of(BACKUP, host)] = backups
        self.managers[host] = VolumeManager(
            made, Keeper(made, kept_in, settings.folder), worker, backups)
        echo: Any = Echo()
        self.reporters[host] = Reporter(scheduler, made, echo, host, kept_in)
        self.beat(host)
        return made

    def driver(self, host: str = "store", backend: str = "fake") -> FakeDriver:
        driver = self.backends[host].driver(f"{host}@{backend}")
        assert isinstance(driver, FakeDriver)
        return driver

    def beat(self, *hosts: str) -> None:
        """Hosts say how they are."""
        for host in hosts or list(self.reporters):
            self.reporters[host].report()

    def down(self, host: str) -> None:
        """The host stops answering."""
        del self.managers[host], self.reporters[host]
        del self.workers[runner_of(VOLUME, host)], self.workers[runner_of(BACKUP, host)]
        with self.db.writing() as session:
            session.execute(update(Service)
                            .where(Service.host.like(f"{host}@%") | (Service.host == host))
                            .values(seen_at=None))

    def row(self, model: Any, id_: str) -> Any:
        """The row with that id, detached; None when it is gone."""
        with self.db.reading() as session:
            return session.scalar(select(model).where(model.id == id_))

    def set(self, volume_id: str, model: Any = Volume, **values: Any) -> None:
        with self.db.writing() as session:
            session.execute(update(model).where(model.id == volume_id).values(**values))

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

    def wake(self) -> None:
        """The time that works wait for is over."""
        with self.db.writing() as session:
            session.execute(update(Work).values(not_before=None))

    def open_works(self) -> int:
        """How many works have not ended."""
        with self.db.reading() as session:
            return len(session.scalars(
                select(Work.seq).where(Work.finished_at.is_(None))).all())


