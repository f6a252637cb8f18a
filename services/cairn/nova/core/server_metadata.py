"""Metadata of servers: changed under a lock of the row, so that of two writers neither is lost."""

from collections.abc import Callable, Mapping

import sqlalchemy
from sqlalchemy.orm import Session

from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import quotas, servers
from cairn.nova.db.models import Server
from cairn.nova.errors import LimitReached, MetadataNotFound

Metadata = dict[str, str]


def update(nova: Nova, ctx: Context, server_id: str, items: Mapping[str, str]) -> Metadata:
    """Add or replace items; all that the server has then. Raises ServerNotFound, ServerLocked,
    ServerBusy, LimitReached."""
    return _change(nova, ctx, server_id, lambda metadata: {**metadata, **items})


def replace(nova: Nova, ctx: Context, server_id: str, items: Mapping[str, str]) -> Metadata:
    """Let it have these items and no others. Raises what `update` does."""
    return _change(nova, ctx, server_id, lambda metadata: dict(items))


def remove(nova: Nova, ctx: Context, server_id: str, key: str) -> None:
    """Raises MetadataNotFound, and what `update` does."""

    def without(metadata: Metadata) -> Metadata:
        if key not in metadata:
            raise MetadataNotFound(key)
        return {name: value for name, value in metadata.items() if name != key}

    _change(nova, ctx, server_id, without)


def _change(
    nova: Nova, ctx: Context, server_id: str, change: Callable[[Metadata], Metadata]
) -> Metadata:
    def write(session: Session) -> Metadata:
        row = servers.hold(session, ctx, server_id)
        servers.check_unlocked(ctx, row)
        servers.check_settled(row, "update_instance_metadata")
        metadata = change(row.meta)
        allowed = quotas.allowed(
            session, row.project_id, ctx.user_id, nova.quota)["metadata_items"]
        if 0 <= allowed < len(metadata):
            raise LimitReached(what="metadata items", limit=allowed)
        session.execute(
            sqlalchemy.update(Server).where(Server.id == row.id).values(meta=metadata))
        servers.record_update(session, ctx, row)
        return metadata

    return nova.db.write(write)
