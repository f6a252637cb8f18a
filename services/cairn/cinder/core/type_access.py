"""Which projects may use a volume type that is not public."""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.core.type_changes import record
from cairn.cinder.db.models import VolumeType, VolumeTypeAccess
from cairn.cinder.errors import AccessExists, AccessNotFound
from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import Invalid, NotFound


def projects(cinder: Cinder, ctx: Context, type_id: str) -> list[str]:
    """Raises TypeNotFound, NotFound for a public type."""
    with cinder.db.reading() as session:
        if types.one(session, ctx, type_id).is_public:
            raise NotFound("Access list of public volume type", type_id)
        return list(session.scalars(
            select(VolumeTypeAccess.project_id).where(VolumeTypeAccess.type_id == type_id)
            .order_by(VolumeTypeAccess.project_id)))


def grant(cinder: Cinder, ctx: Context, type_id: str, project_id: str) -> None:
    """Raises TypeNotFound, AccessExists, Invalid for a public type."""

    def add(session: Session) -> None:
        row = _private(session, ctx, type_id)
        try:
            with session.begin_nested():
                session.add(VolumeTypeAccess(type_id=row.id, project_id=project_id))
        except IntegrityError:
            raise AccessExists(type=row.id, project=project_id) from None
        record(session, ctx, "volume_type_project.access.add", row, project_id=project_id)

    cinder.db.write(add)


def revoke(cinder: Cinder, ctx: Context, type_id: str, project_id: str) -> None:
    """Volumes that there are stay. Raises TypeNotFound, AccessNotFound, Invalid for a public
    type."""

    def take(session: Session) -> None:
        row = _private(session, ctx, type_id)
        gone = session.execute(delete(VolumeTypeAccess).where(
            VolumeTypeAccess.type_id == row.id, VolumeTypeAccess.project_id == project_id))
        if not changed(gone):
            raise AccessNotFound(project_id, row.id)
        record(session, ctx, "volume_type_project.access.remove", row, project_id=project_id)

    cinder.db.write(take)


def _private(session: Session, ctx: Context, type_id: str) -> VolumeType:
    row = types.one(session, ctx, type_id, held=True)
    if row.is_public:
        raise Invalid(reason="Invalid volume type: Type access modification is not applicable to "
                             "public volume type.")
    return row
