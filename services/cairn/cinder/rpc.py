"""The messages cinder's processes accept: one class per receiver.

Records travel as JSON documents; the TypedDicts here say what is in them. Every message that
changes something may be repeated.
"""

from typing import Any, TypedDict

from cairn.common.context import Context
from cairn.common.remote import LedgerStub
from cairn.common.rpc import Stub

# Rooms that do steps of works. The scheduler's is also its name as a runner of works.
SCHEDULER, VOLUME, BACKUP = "scheduler", "volume", "backup"


def runner_of(room: str, host: str) -> str:
    """The name of a storage host's process as a runner of works; `host` may name a backend and a
    pool as well."""
    return f"{room}.{host.partition('@')[0]}"


def host_of(host: str) -> str:
    """The storage host of host@backend#pool."""
    return host.partition("@")[0]


def backend_of(host: str) -> str:
    """host@backend of host@backend#pool."""
    return host.partition("#")[0]


class VolumeRecord(TypedDict):
    """A volume as drivers.base.Volume has it, and where it is."""

    id: str  # The volume's own.
    name: str  # What it is called in its backend: its own id, or another's after a migration.
    size: int  # GiB
    host: str  # host@backend#pool
    provider: dict[str, Any]
    encrypted: bool
    # Of its type's encryption.
    cipher: str | None
    key_size: int | None
    specs: dict[str, str]


class SnapshotRecord(TypedDict):
    id: str
    size: int
    provider: dict[str, Any]
    volume: VolumeRecord


class BackupRecord(TypedDict):
    """A backup as its target knows it."""

    id: str  # Under which it is kept: its own, unless its record was imported under another.
    container: str | None
    target: str  # Which target that is, as it says itself; empty where that is not known.


class Loan(TypedDict):
    """What a host needs for one job with one image: its address, and a token for no other."""

    image_id: str
    url: str  # .../v2/images/<id>; the bytes are at /file below it.
    token: str


class BackendReport(TypedDict):
    """What a backend is and has; `pools` as drivers.base.Pool."""

    name: str  # host@backend
    zone: str
    pools: list[dict[str, Any]]
    capabilities: dict[str, Any]
    # Why it can not be used now; empty when it can.
    trouble: str


class Held(TypedDict):
    """A volume or snapshot as its backend has it."""

    size: int | None  # GiB, rounded up; None where the backend does not say.
    volume: str  # Of a snapshot what its volume is called; empty where it does not say.


class Inventory(TypedDict):
    """What a backend has under ids of ours."""

    volumes: dict[str, Held]
    snapshots: dict[str, Held]
    # [volume's id, attachment's id]
    exports: list[list[str]]
    # As drivers.base.Leftover.
    leftovers: list[dict[str, Any]]


class Storeroom(TypedDict):
    """What a storage host keeps beside its backends."""

    # Ids of backups, and whether each came to its end.
    backups: dict[str, bool]
    # Ids of works, and the age in seconds of what they have written for a moment.
    scratch: dict[str, float]


class Scheduler(LedgerStub):
    """The process that has the database, for those that have not; and what chooses backends."""

    topic = "cinder.scheduler"
    from_hosts = {
        "ring": "", "report_service": "service_host", "report_backend": "service_host",
        "attachments_of": "service_host",
        # Of volumes on the host's backends.
        "passphrase": "", "lend_image": "",
        # Of works that are the host's to do.
        "work_take": "", "work_change": "", "work_renew": "",
    }

    def ring(self, ctx: Context) -> None:
        """There may be work for the scheduler. A doorbell."""
        self.cast(ctx, "ring")

    def report_service(
        self, ctx: Context, *, binary: str, service_host: str, zone: str,
        report: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """`binary` on that host just had a message come back through its own queue and thread. Of
        cinder-backup `report` says where it keeps backups: {"target": identity, "driver",
        "trouble": why it can not be used, empty when it can}.

        Answers {"interval": seconds until the next report}.
        """
        return self.call(  # type: ignore[no-any-return]
            ctx, "report_service", binary=binary, service_host=service_host, zone=zone,
            report=report,
        )

    def report_backend(
        self, ctx: Context, *, service_host: str, report: BackendReport
    ) -> dict[str, Any]:
        """What one backend of the host is now, and that it works."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "report_backend", service_host=service_host, report=report
        )

    def attachments_of(self, ctx: Context, *, service_host: str) -> list[dict[str, Any]]:
        """Who may use volumes of the host's backends: [{"id", "volume": VolumeRecord,
        "connector"}]. An export of none of these is nobody's."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "attachments_of", service_host=service_host
        )

    def passphrase(self, ctx: Context, *, volume_id: str) -> str:
        """What opens an encrypted volume. Raises Remote 404 where there is none, and for a host
        also when the volume is not on it and no work of it is its own."""
        return self.call(ctx, "passphrase", volume_id=volume_id)  # type: ignore[no-any-return]

    def lend_image(self, ctx: Context, *, work_id: str, purpose: str) -> Loan:
        """For the host whose work that is: "read", the image that a volume is made from; "fill",
        the one that is made of it. Raises Remote 404 when there is none."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "lend_image", work_id=work_id, purpose=purpose, timeout=30
        )


class Volume(Stub):
    """One storage host's process. Works reach it by its scheduler; these are for now or never."""

    topic = "cinder.volume"

    def ring(self, ctx: Context, *, host: str) -> None:
        """There may be work for the host. A doorbell."""
        self.cast(ctx, "ring", host=host)

    def export(
        self, ctx: Context, *, host: str, volume: VolumeRecord, attachment_id: str,
        connector: dict[str, Any], timeout: float,
    ) -> dict[str, Any]:
        """The driver's {"driver_volume_type", "data"} for that attachment."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "export", host=host, volume=volume, attachment_id=attachment_id,
            connector=connector, timeout=timeout,
        )

    def unexport(
        self, ctx: Context, *, host: str, volume: VolumeRecord, attachment_id: str, timeout: float
    ) -> None:
        """Nobody uses it under that attachment any more."""
        self.call(ctx, "unexport", host=host, volume=volume, attachment_id=attachment_id,
                  timeout=timeout)

    def log_levels(
        self, ctx: Context, *, host: str, prefix: str, binary: str = "cinder-volume"
    ) -> dict[str, str]:
        """How much the loggers of `binary` below `prefix` write, by name."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "log_levels", host=host, prefix=prefix, binary=binary)

    def set_log_level(
        self, ctx: Context, *, host: str, level: str, prefix: str, binary: str = "cinder-volume"
    ) -> None:
        """From now on those loggers write what is of that level or graver."""
        self.call(ctx, "set_log_level", host=host, level=level, prefix=prefix, binary=binary)

    def inventory(self, ctx: Context, *, host: str, backend: str) -> Inventory:
        """What there is in one of the host's backends. Changes nothing."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "inventory", host=host, backend=backend, timeout=120
        )

    def storeroom(self, ctx: Context, *, host: str) -> Storeroom:
        """What the host keeps beside its backends. Changes nothing."""
        return self.call(ctx, "storeroom", host=host, timeout=120)  # type: ignore[no-any-return]

    def remove(
        self, ctx: Context, *, host: str, kind: str, backend: str, volume: VolumeRecord | None,
        name: str,
    ) -> None:
        """Remove what is nobody's: a "volume" or "snapshot" by id (`volume`: its own, or the
        snapshot's), a "leftover" by name, a "backup", what a work left as "scratch". What is in
        use stays, and is an error."""
        self.call(ctx, "remove", host=host, kind=kind, backend=backend, volume=volume, name=name,
                  timeout=300)

    def unmanage(
        self, ctx: Context, *, host: str, kind: str, backend: str, volume: VolumeRecord, name: str
    ) -> None:
        """Of what is nobody's: a "volume" or "snapshot" stays where it is, and can be managed."""
        self.call(ctx, "unmanage", host=host, kind=kind, backend=backend, volume=volume, name=name,
                  timeout=60)

    def manageable(
        self, ctx: Context, *, host: str, backend: str, kind: str
    ) -> list[dict[str, Any]]:
        """What could be managed, as drivers.base.Manageable; `kind` is volume or snapshot."""
        return self.call(  # type: ignore[no-any-return]
            ctx, "manageable", host=host, backend=backend, kind=kind, timeout=60
        )
