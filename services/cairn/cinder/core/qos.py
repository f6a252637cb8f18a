"""What guests, or backends, hold disks of some types to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import types
from cairn.cinder.core.pages import page
from cairn.cinder.db.models import Event, QosSpecs, VolumeType
from cairn.cinder.errors import QosExists, QosInUse, QosKeyNotFound, QosNotFound
from cairn.common.context import Context
from cairn.common.errors import Invalid
from cairn.common.listing import Part, Query

Q: Any = QosSpecs.__table__.c
SORTABLE = {"id": Q.id, "name": Q.name, "consumer": Q.consumer, "created_at": Q.created_at,
            "updated_at": Q.updated_at}


def index(cinder: Cinder, query: Query) -> Part:
    """The page that is asked for. Raises Invalid, NotFound for the marker."""
    with cinder.db.reading() as session:
        return page(session, QosSpecs, query, SORTABLE, most=cinder.api.max_limit)


def show(cinder: Cinder, qos_id: str) -> QosSpecs:
    """Raises QosNotFound."""
    with cinder.db.reading() as session:
        return _one(session, qos_id)


def create(
    cinder: Cinder, ctx: Context, name: str, consumer: str, specs: dict[str, str]
) -> QosSpecs:
    """Raises QosExists."""

    def add(session: Session) -> QosSpecs:
        row = QosSpecs(name=name, consumer=consumer, specs=specs)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            raise QosExists(name=name) from None
        _record(session, ctx, "create", row)
        return row

    return cinder.db.write(add)


def put(
    cinder: Cinder, ctx: Context, qos_id: str, consumer: str | None, specs: dict[str, str]
) -> None:
    """Add or replace some. Raises QosNotFound."""

    def change(session: Session) -> None:
        row = _one(session, qos_id, held=True)
        row.specs = {**row.specs, **specs}
        row.consumer = consumer or row.consumer
        _record(session, ctx, "update", row)

    cinder.db.write(change)


def drop_keys(cinder: Cinder, ctx: Context, qos_id: str, keys: list[str]) -> None:
    """Raises QosNotFound, QosKeyNotFound."""

    def change(session: Session) -> None:
        row = _one(session, qos_id, held=True)
        for key in keys:
            if key not in row.specs:
                raise QosKeyNotFound(key, row.id)
        row.specs = {key: value for key, value in row.specs.items() if key not in keys}
        _record(session, ctx, "delete_keys", row)

    cinder.db.write(change)


def remove(cinder: Cinder, ctx: Context, qos_id: str, *, force: bool) -> None:
    """With `force` also from its types. Raises QosNotFound, QosInUse."""

    def forget(session: Session) -> None:
        row = _one(session, qos_id, held=True)
        if not force and _types(session, row.id):
            raise QosInUse(id=row.id)
        _part(session, row.id)
        _record(session, ctx, "delete", row)
        session.delete(row)

    cinder.db.write(forget)


def associations(cinder: Cinder, qos_id: str) -> Sequence[Any]:
    """Its types: rows of id and name. Raises QosNotFound."""
    with cinder.db.reading() as session:
        return _types(session, _one(session, qos_id).id)


def associate(cinder: Cinder, ctx: Context, qos_id: str, type_id: str) -> None:
    """Raises QosNotFound, TypeNotFound, Invalid for a type that has others."""

    def change(session: Session) -> None:
        row = _one(session, qos_id, held=True)
        type_ = types.one(session, ctx, type_id, held=True)
        if type_.qos_specs_id not in (None, row.id):
            raise Invalid(reason=f"Invalid volume type: Type {type_.id} is already associated "
                                 f"with another qos specs: {type_.qos_specs_id}.")
        type_.qos_specs_id = row.id
        _record(session, ctx, "associate", row, type_.id)

    cinder.db.write(change)


def disassociate(cinder: Cinder, ctx: Context, qos_id: str, type_id: str | None) -> None:
    """From that type, or (None) from all. Raises QosNotFound, TypeNotFound."""

    def change(session: Session) -> None:
        row = _one(session, qos_id)
        if type_id is not None:
            types.one(session, ctx, type_id)
        _part(session, row.id, type_id)
        _record(session, ctx, "disassociate", row, type_id)

    cinder.db.write(change)


def _one(session: Session, qos_id: str, *, held: bool = False) -> QosSpecs:
    query = select(QosSpecs).where(QosSpecs.id == qos_id)
    row = session.scalar(query.with_for_update() if held else query)
    if row is None:
        raise QosNotFound(qos_id)
    return row


def _types(session: Session, qos_id: str) -> Sequence[Any]:
    return session.execute(
        select(VolumeType.id, VolumeType.name).where(VolumeType.qos_specs_id == qos_id)
        .order_by(VolumeType.number)).all()


def _part(session: Session, qos_id: str, type_id: str | None = None) -> None:
    query = update(VolumeType).where(VolumeType.qos_specs_id == qos_id)
    if type_id is not None:
        query = query.where(VolumeType.id == type_id)
    session.execute(query.values(qos_specs_id=None))


def _record(
    session: Session, ctx: Context, verb: str, row: QosSpecs, type_id: str | None = None
) -> None:
    Event.record(session, ctx, f"qos_specs.{verb}", "qos_specs", row.id, {
        "id": row.id, "name": row.name, "consumer": row.consumer, "specs": dict(row.specs),
        "type_id": type_id}, project_id="")
