"""What a backend of volumes must be able to do.

A driver is made in cinder-volume, on a storage host: it knows files, pools and targets, no database
and no other service. Every method may be repeated (whoever called it may have died), and makes
the thing whole or not at all: what half happened is finished or taken away by the next call of the
same method, or by the one that undoes it. What is not there is not missed by a deletion.

Failures of the backend itself are BackendFailed, with a sentence for an administrator; what the
backend can not do is NotSupported; both are errors that name the backend, never what a guest holds.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from cairn.common.errors import Problem

GIB = 1024**3
# What QEMU's LUKS header takes before the payload, with the longest of keys (aes-256-xts).
LUKS_HEADER = 2068480
# Before its id, what a volume or snapshot that was unmanaged is called.
UNMANAGED = "unmanaged-"


class BackendFailed(Problem):
    code = 500
    message = "The storage backend failed: {reason}"


class NotSupported(Problem):
    code = 400
    message = "The storage backend can not do this: {reason}"


class NoRoom(BackendFailed):
    message = "The storage backend is full: {reason}"


class NoSuchReference(Problem):
    """What shall be managed is not there, or can not be."""

    code = 400
    message = "Manage existing volume failed due to invalid backend reference: {reason}"


@dataclass(frozen=True)
class Volume:
    """A volume as its backend knows it."""

    # Names the thing in the backend. After a migration it is not the volume's own id.
    id: str
    size: int  # GiB
    # What the driver itself said of it when it was made (JSON), and nobody else reads.
    provider: Mapping[str, Any] = field(default_factory=dict)
    # Whether it holds a LUKS container: its header takes room beside the payload's.
    encrypted: bool = False
    # The type's extra specs, as far as they are this driver's.
    specs: Mapping[str, str] = field(default_factory=dict)


def room(volume: Volume) -> int:
    """Bytes that a volume takes in its backend: what is promised, and a container's header."""
    return volume.size * GIB + (LUKS_HEADER if volume.encrypted else 0)


@dataclass(frozen=True)
class Snapshot:
    id: str
    volume: Volume
    # GiB: the volume's, when it was taken.
    size: int
    provider: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Disk:
    """What QEMU's tools open: `qemu-img ... --image-opts`, a blockdev of a daemon.

    `options` are a blockdev's, nested ({"driver": "rbd", "pool": ...}); the outermost says the
    format. `secrets` are objects that they name: {id: content}; so are `peers`, what another host
    is shown: {id: folder of certificates}. Whoever opens it sees the payload as the guest sees it;
    of an encrypted volume that is the LUKS container itself.
    """

    options: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pool:
    """A pool's figures, in GiB, under the names of the scheduler stats API."""

    name: str
    total_capacity_gb: float
    free_capacity_gb: float
    # What is promised to volumes, thin or not.
    provisioned_capacity_gb: float
    allocated_capacity_gb: float = 0.0
    reserved_percentage: int = 0
    max_over_subscription_ratio: float = 20.0
    thin_provisioning_support: bool = True
    thick_provisioning_support: bool = False
    multiattach: bool = True
    # Where the backend copies on write from: volumes of one location clone for nothing.
    location_info: str = ""
    total_volumes: int = 0
    QoS_support: bool = True
    # Whether create_snapshots() takes those of volumes in use.
    consistent_group_snapshot_enabled: bool = False
    # Further capabilities, which volume types may ask for.
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manageable:
    """A thing in the backend that could be a volume or a snapshot of ours."""

    reference: Mapping[str, str]
    size: int
    safe_to_manage: bool
    reason_not_safe: str | None = None
    # The volume or snapshot that it is already.
    cinder_id: str | None = None
    extra_info: str | None = None
    # Of a snapshot: its volume.
    source_reference: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Leftover:
    """What somebody who died was making, and nobody finished: nothing of it is anybody's data."""

    name: str
    # Of the volume or snapshot that it is about; empty where it does not say.
    id: str = ""
    # Seconds; None where the backend does not say.
    age: float | None = None


@dataclass(frozen=True)
class Connector:
    """Who asks for an export: nova's connector, as far as backends look at it."""

    host: str
    ip: str = ""
    initiator: str = ""
    multipath: bool = False
    read_only: bool = False


@dataclass(frozen=True)
class Host:
    """The storage host that a driver is made on, as far as drivers look at it."""

    name: str = "localhost"
    # Where other hosts reach its exports; empty: only guests of the same host do.
    export_address: str = ""
    max_over_subscription_ratio: float = 20.0
    reserved_percentage: int = 0
    # Folder of the daemon's sockets that exports files (docs/operate/volumes-as-files.md).
    exports: str = "/run/cairn-exports"
    # Folder of its certificates: ca-cert.pem, server-cert.pem and server-key.pem.
    export_tls: str = "/etc/cairn/tls/exports"


class Make(Protocol):
    """What makes a driver: its class, found by loading.load(kind)."""

    def __call__(self, name: str, where: str, host: Host) -> "Driver":
        """NAME:KIND:WHERE of the settings. Touches nothing yet: check() says whether it works."""
        ...


class Driver(Protocol):
    """One backend. Answers of `dict` are the thing's new `provider`, kept by the caller."""

    # As in settings and in host@backend.
    name: str
    # "iSCSI", "ceph", "nbd", "local": as in the scheduler stats.
    storage_protocol: str
    vendor_name: str
    driver_version: str

    def check(self) -> None:
        """Raises BackendFailed unless it can be used now. Asked at the start and at intervals."""
        ...

    def pools(self) -> list[Pool]: ...

    def create(self, volume: Volume) -> dict[str, Any]:
        """An empty volume that reads as zeros."""
        ...

    def clone(self, volume: Volume, source: Volume) -> dict[str, Any]:
        """A volume with what the other holds now (of one in use: what a power cut would leave), not
        smaller than it."""
        ...

    def clone_snapshot(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]: ...

    def clone_image(self, volume: Volume, locations: list[str]) -> dict[str, Any] | None:
        """A volume with an image's content, in constant time, if one of the image's locations (its
        urls in Glance) is where this backend can do that. None when not: the image is copied."""
        ...

    def delete(self, volume: Volume) -> None:
        """What others were cloned from may have to stay, out of sight, until they are gone."""
        ...

    def extend(self, volume: Volume, size: int) -> dict[str, Any]:
        """In use or not; a second call with the same size does nothing. `size` in GiB."""
        ...

    def create_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        """In use or not, at one moment."""
        ...

    def create_snapshots(self, snapshots: list[Snapshot]) -> list[dict[str, Any]]:
        """Of several volumes at one moment. Raises NotSupported when it can not be one moment."""
        ...

    def delete_snapshot(self, snapshot: Snapshot) -> None: ...

    def revert(self, volume: Volume, snapshot: Snapshot) -> dict[str, Any]:
        """The volume, which nobody uses, holds what the snapshot holds; its size stays its own."""
        ...

    def export(self, volume: Volume, attachment_id: str, connector: Connector) -> dict[str, Any]:
        """{"driver_volume_type", "data"}: how the connector's host opens it (ADR 0022). An export
        is of one attachment; a second call gives the same answer."""
        ...

    def unexport(self, volume: Volume, attachment_id: str) -> None:
        """Nobody opens it under that attachment any more."""
        ...

    def exports(self) -> set[tuple[str, str]]:
        """(volume id, attachment id) of all there are, for those that nobody has any more. A
        backend that any host may open notes who was told to."""
        ...

    def opened(
        self, thing: Volume | Snapshot, *, write: bool = False
    ) -> AbstractContextManager[Disk]:
        """The thing, openable by QEMU's tools on this host for as long as that lasts. Raises
        NotSupported for writing to what is in use."""
        ...

    def rename(self, volume: Volume, id_: str) -> dict[str, Any] | None:
        """The thing under another id, or None where it keeps its name: the caller remembers."""
        ...

    def manageable_volumes(self) -> Iterator[Manageable]: ...

    def manageable_snapshots(self) -> Iterator[Manageable]: ...

    def manage(self, volume: Volume, reference: Mapping[str, str]) -> dict[str, Any]:
        """Something that is there ({"source-name": ...}) becomes the volume. Raises
        NoSuchReference. A second call finds it done."""
        ...

    def manage_size(self, reference: Mapping[str, str]) -> int:
        """GiB of what `manage` would take, rounded up. Raises NoSuchReference."""
        ...

    def manage_snapshot(
        self, snapshot: Snapshot, reference: Mapping[str, str]
    ) -> dict[str, Any]: ...

    def unmanage(self, volume: Volume) -> None:
        """It stays where it is, and is manageable again."""
        ...

    def unmanage_snapshot(self, snapshot: Snapshot) -> None: ...

    def stray(self, volumes: set[str], snapshots: set[str]) -> Iterator[tuple[str, str]]:
        """("volume" or "snapshot", id): what is in the backend under an id of ours and not among
        those, as an audit looks for. What clones still need is not among them."""
        ...

    def leftovers(self) -> Iterator[Leftover]:
        """What is being made now, and what of that nobody is making any more."""
        ...

    def remove_leftover(self, name: str) -> None:
        """It is gone, or was; never what has a volume's or a snapshot's own name."""
        ...
