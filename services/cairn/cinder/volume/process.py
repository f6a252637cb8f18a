"""The parts of cinder-volume, put together."""

from cairn.cinder.rpc import BACKUP, SCHEDULER, VOLUME, Scheduler, Volume, runner_of
from cairn.cinder.settings import VolumeProcess, VolumeSettings
from cairn.cinder.volume import flows
from cairn.cinder.volume.backends import Backends
from cairn.cinder.volume.backups import doer as backup
from cairn.cinder.volume.backups import flows as backup_flows
from cairn.cinder.volume.backups.targets import make as make_target
from cairn.cinder.volume.doer import Hands, forget_transfers
from cairn.cinder.volume.inventory import Keeper
from cairn.cinder.volume.manager import Manager
from cairn.cinder.volume.reporter import Reporter
from cairn.common.faults import explain
from cairn.common.process import Host
from cairn.common.remote import RemoteLedger
from cairn.common.rpc import Server
from cairn.common.transfers import Transfers
from cairn.common.work import Ledger, Worker


def build(settings: VolumeProcess, host: Host) -> None:
    """Everything of cinder-volume, registered with `host` to run."""
    bus = host.bus(settings.messaging)
    scheduler = Scheduler(bus)
    backends = Backends(settings.volume, host.name)
    forget_transfers(settings.volume)
    hands = Hands(scheduler, backends, make_transfers(scheduler, settings.volume),
                  settings.volume, host.name)
    worker = make_worker(RemoteLedger(scheduler), hands, host.name, settings.volume.threads)
    workers = [worker]
    target = make_target(settings.volume.backup_target) if settings.volume.backup_target else None
    if target is not None:
        workers.append(make_backup_worker(
            RemoteLedger(scheduler), backup.Hands(backends, target),
            settings.volume.backup_threads, host.name))
    keeper = Keeper(backends, target, settings.volume.folder)
    server = Server(bus, Volume, host.name, Manager(backends, keeper, *workers))
    host.run(server)
    for each in workers:
        host.run(each)
    host.run(Reporter(scheduler, backends, server, host.name, target))


def make_transfers(scheduler: Scheduler, settings: VolumeSettings) -> Transfers:
    """Images by what the scheduler lends for one work."""
    return Transfers(
        lambda ctx, work_id, purpose: scheduler.lend_image(ctx, work_id=work_id, purpose=purpose),
        settings.ca_file, settings.transfer_timeout)


def make_worker(ledger: Ledger, hands: Hands, host: str, threads: int) -> Worker:
    """What runs the works that are this host's. What it does not know a scheduler tells the
    owner."""
    return Worker(ledger, flows.make(hands), runner=runner_of(VOLUME, host), lease_holder=host,
                  threads=threads, explain=explain, unknown=lambda job, error: SCHEDULER)


def make_backup_worker(ledger: Ledger, hands: backup.Hands, threads: int, host: str) -> Worker:
    """What runs the host's backups, beside the other works."""
    return Worker(ledger, backup_flows.make(hands), runner=runner_of(BACKUP, host),
                  lease_holder=host, threads=threads, explain=explain,
                  unknown=lambda job, error: SCHEDULER)
