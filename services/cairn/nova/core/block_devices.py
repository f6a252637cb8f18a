"""A server's block devices as they are kept: rows of what it was asked for and what was attached.

A volume's row says how far it is attached. Requests and works change it by compare-and-set, so that
nobody attaches what another detaches:

    planned    asked for with the server; a step of its creation attaches it
    reserving  a request asks cinder for it; the sweeper takes back what it left behind
    attaching  cinder has an attachment; a work does the rest
    attached   the guest has it
    detaching  a work takes it away
    swapping   a work replaces it by another,
    incoming   which is this one
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, func, select, update
from sqlalchemy.orm import Session

from cairn.common.db import changed, utcnow
from cairn.nova import rpc
from cairn.nova.core import guest_features
from cairn.nova.db.models import BlockDevice, Server

TABLE = BlockDevice.__table__
D: Any = TABLE.c

PLANNED, RESERVING, ATTACHING = "planned", "reserving", "attaching"
ATTACHED, DETACHING = "attached", "detaching"
SWAPPING, INCOMING = "swapping", "incoming"
# What the API does not show of a server.
HIDDEN = (RESERVING, INCOMING)
LOCAL, VOLUME = "local", "volume"


def of(session: Session, server_id: str) -> list[Row[Any]]:
    """All of the server's, in the order they came."""
    return list(session.execute(
        select(*TABLE.c).where(D.server_id == server_id).order_by(D.number)))


def volumes_of(session: Session, server_id: str) -> list[Row[Any]]:
    """Those that are, or shall be, on volumes."""
    return [row for row in of(session, server_id) if row.destination_type == VOLUME]


def find_volume(session: Session, server_id: str, volume_id: str) -> Row[Any] | None:
    """The server's device that is this volume."""
    return session.execute(select(*TABLE.c).where(
        D.server_id == server_id, D.volume_id == volume_id)).one_or_none()


def is_attached(session: Session, volume_id: str) -> bool:
    """Whether any server has it."""
    return session.scalar(select(D.number).where(D.volume_id == volume_id).limit(1)) is not None


def change(session: Session, device_id: str, *, frm: Sequence[str] = (), **values: Any) -> bool:
    """Whether its columns were set: only from one of these states, where any are said."""
    where = [D.id == device_id]
    if frm:
        where.append(D.state.in_(frm))
    return changed(session.execute(update(BlockDevice).where(*where).values(**values)))


def reserving(session: Session, seconds: float) -> Sequence[Row[Any]]:
    """Those that a request has been reserving for longer than that."""
    return session.execute(select(*TABLE.c).where(
        D.state == RESERVING, D.created_at < utcnow() - dt.timedelta(seconds=seconds))).all()


def remove_reserving(session: Session, device_id: str) -> None:
    """Forget it, unless it was handed on after all."""
    session.execute(delete(BlockDevice).where(D.id == device_id, D.state == RESERVING))


def remove(session: Session, device_ids: Iterable[str]) -> None:
    """Forget them; what is gone already is well."""
    session.execute(delete(BlockDevice).where(D.id.in_(list(device_ids))))


def replace(session: Session, device_id: str, new_id: str) -> bool:
    """The device is what the other was, whose row goes; whether that was there still."""
    new = session.execute(select(*TABLE.c).where(D.id == new_id)).one_or_none()
    if new is None:
        return False
    remove(session, [new.id])
    session.flush()
    return change(session, device_id, volume_id=new.volume_id, volume_size=new.volume_size,
                  attachment_id=new.attachment_id, connection_info=new.connection_info,
                  encryption=new.encryption)


def add(session: Session, server_id: str, device: dict[str, Any]) -> BlockDevice:
    """A new row, of columns by name."""
    row = BlockDevice(server_id=server_id, **device)
    session.add(row)
    session.flush()
    return row


def shown() -> ColumnElement[Any]:
    """A column of a list of servers: their volumes as one text, "" or None where there are none.
    `read_shown` reads it. A server that has none, as most, costs a look at an index."""
    flag = case((D.delete_on_termination.is_(True), "1"), else_="0")
    number = func.substr(1000000000000 + D.number, 2)  # So that texts sort as numbers do.
    one = number.concat(" ").concat(D.volume_id).concat(" ").concat(flag)
    return (select(func.group_concat(one)).where(
        D.server_id == Server.id, D.volume_id.is_not(None), D.state.not_in(HIDDEN),
    ).correlate(Server.__table__).scalar_subquery().label("volumes"))


def read_shown(text: str | None) -> list[tuple[str, bool]]:
    """(volume's id, whether it goes with the server) of each, in the order they came."""
    if not text:
        return []
    return [(volume, flag == "1") for _, volume, flag in
            (one.split(" ") for one in sorted(text.split(",")))]


def to_wire(row: Row[Any], *, secret: bool) -> rpc.BlockDevice:
    """As its host is told of it, with the connection's secrets only where it is to be used."""
    return {
        "id": row.id, "source": row.source_type, "destination": row.destination_type,
        "image_id": row.image_id, "volume_id": row.volume_id, "boot_index": row.boot_index,
        "size": row.volume_size, "device": row.device_name, "device_type": row.device_type,
        "bus": row.disk_bus, "delete_on_termination": row.delete_on_termination, "tag": row.tag,
        "connection": row.connection_info if secret else None, "guest_format": row.guest_format,
        "state": row.state, "encrypted": row.encryption is not None,
    }


def volume_backed(devices: Iterable[Row[Any]]) -> Row[Any] | None:
    """The row of the volume that is the root disk; None where the root disk is the host's."""
    return next((d for d in devices if d.destination_type == VOLUME and d.boot_index == 0), None)


# --- Names ---------------------------------------------------------------------------------


def bus_of(image: rpc.Image | None) -> str:
    """The bus of disks that name none."""
    properties = image["properties"] if image is not None else {}
    return str(properties.get("hw_disk_bus") or "virtio")


def own_disks(flavor: rpc.Flavor, *, root: bool) -> int:
    """How many disks the flavor gives, with the root disk where that is the host's."""
    return int(root) + bool(flavor["ephemeral"]) + bool(flavor["swap"])


def next_names(
    image: rpc.Image | None, flavor: rpc.Flavor, devices: Sequence[tuple[str | None, str | None]],
    *, root: bool,
) -> list[str | None]:
    """What each of (name that was given, bus) is called, "/dev/vdb"; None where a bus has no more.
    The disks that the flavor gives have the first names that nobody was given."""
    default = bus_of(image)
    taken = {name.rpartition("/")[2] for name, _ in devices if name}
    names: list[str | None] = []
    for given, bus in [(None, default)] * own_disks(flavor, root=root) + list(devices):
        if given:
            names.append(given if given.startswith("/dev/") else f"/dev/{given}")
            continue
        name = guest_features.free_name(bus or default, taken)
        if name is not None:
            taken.add(name)
        names.append(name and f"/dev/{name}")
    return names[own_disks(flavor, root=root):]
