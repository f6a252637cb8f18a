"""Keys of encrypted volumes."""

from collections.abc import Iterator

from sqlalchemy import delete, select

from cairn.cinder.audit.finding import ORPHAN, Finding, Mending, about
from cairn.cinder.audit.look import Look
from cairn.cinder.component import Cinder
from cairn.cinder.db.models import Backup, EncryptionKey, Snapshot, Volume
from cairn.common.context import Context

OWNERS = (Volume, Snapshot, Backup)


def check(look: Look) -> Iterator[Finding]:
    """Keys that nothing has, and things whose key is gone."""
    used = {}
    for resource in ("volume", "snapshot", "backup"):
        for row in look.rows.things[resource].values():
            if row.encryption_key_id is not None:
                used[row.encryption_key_id] = row.id
                if row.encryption_key_id not in look.rows.keys:
                    yield Finding("missing-key", row.id, "restore the row from a backup of the "
                                  "database: nobody can read it without", f"{resource} "
                                  f"{row.status}; no key {row.encryption_key_id}",
                                  about=about(row.id, row.encryption_key_id))
    for id_ in look.rows.keys.keys() - used.keys():
        # What it would open may be an orphan, or in a backup of the database.
        yield Finding("orphan-key", id_, "with --delete-orphans it is forgotten",
                      "nothing is encrypted with it", about=about(id_)).mended(
                          _forget(id_), ORPHAN)


def _forget(key_id: str) -> Mending:
    def mend(cinder: Cinder, ctx: Context) -> None:
        unused = [EncryptionKey.id.not_in(select(owner.encryption_key_id).where(
            owner.encryption_key_id.is_not(None))) for owner in OWNERS]
        with cinder.db.writing() as session:
            session.execute(delete(EncryptionKey).where(EncryptionKey.id == key_id, *unused))

    return mend
