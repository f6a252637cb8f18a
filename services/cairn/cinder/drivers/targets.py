"""Exports by iSCSI: what a target is told, and which program of this host serves it."""

import json
import secrets
import string
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from cairn.cinder.drivers.base import BackendFailed
from cairn.cinder.drivers.files import PART, publish, withdraw
from cairn.common.bounds import below, uuid_of

PORT = 3260
PREFIX = "iqn.2010-10.org.openstack"
LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Export:
    """A device, for one attachment of one volume: a target of its own, with a secret of its own, so
    that the one ends without the others."""

    volume: str
    attachment: str
    device: str
    user: str
    secret: str = field(repr=False)
    read_only: bool = False

    @property
    def iqn(self) -> str:
        return iqn(self.volume, self.attachment)


def iqn(volume: str, attachment: str) -> str:
    return f"{PREFIX}:{volume}.{attachment}"


def new_secret() -> str:
    """Of letters and digits: it goes through URLs and protocols as it is."""
    return "".join(secrets.choice(LETTERS) for _ in range(32))


class Targets(Protocol):
    """What serves exports, until the host's next boot. Every method may be repeated."""

    # The number of the only unit of a target.
    lun: int
    # Whether what guests discard is given back to the pool.
    discards: bool

    def check(self) -> None:
        """Raises BackendFailed unless it can serve."""
        ...

    def serve(self, export: Export) -> None: ...

    def end(self, iqn: str) -> None:
        """Whoever has it open loses it; who asks again is refused."""
        ...

    def served(self) -> set[str]:
        """The targets there are, also those of others."""
        ...

    def grown(self, export: Export) -> None:
        """The device is larger than it was: who asks for its size is told the new one."""
        ...


class Records:
    """The exports there shall be, on disk: they outlive boots; only root reads their secrets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[Export]:
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                if path.suffix != PART and (export := self._read(path)):
                    yield export

    def get(self, volume: str, attachment: str) -> Export | None:
        return self._read(self._path(volume, attachment))

    def of(self, volume: str) -> list[Export]:
        return [export for export in self if export.volume == volume]

    def put(self, export: Export) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish(self._path(export.volume, export.attachment), json.dumps(asdict(export)))

    def drop(self, volume: str, attachment: str) -> None:
        path = self._path(volume, attachment)
        if self.folder.is_dir():
            path.with_name(path.name + PART).unlink(missing_ok=True)
            withdraw(path)

    def _path(self, volume: str, attachment: str) -> Path:
        ids = uuid_of(volume, "volume"), uuid_of(attachment, "attachment")
        return below(self.folder, "@".join(ids))

    def _read(self, path: Path) -> Export | None:
        try:
            return Export(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise BackendFailed(reason=f"{path} is no record of an export") from error


def choose(portal: str) -> Targets:
    """The kernel's targets where it has them, else those of tgtd. Raises BackendFailed."""
    from cairn.cinder.drivers import target_lio, target_tgt

    if target_lio.there():
        return target_lio.Lio(portal)
    if target_tgt.there():
        return target_tgt.Tgt(portal)
    raise BackendFailed(
        reason="nothing serves iSCSI on this host: its kernel has no iscsi_target_mod loaded, and "
        "tgtd does not run")
