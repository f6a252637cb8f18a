"""Volumes that move: to another pool, or to another type."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import (
    attachments,
    events,
    keys,
    quotas,
    records,
    services,
    types,
    volumes,
    works,
)
from cairn.cinder.core.flows import migrate as migrate_flow
from cairn.cinder.core.flows import remove_leftover
from cairn.cinder.core.flows import retype as retype_flow
from cairn.cinder.db.models import (
    Attachment,
    EncryptionKey,
    QosSpecs,
    Snapshot,
    Volume,
    VolumeType,
    Work,
)
from cairn.cinder.errors import InvalidInput, InvalidVolume
from cairn.cinder.rpc import VOLUME, VolumeRecord, backend_of, runner_of
from cairn.common import ledger
from cairn.common.context import Context
from cairn.common.events import unchanged

# Kinds of works that move volumes.
MOVES = (migrate_flow.ACTION.kind, retype_flow.ACTION.kind)


def migrate(cinder: Cinder, ctx: Context, volume_id: str, asked: str) -> None:
    """Begin to move a volume to a pool, host@backend#pool, or to a backend. Raises VolumeNotFound,
    InvalidVolume, InvalidInput."""

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        _check_movable(session, row)
        host = _pool(session, cinder, asked)
        if host == row.host:
            raise InvalidInput(reason="Invalid input for field/attribute host. Destination host "
                                      "must be different than the current host.")
        if row.status == "in-use":
            _check_one_guest(session, row)
            row.migration_status = "starting"
        else:
            works.take(session, "volume", row, migrate_flow.ACTION)
            row.migration_status = "starting"
        session.flush()
        events.record(session, ctx, "volume.migrate.start", row)
        return works.add(session, ctx, migrate_flow.ACTION, row, {"host": host})

    cinder.ring(ctx, cinder.db.write(begin))


def _pool(session: Session, cinder: Cinder, host: str) -> str:
    """The pool that is meant; of a backend with several, that with the most room. Raises
    InvalidInput, also for one of a backend that takes no volumes now."""
    field = "Invalid input for field/attribute host."
    backends = {service.host: service for service in services.of_binary(session, services.VOLUME)}
    backend = backends.get(backend_of(host))
    pools = backend.report.get("pools", []) if backend is not None else []
    if backend is not None and (why := services.trouble(backend, cinder.service)):
        raise InvalidInput(reason=f"{field} {backend.host} takes no volumes now: it {why}.")
    if "#" in host and backend is not None:
        return host
    if pools:
        roomiest = max(pools, key=lambda pool: float(pool["free_capacity_gb"]))
        return f"{host}#{roomiest['name']}"
    raise InvalidInput(reason=f"{field} {host:.255}: there is no such host@backend#pool.")


def _check_movable(session: Session, row: Volume) -> None:
    snapshots = session.scalar(
        select(Snapshot.id).where(Snapshot.volume_id == row.id).limit(1))
    if (row.status not in ("available", "in-use") or volumes.is_migrating(row)
            or snapshots is not None or row.group_id is not None):
        raise InvalidVolume(reason=(
            "Volume status must be available or in-use, must not be migrating, have snapshots, be "
            f"replicated, be part of a group. {_why_not(row, snapshots)}"))


def _why_not(row: Volume, snapshots: Any) -> str:
    if volumes.is_migrating(row):
        return "It is migrating."
    if snapshots is not None:
        return "It has snapshots: delete them first."
    if row.group_id is not None and row.status in ("available", "in-use"):
        return f"It is in group {row.group_id}: remove it from that first."
    return f"It is {row.status}."


def _check_one_guest(session: Session, row: Volume) -> None:
    if (reason := tied(session, row)) is not None:
        raise InvalidVolume(reason=reason)


def tied(session: Session, row: Volume) -> str | None:
    """Why a volume in use can not move; None where its guest can take it along."""
    guests = session.scalars(
        select(Attachment.instance_id).where(Attachment.volume_id == row.id)).all()
    if len(guests) != 1:
        return ("A volume in use moves with the one server that uses it; this has "
                f"{len(guests)} attachments.")
    return None if guests[0] is not None else (
        "A volume in use moves with the server that uses it; this is used by none of Nova's.")


def retype(cinder: Cinder, ctx: Context, volume_id: str, name: str, policy: str) -> None:
    """Begin to give a volume another type. Raises VolumeNotFound, TypeNotFound, InvalidVolume,
    InvalidInput, OverLimit."""
    with cinder.db.reading() as session:
        project = volumes.find(session, ctx, volume_id).project_id
    unified = quotas.of_keystone(cinder, ctx, project)

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        if (row.status not in ("available", "in-use") or volumes.is_migrating(row)
                or row.group_id is not None):
            raise InvalidVolume(reason=(
                f"Retype needs volume to be in available or in-use state, not be part of an active "
                f"migration or a group. It is {row.status}."))
        new = types.find(session, ctx, name)
        if new.id == row.type_id:
            raise InvalidInput(reason="New volume type same as original: "
                                      f"{new.name}.")
        in_use = row.status == "in-use"
        _check_types(session, row, new, in_use)
        # A volume of the type more: the project's own sums stay.
        quotas.claim(session, cinder, row.project_id, {
            f"volumes_{new.name}": 1, f"gigabytes_{new.name}": row.size}, unified=unified)
        old = row.type_id
        works.take(session, "volume", row, retype_flow.ACTION,
                   retype_flow.ACTION.entries[1 if in_use else 0])
        events.record(session, ctx, "volume.retype.start", row)
        return works.add(session, ctx, retype_flow.ACTION, row, {
            "type_id": new.id, "old_type_id": old, "policy": policy,
            "multiattach": types.is_multiattach(new), "old_multiattach": row.multiattach})

    cinder.ring(ctx, cinder.db.write(begin))


def _check_types(session: Session, row: Volume, new: VolumeType, in_use: bool) -> None:
    """Raises InvalidInput for what a volume in use can not change."""
    if not in_use:
        return
    if changes_encryption(session, row.type_id, new.id):
        raise InvalidInput(reason="The encryption of a volume in use can not change: detach it "
                                  "first.")
    old = session.scalar(select(VolumeType).where(VolumeType.id == row.type_id))
    if _for_guests(session, old) != _for_guests(session, new):
        raise InvalidInput(reason="The front-end QoS specs of a volume in use can not change: "
                                  "detach it first.")
    if types.is_multiattach(new) != row.multiattach:
        raise InvalidInput(reason="Multiattach of a volume in use can not change: detach it first.")


def _for_guests(session: Session, type_: VolumeType | None) -> Any:
    if type_ is None or type_.qos_specs_id is None:
        return None
    specs = session.scalar(select(QosSpecs).where(QosSpecs.id == type_.qos_specs_id))
    return specs.specs if specs is not None and specs.consumer != "back-end" else None


def changes_encryption(session: Session, old: str | None, new: str | None) -> bool:
    """Whether volumes of the two types hold something else for the same payload."""
    def said(type_id: str | None) -> dict[str, Any] | None:
        told = session.scalar(select(VolumeType.encryption).where(VolumeType.id == type_id))
        return {name: told.get(name) for name in ("provider", "cipher", "key_size")} \
            if told else None

    return said(old) != said(new)


# --- What the scheduler does of it -------------------------------------------------------------


def target_of(session: Session, row: Any) -> Volume | None:
    """The volume that this one is moving to."""
    return session.scalar(
        select(Volume).where(Volume.migration_status == f"{volumes.TARGET}{row.id}"))


def make_target(
    session: Session, cinder: Cinder, row: Volume, host: str, type_id: str | None,
    multiattach: bool,
) -> Volume:
    """A volume in that pool, which is nobody's own and counts for nobody: what the other will
    be."""
    key = row.encryption_key_id
    if changes_encryption(session, row.type_id, type_id):
        said = session.scalar(select(VolumeType.encryption).where(VolumeType.id == type_id))
        key = keys.keep(session, cinder, None) if said else None
    target = Volume(
        project_id=row.project_id, user_id=row.user_id, name=row.name, description=row.description,
        status="creating", size=row.size, type_id=type_id, host=host, encryption_key_id=key,
        availability_zone=services.zone_of(session, host) or row.availability_zone,
        migration_status=f"{volumes.TARGET}{row.id}", multiattach=multiattach,
        bootable=row.bootable)
    session.add(target)
    session.flush()
    return target


def forget_target(session: Session, row: Any) -> None:
    """It is not moving there any more."""
    target = target_of(session, row) if row is not None else None
    if target is None:
        return
    if target.encryption_key_id not in (None, row.encryption_key_id):
        session.execute(delete(EncryptionKey).where(
            EncryptionKey.id == target.encryption_key_id))
    session.delete(target)


def switch(
    session: Session, ctx: Context, row: Any, target: Volume, provider: dict[str, Any],
    export: str | None = None,
) -> str:
    """The volume is what the target was, and its guest has it there; a work removes what it was,
    with its exports: those of attachments, and `export`. Whom to ring."""
    leftover = records.of_volume(session, row)
    old_key, new_key = row.encryption_key_id, target.encryption_key_id
    left = list(attachments.of_volume(session, row.id))
    exports = [attachment.id for attachment in left] + ([export] if export else [])
    for attachment in left:
        session.delete(attachment)
    row.host, row.name_id, row.provider = target.host, target.name_id or target.id, provider
    row.availability_zone, row.multiattach = target.availability_zone, target.multiattach
    row.type_id, row.encryption_key_id, row.migration_status = target.type_id, new_key, "success"
    for attachment in attachments.of_volume(session, target.id):
        attachment.volume_id = row.id
        attachment.connection_info = attachment.connection_info and {
            **attachment.connection_info, "volume_id": row.id}
    session.flush()
    session.delete(target)
    session.flush()
    attachments.settle(session, row.id)
    session.expire(row)
    return _leave(session, ctx, row, leftover, exports, old_key if old_key != new_key else None)


def _leave(
    session: Session, ctx: Context, row: Any, leftover: VolumeRecord, exports: list[str],
    key: str | None,
) -> str:
    """A work removes what is nobody's any more; whom to ring."""
    runner = runner_of(VOLUME, leftover["host"])
    ledger.add(session, ctx, Work, kind=remove_leftover.ACTION.kind, subject=row.id, runner=runner,
               args={"leftover": leftover, "resource": "volume", "resource_id": row.id,
                     "exports": exports, "old_key": key})
    return runner


def switch_back(
    session: Session, row: Any, old: VolumeRecord, target: VolumeRecord, work_id: str
) -> None:
    """The volume is where it was; nothing is removed, for that waits for this work's end."""
    if row is None or row.name_id != target["name"]:
        return
    waiting = session.scalars(
        select(Work).where(Work.subject == row.id, Work.kind == remove_leftover.ACTION.kind,
                           Work.state.in_(ledger.OPEN))).all()
    for work in waiting:
        if work.args["leftover"]["name"] == old["name"]:
            if row.encryption_key_id != (work.args["old_key"] or row.encryption_key_id):
                session.execute(delete(EncryptionKey).where(
                    EncryptionKey.id == row.encryption_key_id))
                row.encryption_key_id = work.args["old_key"]
            session.delete(work)
    row.host, row.provider = old["host"], old["provider"]
    row.availability_zone = services.zone_of(session, old["host"]) or row.availability_zone
    row.name_id = old["name"] if old["name"] != old["id"] else None


def complete(
    cinder: Cinder, ctx: Context, volume_id: str, target_id: str, *, failed: bool
) -> str:
    """Nova moved the guest, or could not; the id that the volume has. Raises VolumeNotFound,
    InvalidVolume."""

    def end(session: Session) -> list[str]:
        row = volumes.locked(session, ctx, volume_id)
        target = volumes.find_any(session, target_id)
        if target is None or target.migration_status != f"{volumes.TARGET}{row.id}":
            # Said again after it was done.
            if target is None and (row.name_id == target_id or failed):
                unchanged()
                return []
            raise InvalidVolume(reason=f"Volume {target_id} is not what {row.id} migrates to.")
        used = bool(attachments.of_volume(session, target.id))
        if used == failed:
            raise InvalidVolume(reason=(
                f"A server copies volume {row.id} to {target.id}: its migration ends when that "
                "does." if failed else f"No server has gone on to volume {target.id}."))
        waiting = ledger.wake(session, Work, row.id, MOVES)
        if not failed:
            runner = switch(session, ctx, row, target, target.provider)
            events.record(session, ctx, "volume.update", row)
            return [runner, *waiting]
        leftover = records.of_volume(session, target)
        forget_target(session, row)
        row.migration_status = "error"
        session.flush()
        events.record(session, ctx, "volume.update", row)
        # Who waits for it removes it.
        return waiting or [_leave(session, ctx, row, leftover, [], None)]

    for runner in cinder.db.write(end):
        cinder.ring(ctx, runner)
    return volume_id

