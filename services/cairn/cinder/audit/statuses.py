"""Statuses in which something waits for what does not come."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.audit.finding import Finding, Mending, about
from cairn.cinder.audit.look import Look
from cairn.cinder.component import Cinder
from cairn.cinder.core import attachments, migrations, volumes, works
from cairn.cinder.core.attachments import ATTACHED, FREE, STATUSES
from cairn.cinder.core.flows import actions
from cairn.cinder.core.transfers import OFFERED
from cairn.cinder.db.models import Volume, Work
from cairn.common import ledger
from cairn.common.context import Context

# What the declared actions make of a status while they last, and what they do beside.
TASKS = {entry.task for action in actions().values() for entry in action.entries if entry.task} | {
    "restoring-backup", "restoring", "updating"}
# Where nothing says what was before.
AFTER = {"creating": "error", "deleting": "error_deleting", "unmanaging": "error",
         "managing": "error_managing", "restoring-backup": "error_restoring"}
MIGRATING = ("starting", "migrating", "completing")


def check(look: Look) -> Iterator[Finding]:
    """Things that a work's end would have freed, and volumes that are not as used as they say."""
    for resource, rows in look.rows.things.items():
        for row in rows.values():
            if row.status in TASKS and _waits(look, resource, row):
                yield _stuck(resource, row, look)
    for volume in look.rows.volumes.values():
        yield from _used(look, volume)
        yield from _migrating(look, volume)


def _waits(look: Look, resource: str, row: Any) -> bool:
    """Whether nobody will end it. An administrator may have said `maintenance` by hand; groups
    end with their last volume."""
    if row.status == "maintenance" and row.previous_status is None:
        return False
    if resource == "group":
        return look.settled(row) and not any(
            volume.group_id == row.id and volume.id in look.rows.moving
            for volume in look.rows.volumes.values())
    return True


def _stuck(resource: str, row: Any, look: Look) -> Finding:
    status = AFTER.get(row.status) or row.previous_status or "error"
    own = about(row.id, getattr(row, "volume_id", None), getattr(row, "group_id", None),
                getattr(row, "group_snapshot_id", None), getattr(row, "snapshot_id", None)
                if resource == "backup" else None)
    return Finding(f"stuck-{resource.replace('_', '-')}", row.id, f"it becomes {status}",
                   f"{row.status}, and no work is open for it", about=own).mended(
                       _free(resource, row.id, row.status, status))


def _free(resource: str, id_: str, stuck: str, status: str) -> Mending:
    def free(session: Session) -> None:
        model = works.MODELS[resource]
        row = session.scalar(select(model).where(model.id == id_).with_for_update())
        subject = getattr(row, "volume_id", None) or getattr(row, "group_id", None) or id_
        busy = session.scalar(select(Work.seq).where(
            Work.subject.in_((id_, subject)), Work.state.in_(ledger.OPEN)).limit(1))
        if row is None or row.status != stuck or busy is not None:
            return
        works.release(session, resource, id_, status)
        session.flush()
        if resource == "volume":
            attachments.settle(session, id_)

    def mend(cinder: Cinder, ctx: Context) -> None:
        cinder.db.write(free)

    return mend


def _used(look: Look, volume: Any) -> Iterator[Finding]:
    """What a volume says of its use follows from its attachments."""
    rows = look.rows.users.get(volume.id, [])
    if not look.settled(volume) or not all(look.settled(row) for row in rows):
        return
    own = about(volume.id, *(row.id for row in rows), *(row.instance_id for row in rows))
    if volume.status == OFFERED and volume.id not in look.rows.offered:
        yield Finding("status", volume.id, "it becomes available", f"{OFFERED}, and no transfer "
                      "is open", about=own).mended(_settle(volume.id, OFFERED))
        return
    states = {row.status for row in rows}
    status = next((STATUSES[each] for each in STATUSES if each in states), "available")
    attached = "attached" if ATTACHED in states else "detached"
    says = volume.status if volume.status in FREE else status
    if (says, volume.attach_status) != (status, attached):
        told = Finding(
            "status", volume.id, f"it becomes {status if says != status else volume.status}, "
            f"{attached}", f"{volume.status}, {volume.attach_status}; "
            f"{len(rows)} attachments{': ' + ', '.join(sorted(states)) if states else ''}",
            "", look.tell_holders(volume.id), own)
        # What a guest has is not said to be free.
        free = status != "available" or look.unheld(volume.id)
        yield told.mended(_settle(volume.id, volume.status)) if free else told


def _settle(volume_id: str, status: str) -> Mending:
    def settle(session: Session) -> None:
        row = attachments.hold(session, volume_id)
        if row.status != status:
            return
        if row.status == OFFERED:
            row.status = "available"
            session.flush()
        attachments.settle(session, volume_id)

    def mend(cinder: Cinder, ctx: Context) -> None:
        cinder.db.write(settle)

    return mend


def _migrating(look: Look, volume: Any) -> Iterator[Finding]:
    target = next((row for row in look.rows.volumes.values()
                   if row.migration_status == f"{volumes.TARGET}{volume.id}"), None)
    stuck = volume.migration_status in MIGRATING
    if target is None and not stuck:
        return
    users = [row for each in (volume, target) if each is not None
             for row in look.rows.users.get(each.id, [])]
    if not look.settled(volume):
        return
    own = about(volume.id, target.id if target else None, *(row.instance_id for row in users))
    free = target is None or (target.id not in look.rows.users and look.unheld(target.id))
    told = Finding(
        "stuck-migration", volume.id,
        "the migration ends in error; what was made of it is removed" if free else
        "wait for the server, or end it: cinder's os-migrate_volume_completion",
        f"migration {volume.migration_status}, target {target.id if target else 'none'}; no work "
        "is open for it", "", look.tell_holders(volume.id), own)
    yield told.mended(_end_migration(volume.id, target.id if target else None)) if free else told


def _end_migration(volume_id: str, target_id: str | None) -> Mending:
    def mend(cinder: Cinder, ctx: Context) -> None:
        if target_id is not None:
            migrations.complete(cinder, ctx, volume_id, target_id, failed=True)
            return
        with cinder.db.writing() as session:
            session.execute(
                update(Volume).where(Volume.id == volume_id,
                                     Volume.migration_status.in_(MIGRATING))
                .values(migration_status="error"))

    return mend
