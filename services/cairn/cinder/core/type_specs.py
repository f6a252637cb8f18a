"""Extra specs of volume types: where their volumes may be, and what drivers do with them."""

from typing import Any

from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.core.type_changes import record
from cairn.cinder.core.type_lists import shown_specs
from cairn.cinder.db.models import VolumeType
from cairn.cinder.errors import SpecNotFound, SpecsInUse
from cairn.common.context import Context


def read(cinder: Cinder, ctx: Context, type_id: str) -> dict[str, Any]:
    """Those that the caller may see. Raises TypeNotFound."""
    with cinder.db.reading() as session:
        return shown_specs(cinder, ctx, types.one(session, ctx, type_id).extra_specs)


def put(
    cinder: Cinder, ctx: Context, type_id: str, specs: dict[str, str], event: str
) -> None:
    """Add or replace some. Raises TypeNotFound, SpecsInUse."""

    def change(session: Session) -> None:
        row = _hold(session, ctx, type_id)
        row.extra_specs = {**row.extra_specs, **specs}
        record(session, ctx, event, row, type_id=row.id, specs=specs)

    cinder.db.write(change)


def drop(cinder: Cinder, ctx: Context, type_id: str, key: str) -> None:
    """Raises TypeNotFound, SpecNotFound, SpecsInUse."""

    def change(session: Session) -> None:
        row = types.one(session, ctx, type_id, held=True)
        if key not in row.extra_specs:
            raise SpecNotFound(key, f"Volume Type {row.id}")
        _check(session, row)
        row.extra_specs = {name: value for name, value in row.extra_specs.items() if name != key}
        record(session, ctx, "volume_type_extra_specs.delete", row, type_id=row.id, id=key)

    cinder.db.write(change)


def _hold(session: Session, ctx: Context, type_id: str) -> VolumeType:
    row = types.one(session, ctx, type_id, held=True)
    _check(session, row)
    return row


def _check(session: Session, row: VolumeType) -> None:
    if types.in_use(session, row.id):
        raise SpecsInUse(what="Volume Type is currently in use")
