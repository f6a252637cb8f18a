"""Volumes and snapshots, and the bytes of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cairn.cinder.audit.finding import ORPHAN, Finding, Mending, about
from cairn.cinder.audit.look import Look
from cairn.cinder.audit.rows import backend, is_somebodys, name_of, record_of_nobody
from cairn.cinder.component import Cinder
from cairn.cinder.rpc import VolumeRecord
from cairn.common.context import Context

# In these there need be no bytes yet, or any more.
VOLUME_MAY_LACK = ("creating", "managing", "error_managing", "deleting", "error_deleting",
                   "unmanaging")
SNAPSHOT_HAS = ("available", "backing-up", "restoring")
RESTORE = "restore it from a backup, or delete it"


def check(look: Look) -> Iterator[Finding]:
    """Rows without bytes, bytes without rows, and sizes that differ."""
    for volume in look.rows.volumes.values():
        yield from _volume(look, volume)
    for snapshot in look.rows.snapshots.values():
        yield from _snapshot(look, snapshot)
    for name, inventory in look.storage.once():
        for id_ in inventory["volumes"]:
            yield from _stranger(look, name, id_)
        for id_, held in inventory["snapshots"].items():
            if id_ not in look.rows.snapshots:
                yield _orphan("snapshot", id_, name, held["volume"])


def _volume(look: Look, volume: Any) -> Iterator[Finding]:
    own = about(volume.id, volume.name_id)
    where = backend(volume)
    if volume.launched_at is None or volume.status in VOLUME_MAY_LACK:
        return
    if where not in look.rows.backends:
        yield Finding("no-backend", volume.id, "bring the storage host back, or delete the volume",
                      f"{volume.status} on {volume.host}", "no storage host has such a backend",
                      about=own)
        return
    if not look.looked_at(volume):
        return
    held = look.storage.volume(where, name_of(volume))
    if held is None:
        yield Finding("missing-volume", volume.id, RESTORE, f"{volume.status} on {volume.host}",
                      f"{where} has no {name_of(volume)}", look.tell_holders(volume.id), own)
    elif not _fits(held["size"], volume.size, volume.encryption_key_id):
        yield Finding("size", volume.id, "extend the volume to the larger of both",
                      f"{volume.size} GiB", f"{held['size']} GiB", about=own)


def _snapshot(look: Look, snapshot: Any) -> Iterator[Finding]:
    volume = look.rows.volumes.get(snapshot.volume_id)
    own = about(snapshot.id, snapshot.volume_id, snapshot.group_snapshot_id)
    if volume is None:
        yield Finding("snapshot-without-volume", snapshot.id, "delete the snapshot",
                      f"{snapshot.status}, of volume {snapshot.volume_id}, which there is not",
                      about=own)
        return
    if snapshot.status not in SNAPSHOT_HAS or not look.looked_at(volume):
        return
    held = look.storage.snapshot(backend(volume), snapshot.id)
    if held is None:
        yield Finding("missing-snapshot", snapshot.id, RESTORE.replace("restore", "make anew"),
                      f"{snapshot.status}, of volume {volume.id} on {volume.host}",
                      f"{backend(volume)} has no {snapshot.id}", about=own)
    elif not _fits(held["size"], snapshot.size, snapshot.encryption_key_id
                   or volume.encryption_key_id):
        yield Finding("size", snapshot.id, "make the snapshot anew", f"{snapshot.size} GiB",
                      f"{held['size']} GiB", about=own)


def _fits(held: int | None, size: int, key_id: str | None) -> bool:
    """A container's header takes a little beside its payload."""
    return held is None or held in ((size, size + 1) if key_id else (size,))


def _stranger(look: Look, name: str, id_: str) -> Iterator[Finding]:
    volume = look.rows.by_name.get(id_)
    if volume is None and id_ not in look.rows.backups:  # A backup's clone: leftovers.py.
        moved = look.rows.volumes.get(id_)
        yield _orphan("volume", id_, name, id_, "" if moved is None else
                      f"volume {id_} is called {moved.name_id} on {moved.host}")
    elif volume is not None and look.storage.places.get(
            backend(volume) or "") != look.storage.places[name]:
        yield Finding("second-copy", volume.id, "compare both, then remove one by hand",
                      f"{volume.status} on {volume.host}", f"{name} has {id_}, too",
                      about=about(volume.id, volume.name_id))


def _orphan(kind: str, id_: str, name: str, volume: str, database: str = "") -> Finding:
    told = Finding(
        f"orphan-{kind}", id_,
        f"with --delete-orphans it is removed, with --unmanage-orphans it can be managed by {name}",
        database or f"no row of {kind} {id_}", f"{name} has it", about=about(id_, volume))
    if not volume:
        return replace(told, mends="its backend does not say whose it is: remove it by hand")
    record = record_of_nobody(volume, name)
    return told.mended(removal(kind, name, id_, record), ORPHAN,
                       removal(kind, name, id_, record, spare=True))


def removal(
    kind: str, backend_: str, name: str, volume: VolumeRecord | None = None, *, spare: bool = False
) -> Mending:
    """A storage host removes what is nobody's, if it is nobody's still; with `spare` it is out of
    our hands instead."""
    def mend(cinder: Cinder, ctx: Context) -> None:
        with cinder.db.reading() as session:
            if is_somebodys(session, kind, name):
                return
        host = backend_.partition("@")[0]
        if spare and volume is not None:
            cinder.volume.unmanage(ctx, host=host, kind=kind, backend=backend_, volume=volume,
                                   name=name)
        else:
            cinder.volume.remove(ctx, host=host, kind=kind, backend=backend_, volume=volume,
                                 name=name)

    return mend
