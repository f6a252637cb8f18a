"""Volume types come, change and go."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import quotas, types
from cairn.cinder.db.models import (
    DefaultType,
    Event,
    Group,
    Quota,
    Snapshot,
    VolumeType,
    VolumeTypeAccess,
)
from cairn.cinder.errors import DefaultTypeStays, TypeExists, TypeInUse
from cairn.common.context import Context


def record(session: Session, ctx: Context, type_: str, row: VolumeType, **more: Any) -> None:
    """Tell, in the transaction that changes the type."""
    Event.record(session, ctx, type_, "volume_type", row.id, {
        "volume_types": {"id": row.id, "name": row.name, "description": row.description,
                         "is_public": row.is_public, "extra_specs": dict(row.extra_specs),
                         "qos_specs_id": row.qos_specs_id}, **more}, project_id="")


def create(cinder: Cinder, ctx: Context, values: dict[str, Any]) -> VolumeType:
    """`values` are columns. Raises TypeExists."""

    def add(session: Session) -> VolumeType:
        row = VolumeType()
        _put(session, row, values)
        record(session, ctx, "volume_type.create", row)
        return row

    return cinder.db.write(add)


def change(cinder: Cinder, ctx: Context, type_id: str, values: dict[str, Any]) -> VolumeType:
    """`values` are columns; limits that have the type's name follow it. Raises TypeNotFound,
    TypeExists."""

    def put(session: Session) -> VolumeType:
        row = types.one(session, ctx, type_id, held=True)
        before = row.name
        _put(session, row, values)
        if row.name != before:
            for what in quotas.BY_TYPE:
                _forget_limits(session, f"{what}_{row.name}")
                session.execute(update(Quota).where(Quota.resource == f"{what}_{before}")
                                .values(resource=f"{what}_{row.name}"))
        record(session, ctx, "volume_type.update", row)
        return row

    return cinder.db.write(put)


def remove(cinder: Cinder, ctx: Context, type_id: str) -> None:
    """Its limits and who may use it go with it. Raises TypeNotFound, TypeInUse,
    DefaultTypeStays."""

    def forget(session: Session) -> None:
        row = types.one(session, ctx, type_id, held=True)
        if _is_used(session, row.id):
            raise TypeInUse
        if row.name == cinder.api.default_type:
            raise DefaultTypeStays(id=row.id, reason="It is the cloud's.")
        project = session.scalar(
            select(DefaultType.project_id).where(DefaultType.type_id == row.id).limit(1))
        if project is not None:
            raise DefaultTypeStays(
                id=row.id, reason=f"It is project {project}'s: unset that default first.")
        for what in quotas.BY_TYPE:
            _forget_limits(session, f"{what}_{row.name}")
        session.execute(delete(VolumeTypeAccess).where(VolumeTypeAccess.type_id == row.id))
        record(session, ctx, "volume_type.delete", row)
        session.delete(row)

    cinder.db.write(forget)


def _put(session: Session, row: VolumeType, values: dict[str, Any]) -> None:
    """Raises TypeExists where its name is another's."""
    try:
        with session.begin_nested():
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
    except IntegrityError:
        raise TypeExists(id=values["name"]) from None


def _forget_limits(session: Session, resource: str) -> None:
    session.execute(delete(Quota).where(Quota.resource == resource))


def _is_used(session: Session, type_id: str) -> bool:
    if types.in_use(session, type_id):
        return True
    if session.scalar(select(Snapshot.id).where(Snapshot.type_id == type_id).limit(1)):
        return True
    return any(type_id in allowed for allowed in session.scalars(select(Group.volume_type_ids)))
