"""Backups, and what is kept of them."""

from collections.abc import Iterator
from typing import Any

from cairn.cinder.audit.contents import removal
from cairn.cinder.audit.finding import ORPHAN, Finding, about
from cairn.cinder.audit.look import Look
from cairn.cinder.core import backup_places


def check(look: Look) -> Iterator[Finding]:
    """Backups that nobody can restore, and data that nobody asked for."""
    for row in look.rows.backups.values():
        yield from _backup(look, row)
    kept = {backup_places.record(row)["id"] for row in look.rows.backups.values()}
    orphans: dict[str, str] = {}
    for host, room in look.storage.storerooms.items():
        for id_ in room["backups"]:
            if id_ not in kept:
                orphans.setdefault(id_, host)
    for id_, host in orphans.items():
        yield Finding("orphan-backup", id_, f"with --delete-orphans it is removed from {host}",
                      f"no row of backup {id_}", f"{host} keeps it", about=about(id_),
                      ).mended(removal("backup", f"{host}@", id_), ORPHAN)


def _backup(look: Look, row: Any) -> Iterator[Finding]:
    room = look.storage.storerooms.get((row.host or "").partition("@")[0])
    own = about(row.id, row.volume_id)
    if row.status not in ("available", "restoring") or room is None:
        return
    kept = backup_places.record(row)["id"]
    if not room["backups"].get(kept):
        half = kept in room["backups"]
        yield Finding("missing-backup", row.id, "delete it, and make another",
                      f"{row.status} on {row.host}",
                      f"{row.host} {'has it without its list' if half else 'does not keep it'}",
                      about=own)
    elif row.parent_id is not None and row.parent_id not in look.rows.backups:
        yield Finding("missing-backup", row.id, "delete it, and make a full one",
                      f"stands on backup {row.parent_id}, which there is not", about=own)
