"""What a storage host's steps of every action have in common.

Each step may be repeated after a death in its middle; each that may half succeed has an undo that
bears any state.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cairn.cinder.drivers.base import Disk, Driver, NoRoom
from cairn.cinder.drivers.base import Snapshot as SnapshotThing
from cairn.cinder.drivers.files import FULL
from cairn.cinder.errors import NoScratch
from cairn.cinder.rpc import SCHEDULER, Scheduler, SnapshotRecord, VolumeRecord
from cairn.cinder.settings import VolumeSettings
from cairn.cinder.volume import copying
from cairn.cinder.volume.backends import Backends, thing
from cairn.cinder.volume.copying import Cipher
from cairn.common import flows
from cairn.common.bounds import below, uuid_of
from cairn.common.errors import Unavailable
from cairn.common.flows import Action
from cairn.common.transfers import Transfers
from cairn.common.work import Job, check

Done = dict[str, Any] | None


@dataclass(frozen=True)
class Hands:
    """What they are done with."""

    scheduler: Scheduler
    backends: Backends
    transfers: Transfers
    settings: VolumeSettings
    host: str


class Doer(flows.Doer):
    """What fails here ends at the scheduler."""

    def __init__(self, action: Action, hands: Hands) -> None:
        super().__init__(action)
        self.scheduler, self.backends = hands.scheduler, hands.backends
        self.transfers, self.settings, self.host = hands.transfers, hands.settings, hands.host

    def runner(self, room: str, job: Job) -> str:
        return SCHEDULER

    def failed(self, job: Job, error: str) -> str:
        return SCHEDULER

    def driver(self, host: str) -> Driver:
        """Of host@backend[#pool]. Raises NoSuchBackend."""
        return self.backends.driver(host)

    def kept(self, job: Job, name: str) -> dict[str, Any]:
        """What a step of the scheduler's said, also after it was undone."""
        said: dict[str, Any] = job.results.get(name) or job.args[name]
        return said

    def passphrase(self, job: Job) -> str:
        """What opens the work's volume."""
        return self.scheduler.passphrase(job.ctx, volume_id=job.subject)

    @contextmanager
    def fetched(self, job: Job, image: dict[str, Any]) -> Iterator[Path]:
        """The bytes of the image that the work is lent, in a file for as long as that lasts."""
        with self.scratch(job) as path:
            with _room_for_images(), path.open("wb") as file:
                for piece in self.transfers.download(job.ctx, job.id):
                    check()
                    file.write(piece)
            if image["size"] is not None and path.stat().st_size != image["size"]:
                raise Unavailable(reason="The image came shorter than it is.")
            yield path

    def written(self, job: Job, disk: Disk, path: Path, disk_format: str, size: int) -> None:
        """The disk's bytes, in the file, as an image of that format."""
        with _room_for_images():
            copying.to_image(disk, path, disk_format, size, progress=lambda done: check(),
                             timeout=self.settings.transfer_timeout)

    @contextmanager
    def scratch(self, job: Job) -> Iterator[Path]:
        """A file of the work's own, for as long as that lasts. What a death left of it is written
        over."""
        folder = Path(self.settings.folder)
        with _room_for_images():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = below(folder, uuid_of(job.id, "work"))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _room_for_images() -> Iterator[None]:
    """Not the backend is full where this fails for room, but where images are on their way."""
    try:
        yield
    except NoRoom as full:
        raise NoScratch(cause=str(full)) from full
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoScratch(cause=str(error)) from error


def forget_transfers(settings: VolumeSettings) -> None:
    """What works of an earlier life had fetched is nobody's: those that go on fetch it again, and
    those that ended meanwhile do not come back for it."""
    for path in Path(settings.folder).glob("*"):
        path.unlink(missing_ok=True)


def cipher_of(record: VolumeRecord) -> Cipher:
    """How the volume's container is encrypted."""
    return Cipher.of(record["cipher"], record["key_size"])


def snapshot_thing(record: SnapshotRecord) -> SnapshotThing:
    """The snapshot as its driver knows it."""
    return SnapshotThing(record["id"], thing(record["volume"]), record["size"],
                         record["provider"])
