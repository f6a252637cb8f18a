"""Backups of servers: images, of which so many are kept."""

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.nova.component import Nova
from cairn.nova.core import snapshots
from cairn.nova.core.flows import create_backup
from cairn.nova.errors import BackupRefused


def ask(nova: Nova, ctx: Context, server_id: str, request: Document) -> str:
    """Make the image, and let it be filled; its id. The request is the API's createBackup. Raises
    BackupRefused for a server that boots from a volume, and as snapshots.check and
    snapshots.begin."""
    properties = request.get("metadata") or {}
    row = snapshots.check(nova, ctx, server_id, create_backup.ACTION, properties)
    if row.image_id is None:
        raise BackupRefused
    kind, args = request["backup_type"], {
        "backup_type": request["backup_type"], "rotation": int(request["rotation"])}
    own = {"image_type": "backup", "backup_type": kind}
    return snapshots.begin(nova, ctx, row, create_backup.ACTION, request["name"], properties, own,
                           lambda session: args).image_id
