"""Offers to give a volume to another project: who shows the key may take it."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cairn.cinder.component import Cinder
from cairn.cinder.core import events, filters, quotas, volumes
from cairn.cinder.core.filters import equal, moment
from cairn.cinder.db.models import Snapshot, Transfer, Volume, VolumeType
from cairn.cinder.errors import InvalidVolume, TransferNotFound, WrongKey
from cairn.common import listing
from cairn.common.context import Context
from cairn.common.db import changed
from cairn.common.errors import NotFound
from cairn.common.listing import Part, Query

OFFERED = "awaiting-transfer"
ENCRYPTED_SINCE = (3, 70)
X: Any = Transfer.__table__.c
SORTABLE = {"created_at": X.created_at, "updated_at": X.updated_at, "id": X.id, "name": X.name,
            "display_name": X.name, "volume_id": X.volume_id, "number": X.number}
FILTERS = {"name": equal(X.name), "display_name": equal(X.name), "id": equal(X.id),
           "volume_id": equal(X.volume_id), "created_at": moment("created_at", X.created_at)}


@dataclass(frozen=True)
class Offered:
    """A new offer, and the key that is told once."""

    row: Any
    key: str


def create(
    cinder: Cinder, ctx: Context, volume_id: str, name: str | None, *, no_snapshots: bool
) -> Offered:
    """Offer a volume that nobody uses. Raises VolumeNotFound, InvalidVolume."""
    key = secrets.token_hex(16)

    def offer(session: Session) -> Transfer:
        volume = volumes.locked(session, ctx, volume_id)
        _check(session, ctx, volume, no_snapshots)
        taken = changed(session.execute(
            update(Volume).where(Volume.id == volume.id, Volume.status == "available")
            .values(status=OFFERED)))
        if not taken:
            raise InvalidVolume(reason=f"Volume {volume.id} status must be available, it is "
                                       f"{volume.status}.")
        salt = secrets.token_hex(16)
        row = Transfer(project_id=volume.project_id, volume_id=volume.id, name=name, salt=salt,
                       auth_hash=_hash(salt, key), no_snapshots=no_snapshots)
        session.add(row)
        session.flush()
        session.refresh(volume)
        events.record(session, ctx, "volume.transfer.create.end", volume)
        return row

    return Offered(cinder.db.write(offer), key)


def _check(session: Session, ctx: Context, volume: Volume, no_snapshots: bool) -> None:
    if volume.encryption_key_id is not None and ctx.version < ENCRYPTED_SINCE:
        raise InvalidVolume(reason="transferring encrypted volume is not supported before "
                                   "microversion 3.70")
    if volume.group_id is not None:
        raise InvalidVolume(reason=f"Volume {volume.id} belongs to a group: take it out first.")
    if volumes.is_migrating(volume):
        raise InvalidVolume(reason=f"Volume {volume.id} is migrating.")
    if no_snapshots:
        return
    for snapshot in session.scalars(select(Snapshot).where(Snapshot.volume_id == volume.id)):
        if snapshot.status != "available" or snapshot.group_snapshot_id is not None:
            raise InvalidVolume(reason=f"Snapshot {snapshot.id} of the volume must be available "
                                       f"and of no group, it is {snapshot.status}.")


def _hash(salt: str, key: str) -> str:
    return hmac.new(salt.encode(), key.encode(), hashlib.sha256).hexdigest()


def find(session: Session, ctx: Context, transfer_id: str) -> Transfer:
    """An offer of the caller's that nobody took yet. Raises TransferNotFound."""
    query = select(Transfer).where(Transfer.id == transfer_id, Transfer.accepted.is_(False))
    if not ctx.is_admin:
        query = query.where(Transfer.project_id == ctx.project)
    row = session.scalar(query)
    if row is None:
        raise TransferNotFound(transfer_id)
    return row


def show(cinder: Cinder, ctx: Context, transfer_id: str) -> Transfer:
    """Raises TransferNotFound."""
    with cinder.db.reading() as session:
        return find(session, ctx, transfer_id)


def page(cinder: Cinder, ctx: Context, query: Query) -> Part:
    """The caller's open offers. Raises Invalid, NotFound for the marker."""
    asked = listing.read_page(query, SORTABLE, default_sort=(("created_at", "desc"),),
                              most=cinder.api.max_limit)
    keys = listing.order_keys(asked, SORTABLE, unique="number")
    scope = [X.accepted.is_(False)]
    if not filters.everybody(ctx, query):
        scope.append(X.project_id == ctx.project)
    rows = select(*X).where(*scope, *filters.conditions(ctx, query, FILTERS))
    with cinder.db.reading() as session:
        after = None
        if asked.marker is not None:
            after = listing.find_marker(session, keys, X.id == asked.marker, *scope)
            if after is None:
                raise NotFound("Transfer", asked.marker)
        return listing.fetch(session, rows.offset(filters.offset(query) or None), keys, asked,
                             after)


def delete(cinder: Cinder, ctx: Context, transfer_id: str) -> None:
    """Take an offer back. Raises TransferNotFound."""

    def withdraw(session: Session) -> None:
        row = find(session, ctx, transfer_id)
        volume_id = row.volume_id
        gone = session.execute(delete_rows(Transfer).where(
            Transfer.id == transfer_id, Transfer.accepted.is_(False)))
        if not changed(gone):
            raise TransferNotFound(transfer_id)
        session.execute(update(Volume).where(Volume.id == volume_id, Volume.status == OFFERED)
                        .values(status="available"))
        volume = session.scalar(select(Volume).where(Volume.id == volume_id))
        if volume is not None:
            events.record(session, ctx, "volume.transfer.delete.end", volume)

    cinder.db.write(withdraw)


def accept(cinder: Cinder, ctx: Context, transfer_id: str, key: str) -> Transfer:
    """The volume is the caller's project's, with its snapshots. Raises TransferNotFound, WrongKey,
    OverLimit."""
    unified = quotas.of_keystone(cinder, ctx, ctx.project)

    def take(session: Session) -> Transfer:
        # Whoever has the key may: it is nobody else's to see.
        row = session.scalar(select(Transfer).where(
            Transfer.id == transfer_id, Transfer.accepted.is_(False)).with_for_update())
        if row is None:
            raise TransferNotFound(transfer_id)
        if not hmac.compare_digest(_hash(row.salt, key), row.auth_hash):
            raise WrongKey(id=transfer_id)
        volume = session.scalar(
            select(Volume).where(Volume.id == row.volume_id).with_for_update())
        if volume is None or volume.status != OFFERED:
            raise InvalidVolume(reason=f"Volume {row.volume_id} is not awaiting its transfer.")
        mine = [] if row.no_snapshots else list(session.scalars(
            select(Snapshot).where(Snapshot.volume_id == volume.id)))
        _claim(session, cinder, ctx, volume, mine, unified)
        volume.project_id, volume.user_id = ctx.project, ctx.user_id
        for snapshot in mine:
            snapshot.project_id, snapshot.user_id = ctx.project, ctx.user_id
        volume.status = "available"
        row.accepted, row.destination_project_id = True, ctx.project
        session.flush()
        events.record(session, ctx, "volume.transfer.accept.end", volume)
        return row

    return cinder.db.write(take)


def _claim(
    session: Session, cinder: Cinder, ctx: Context, volume: Volume, snapshots: list[Snapshot],
    unified: dict[str, int],
) -> None:
    """Raises OverLimit where the taker has no room for it."""
    more = {"volumes": 1, "gigabytes": volume.size}
    if snapshots:
        more["snapshots"] = len(snapshots)
        if not cinder.quota.no_snapshot_gb:
            more["gigabytes"] += sum(snapshot.size for snapshot in snapshots)
    type_name = session.scalar(select(VolumeType.name).where(VolumeType.id == volume.type_id))
    quotas.check_size(session, cinder, ctx.project, volume.size, unified)
    quotas.claim(session, cinder, ctx.project, more, type_name=type_name, unified=unified)
