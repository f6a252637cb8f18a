"""Volumes that grow."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, group_members, quotas, volumes, works
from cairn.cinder.core.flows import extend as flow
from cairn.cinder.db.models import Volume, VolumeType
from cairn.cinder.errors import InvalidInput, InvalidVolume
from cairn.common.context import Context

ATTACHED_SINCE = (3, 42)


def extend(cinder: Cinder, ctx: Context, volume_id: str, size: int) -> None:
    """Begin to make it larger. Raises VolumeNotFound, InvalidVolume, InvalidInput, OverLimit."""
    with cinder.db.reading() as session:
        project = volumes.find(session, ctx, volume_id).project_id
    unified = quotas.of_keystone(cinder, ctx, project)

    def begin(session: Session) -> str:
        row = volumes.locked(session, ctx, volume_id)
        attached = row.status == "in-use"
        allowed = flow.ACTION.entries[1 if attached else 0]
        if row.status not in (allowed.states or ()) or volumes.is_migrating(row):
            raise InvalidVolume(reason=f"Volume {row.id} status must be available to extend, or "
                                       f"in-use since 3.42; currently {row.status}.")
        if attached:
            if ctx.version < ATTACHED_SINCE:
                raise InvalidVolume(reason=f"Volume {row.id} is in-use: it can be extended since "
                                           "microversion 3.42.")
            cinder.policy.enforce(ctx, "volume:extend_attached_volume",
                                  {"project_id": row.project_id})
        if session.scalar(select(Volume.id).where(
                Volume.id == row.id, group_members.is_snapshotted())) is not None:
            raise InvalidVolume(reason=f"A snapshot of volume {row.id}'s group is being taken: "
                                       "try again when that is over.")
        if size <= row.size:
            raise InvalidInput(reason=(
                f"New size for extend must be greater than current size. (current: {row.size}, "
                f"extended: {size})."))
        type_name = session.scalar(select(VolumeType.name).where(VolumeType.id == row.type_id))
        quotas.check_size(session, cinder, row.project_id, size, unified)
        quotas.claim(session, cinder, row.project_id, {"gigabytes": size - row.size},
                     type_name=type_name, unified=unified)
        works.take(session, "volume", row, flow.ACTION, allowed)
        old, row.size = row.size, size
        session.flush()
        events.record(session, ctx, "volume.resize.start", row)
        return works.add(session, ctx, flow.ACTION, row, {"old_size": old, "size": size})

    cinder.ring(ctx, cinder.db.write(begin))


def refuse_completion(cinder: Cinder, ctx: Context, volume_id: str) -> None:
    """No backend leaves growing to a server's host. Raises VolumeNotFound, InvalidVolume."""
    with cinder.db.reading() as session:
        row = volumes.find(session, ctx, volume_id)
    raise InvalidVolume(reason=f"Volume {row.id} is {row.status}, and no extension of it waits to "
                               "be completed.")
