"""What is in a backend and nobody's becomes a volume or a snapshot, and back."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, quotas, services, snapshots, types, volumes, works
from cairn.cinder.core.flows import manage as manage_flow
from cairn.cinder.core.flows import manage_snapshot as manage_snapshot_flow
from cairn.cinder.core.flows import unmanage as unmanage_flow
from cairn.cinder.core.flows import unmanage_snapshot as unmanage_snapshot_flow
from cairn.cinder.db.models import Snapshot, Volume
from cairn.cinder.errors import BackendDown, InvalidInput, InvalidSnapshot, InvalidVolume
from cairn.cinder.rpc import backend_of
from cairn.common.context import Context


@dataclass(frozen=True)
class Order:
    """A volume that is there already."""

    host: str
    ref: dict[str, str]
    name: str | None = None
    description: str | None = None
    type: str | None = None
    zone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    bootable: bool = False


def manage(cinder: Cinder, ctx: Context, order: Order) -> str:
    """Begin to make a volume of it; its id. Raises InvalidInput, BackendDown, OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def begin(session: Session) -> tuple[str, str]:
        service = service_of(session, order.host)
        if not services.up(service, cinder.service):
            raise BackendDown
        type_ = types.choose(session, cinder, ctx, order.type, None, None)
        if type_.encryption is not None:
            raise InvalidInput(reason="Invalid input for field/attribute volume_type. What is "
                                      "managed has no key: an encrypted type is not for it.")
        quotas.claim(session, cinder, ctx.project, {"volumes": 1}, type_name=type_.name,
                     unified=unified)
        pool = order.host if "#" in order.host else \
            f"{order.host}#{(service.report.get('pools') or [{}])[0].get('name', '')}"
        row = Volume(
            project_id=ctx.project, user_id=ctx.user_id, name=order.name,
            description=order.description, status="managing", size=0, host=pool,
            availability_zone=order.zone or service.zone, type_id=type_.id, meta=order.metadata,
            bootable=order.bootable, multiattach=types.is_multiattach(type_))
        session.add(row)
        session.flush()
        events.record(session, ctx, "volume.manage.start", row)
        return row.id, works.add(session, ctx, manage_flow.ACTION, row, {"ref": order.ref})

    id_, runner = cinder.db.write(begin)
    cinder.ring(ctx, runner)
    return id_


def service_of(session: Session, host: str) -> Any:
    """The row of the backend that host@backend[#pool] is. Raises InvalidInput."""
    for service in services.of_binary(session, services.VOLUME):
        if service.host == backend_of(host):
            return service
    raise InvalidInput(reason=f"Invalid input for field/attribute host. {host:.255}: there is no "
                              "such backend.")


def unmanage(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """Begin to leave a volume to itself. Raises VolumeNotFound, InvalidVolume."""

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        if row.encryption_key_id is not None:
            raise InvalidVolume(reason="An encrypted volume can not be unmanaged: its key would be "
                                       "lost.")
        if (volumes.is_migrating(row) or row.group_id is not None
                or session.scalar(select(exists().where(Snapshot.volume_id == row.id)))
                or not works.claim(session, "volume", row.id, unmanage_flow.ACTION)):
            raise InvalidVolume(reason=(
                "Volume status must be available or error and it must not be migrating, attached, "
                f"belong to a group, or have snapshots. It is {row.status}."))
        session.refresh(row)
        events.record(session, ctx, "volume.unmanage.start", row)
        return works.add(session, ctx, unmanage_flow.ACTION, row)

    cinder.ring(ctx, cinder.db.write(begin))


def manage_snapshot(
    cinder: Cinder, ctx: Context, order: snapshots.Order, ref: dict[str, str]
) -> str:
    """Begin to make a snapshot of something that its volume's backend has; its id. Raises
    VolumeNotFound, InvalidVolume, OverLimit."""
    with cinder.db.reading() as session:
        project = volumes.find(session, ctx, order.volume_id).project_id
    unified = quotas.of_keystone(cinder, ctx, project)

    def begin(session: Session) -> tuple[str, str]:
        volume = volumes.locked(session, ctx, order.volume_id)
        if volume.host is None or volumes.is_migrating(volume):
            raise InvalidVolume(reason=f"Volume {volume.id} is {volume.status}, on no backend of "
                                       "its own.")
        row = snapshots.add(session, cinder, ctx, volume, order, unified,
                            told="snapshot.manage.start")
        return row.id, works.add(session, ctx, manage_snapshot_flow.ACTION, volume, {"ref": ref},
                                 resource="snapshot", id_=row.id)

    id_, runner = cinder.db.write(begin)
    cinder.ring(ctx, runner)
    return id_


def unmanage_snapshot(cinder: Cinder, ctx: Context, snapshot_id: str) -> None:
    """Begin to leave a snapshot to itself. Raises SnapshotNotFound, InvalidSnapshot."""

    def begin(session: Session) -> str:
        row = snapshots.locked(session, ctx, snapshot_id)
        if row.group_snapshot_id is not None or not works.claim(
                session, "snapshot", row.id, unmanage_snapshot_flow.ACTION):
            raise InvalidSnapshot(reason="Snapshot's status must be available or error, and it "
                                         f"must not belong to a group snapshot. It is "
                                         f"{row.status}.")
        session.refresh(row)
        events.record_snapshot(session, ctx, "snapshot.unmanage.start", row)
        volume = session.scalar(select(Volume).where(Volume.id == row.volume_id))
        return works.add(session, ctx, unmanage_snapshot_flow.ACTION, volume,
                         resource="snapshot", id_=row.id)

    cinder.ring(ctx, cinder.db.write(begin))


def manageable(cinder: Cinder, ctx: Context, host: str, kind: str) -> list[dict[str, Any]]:
    """What a backend has that could be managed, and what is. Raises InvalidInput, BackendDown."""
    with cinder.db.reading() as session:
        service = service_of(session, host)
        if not services.up(service, cinder.service):
            raise BackendDown
    backend = backend_of(host)
    return cinder.volume.manageable(ctx, host=backend.partition("@")[0], backend=backend, kind=kind)
