"""The parts of nova-compute, put together."""

from pathlib import Path

from cairn.common.faults import explain
from cairn.common.process import Host
from cairn.common.remote import RemoteLedger
from cairn.common.rpc import Server
from cairn.common.transfers import Transfers
from cairn.common.work import Ledger, Worker
from cairn.nova.compute import flows
from cairn.nova.compute.consoles import ConsoleServer, Tickets
from cairn.nova.compute.doer import Hands
from cairn.nova.compute.host_cleanup import HostCleanup
from cairn.nova.compute.images import ImageCache
from cairn.nova.compute.manager import Manager
from cairn.nova.compute.precache import Precache
from cairn.nova.compute.reporter import Reporter
from cairn.nova.drivers.base import Driver
from cairn.nova.rpc import CONDUCTOR, Compute, Conductor, runner_of
from cairn.nova.settings import ComputeProcess, ComputeSettings

__all__ = ["ComputeProcess", "build"]


def build(settings: ComputeProcess, host: Host) -> None:
    """Everything of nova-compute, registered with `host` to run."""
    own = settings.compute
    folder = Path(own.folder)
    bus = host.bus(settings.messaging)
    conductor = Conductor(bus)
    transfers = make_transfers(conductor, own)
    images = ImageCache(folder / "_base", transfers, host.name)
    images.sweep()
    driver = make_driver(settings, images, host.name)
    hands = Hands(conductor, driver, images, own, host.name, transfers)
    worker = make_worker(RemoteLedger(conductor), hands, host.name, own.threads)
    precache = Precache(images, lambda loan: Transfers(
        lambda ctx, subject, purpose: loan, own.ca_file, own.transfer_timeout))
    tickets = Tickets(settings.console_server)
    manager = Manager(conductor, driver, worker, tickets, precache)
    server = Server(bus, Compute, host.name, manager)
    cleanup = HostCleanup(conductor, driver, images, own, host.name, folder)
    host.run(server)
    host.run(worker)
    host.run(precache)
    if settings.console_server.cert_file:
        host.run(ConsoleServer(tickets, driver, settings.console_server))
    host.run(Reporter(conductor, driver, server, cleanup, host.name))


def make_worker(ledger: Ledger, hands: Hands, host: str, threads: int) -> Worker:
    """What runs the works that are a host's. What it does not know a conductor tells the owner."""
    return Worker(ledger, flows.make(hands), runner=runner_of(host), lease_holder=host,
                  threads=threads, explain=explain, unknown=lambda job, error: CONDUCTOR)


def make_driver(settings: ComputeProcess, images: ImageCache, host: str) -> Driver:
    if settings.compute.driver == "fake":
        from cairn.nova.drivers.fake import FakeDriver

        return FakeDriver(settings.compute, host)
    # Not imported where there is no libvirt.
    from cairn.nova.drivers.libvirt.driver import LibvirtDriver

    return LibvirtDriver(settings, images, host)


def make_transfers(conductor: Conductor, settings: ComputeSettings) -> Transfers:
    """Images by what the conductor lends for one server."""
    return Transfers(
        lambda ctx, server_id, purpose: conductor.lend_image(
            ctx, server_id=server_id, purpose=purpose),
        settings.ca_file, settings.transfer_timeout)
