"""Volume types: which there are for whom, and which one a volume gets."""

from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.db.models import DefaultType, Volume, VolumeType, VolumeTypeAccess
from cairn.cinder.errors import InvalidInput, TypeNotFound
from cairn.common.context import Context


def visible(ctx: Context) -> Any:
    """The condition for types that the caller may know of."""
    if ctx.is_admin:
        return VolumeType.id.is_not(None)
    return usable(ctx)


def usable(ctx: Context) -> Any:
    """The condition for types that the caller's project may use."""
    return or_(VolumeType.is_public.is_(True), exists().where(
        VolumeTypeAccess.type_id == VolumeType.id,
        VolumeTypeAccess.project_id == ctx.project))


def find(session: Session, ctx: Context, name: str) -> VolumeType:
    """The type of that id or name, if the caller may know of it. Raises TypeNotFound."""
    for column in (VolumeType.id, VolumeType.name):
        row = session.scalar(select(VolumeType).where(column == name, visible(ctx)))
        if row is not None:
            return row
    raise TypeNotFound(name)


def one(session: Session, ctx: Context, type_id: str, *, held: bool = False) -> VolumeType:
    """The type of that id, if the caller may know of it; `held`: nobody else changes it in this
    transaction. Raises TypeNotFound."""
    query = select(VolumeType).where(VolumeType.id == type_id, visible(ctx))
    row = session.scalar(query.with_for_update() if held else query)
    if row is None:
        raise TypeNotFound(type_id)
    return row


def in_use(session: Session, type_id: str) -> bool:
    """Whether there are volumes of the type."""
    return session.scalar(
        select(Volume.id).where(Volume.type_id == type_id).limit(1)) is not None


def default(session: Session, cinder: Cinder, project_id: str) -> VolumeType:
    """The type of a volume of the project's that names none; the cloud's own is made when it is
    not there. Raises TypeNotFound for one that an operator named and did not make."""
    row = session.scalar(
        select(VolumeType).join(DefaultType, DefaultType.type_id == VolumeType.id)
        .where(DefaultType.project_id == project_id))
    if row is None:
        row = session.scalar(select(VolumeType).where(VolumeType.name == cinder.api.default_type))
    if row is not None:
        return row
    if cinder.api.default_type != "__DEFAULT__":
        raise TypeNotFound(cinder.api.default_type)
    made = VolumeType(name="__DEFAULT__", description="Default Volume Type")
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # Another made it just now.
        return find_named(session, made.name)
    return made


def find_named(session: Session, name: str) -> VolumeType:
    """The type of that name, whoever may know of it. Raises TypeNotFound."""
    row = session.scalar(select(VolumeType).where(VolumeType.name == name))
    if row is None:
        raise TypeNotFound(name)
    return row


def choose(
    session: Session, cinder: Cinder, ctx: Context, name: str | None, parent: Volume | None,
    image: dict[str, Any] | None,
) -> VolumeType:
    """The type asked for, else that of what the volume is made from, the image's
    cinder_img_volume_type, the project's default, the cloud's. It stays as it is until this
    transaction ends."""
    chosen = _chosen(session, cinder, ctx, name, parent, image)
    if session.scalar(select(VolumeType.id).where(VolumeType.id == chosen.id)
                      .with_for_update(read=True)) is None:
        raise TypeNotFound(chosen.id)
    return chosen


def _chosen(
    session: Session, cinder: Cinder, ctx: Context, name: str | None, parent: Volume | None,
    image: dict[str, Any] | None,
) -> VolumeType:
    if name is not None:
        return find(session, ctx, name)
    if parent is not None and parent.type_id is not None:
        kept = session.scalar(select(VolumeType).where(VolumeType.id == parent.type_id))
        if kept is not None:
            return kept
    if image is not None and image.get("cinder_img_volume_type"):
        try:
            return find(session, ctx, image["cinder_img_volume_type"])
        except TypeNotFound as unknown:
            raise InvalidInput(reason=f"The image's cinder_img_volume_type: {unknown}") from unknown
    return default(session, cinder, ctx.project)


def is_multiattach(type_: VolumeType) -> bool:
    """Whether volumes of the type may be used by several servers at once."""
    return str(type_.extra_specs.get("multiattach", "")).lower() == "<is> true"
