"""Attachments, the exports of them, and what Nova and guests know of each."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from cairn.cinder.audit.finding import Finding, Mending, about
from cairn.cinder.audit.look import Look
from cairn.cinder.audit.rows import backend, name_of, record_of_nobody
from cairn.cinder.component import Cinder
from cairn.cinder.core import attachments, connections, records
from cairn.cinder.core.attachments import ATTACHED, ATTACHING, DETACHING
from cairn.cinder.db.models import Attachment
from cairn.cinder.errors import AttachmentNotFound, VolumeNotFound
from cairn.cinder.rpc import VolumeRecord
from cairn.common.context import Context


def check(look: Look) -> Iterator[Finding]:
    """Attachments that no export or no server has, and exports that no attachment has."""
    for row in look.rows.attachments.values():
        volume = look.rows.volumes.get(row.volume_id)
        if volume is not None:
            yield from _exported(look, row, volume)
            yield from _used(look, row)
    for name, inventory in look.storage.once():
        for volume_name, attachment in inventory["exports"]:
            if attachment not in look.rows.attachments:
                yield _export(look, name, volume_name, attachment)


def _exported(look: Look, row: Any, volume: Any) -> Iterator[Finding]:
    """An attachment that says how it is reached is exported."""
    if not row.connection_info or row.status not in (ATTACHED, ATTACHING) or not look.settled(row):
        return
    if look.looked_at(volume) and row.id not in look.storage.exports(backend(volume)):
        yield Finding("attachment-without-export", row.id,
                      "detach the volume and attach it again; a hard reboot does so for a server",
                      _tell(row), f"{backend(volume)} does not export {name_of(volume)} for it",
                      look.tell_holders(row.volume_id), _about(row))


def _used(look: Look, row: Any) -> Iterator[Finding]:
    server = row.instance_id
    if look.servers.silent or not look.settled(row):
        return
    use = look.servers.uses.get((server, row.volume_id)) if server else None
    if use is not None and use["gone"]:
        use = None
    if server and (use is None or use["attachment_id"] not in (None, row.id)):
        yield _ghost(look, row)
    elif row.status == DETACHING and use is None:
        yield _finish(look, row, "stuck-attachment", "it was being detached")
    elif row.status in (DETACHING, ATTACHING) and use is not None and use["state"] == ATTACHED:
        told = Finding(
            "stuck-attachment", row.id, "the attachment becomes attached",
            _tell(row), "", f"Nova: attached; {look.tell_holders(row.volume_id)}", _about(row))
        held = (server, use["host"]) in look.holders(row.volume_id) and row.connection_info
        yield told.mended(_attached(row.id, row.status)) if held else told


def _ghost(look: Look, row: Any) -> Finding:
    gone = row.instance_id in look.servers.gone
    nova = "Nova knows no such server" if gone else "Nova: the server has no such volume"
    if gone or row.status == DETACHING:
        return _finish(look, row, "ghost-attachment" if gone else "stuck-attachment", nova)
    return Finding("attachment-without-mapping", row.id,
                   "detach the volume (openstack volume attachment delete)", _tell(row), "",
                   f"{nova}; {look.tell_holders(row.volume_id)}", _about(row))


def _finish(look: Look, row: Any, kind: str, why: str) -> Finding:
    """It may go, when nobody has the volume by it."""
    told = Finding(kind, row.id, "the export and the attachment go; the volume is free of it",
                   _tell(row), "", f"{why}; {look.tell_holders(row.volume_id)}", _about(row))
    return told.mended(_drop(row.id)) if look.unheld(row.volume_id) else told


def _export(look: Look, name: str, volume_name: str, attachment: str) -> Finding:
    volume = look.rows.by_name.get(volume_name)
    volume_id = volume.id if volume is not None else volume_name
    told = Finding("export-without-attachment", attachment, f"{name} exports it no more",
                   f"no attachment of volume {volume_id}", f"{name} exports {volume_name}",
                   look.tell_holders(volume_id), about(attachment, volume_id, volume_name))
    if not look.unheld(volume_id):
        return told
    return told.mended(_unexport(record_of_nobody(volume_name, name), volume_id, attachment))


def _about(row: Any) -> frozenset[str]:
    return about(row.id, row.volume_id, row.instance_id)


def _tell(row: Any) -> str:
    whose = f"server {row.instance_id}" if row.instance_id else (
        f"host {row.attached_host}" if row.attached_host else "nobody")
    return f"{row.status}, volume {row.volume_id} for {whose}"


def _drop(attachment_id: str) -> Mending:
    def mend(cinder: Cinder, ctx: Context) -> None:
        try:
            connections.drop(cinder, ctx, attachment_id)
        except AttachmentNotFound:
            return

    return mend


def _attached(attachment_id: str, status: str) -> Mending:
    def mend(cinder: Cinder, ctx: Context) -> None:
        with cinder.db.writing() as session:
            row = attachments.find(session, ctx, attachment_id, lock=True)
            if row.status == status:
                row.status = ATTACHED
                session.flush()
                attachments.settle(session, row.volume_id)

    return mend


def _unexport(record: VolumeRecord, volume_id: str, attachment_id: str) -> Mending:
    """Unless there is such an attachment after all."""
    def mend(cinder: Cinder, ctx: Context) -> None:
        with cinder.db.reading() as session:
            if session.scalar(select(Attachment.id).where(Attachment.id == attachment_id)):
                return
            try:
                own = records.volume(session, volume_id)
            except VolumeNotFound:
                own = record
        volume = own if own["name"] == record["name"] else record
        cinder.volume.unexport(ctx, host=record["host"].partition("@")[0], volume=volume,
                               attachment_id=attachment_id, timeout=cinder.api.connect_timeout)

    return mend
