"""Volumes of a server: attached, detached and swapped by works. A request first lets Cinder reserve
the volume, so that of two requests one is refused at once."""

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cairn.common.api import Document
from cairn.common.context import Context
from cairn.common.errors import Forbidden, Invalid, Problem
from cairn.common.flows import Action, Entry
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, hosts, servers, works
from cairn.nova.core.block_devices import (
    ATTACHED,
    ATTACHING,
    DETACHING,
    HIDDEN,
    INCOMING,
    RESERVING,
    SWAPPING,
)
from cairn.nova.core.flows import attach_volume, detach_volume, extend_volume, swap_volume
from cairn.nova.db.models import Event
from cairn.nova.errors import (
    DeviceInUse,
    NotOnAHost,
    ServerBusy,
    TooManyDisks,
    VolumeNotFound,
)

MULTIATTACH = (2, 60)
# Since when a shelved server gets volumes, and loses them.
SHELVED = (2, 20)
CHANGED = "compute.instance.volume.update"

Device = Row[Any]  # Of block_devices.TABLE.


def list_of(nova: Nova, ctx: Context, server_id: str) -> list[Row[Any]]:
    """Those of the caller's server. Raises ServerNotFound."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        return [device for device in block_devices.volumes_of(session, row.id)
                if device.volume_id is not None and device.state not in HIDDEN]


def find(nova: Nova, ctx: Context, server_id: str, volume_id: str) -> Row[Any]:
    """The one that is this volume. Raises ServerNotFound, VolumeNotFound."""
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        return _find(session, row.id, volume_id)


def _find(session: Session, server_id: str, volume_id: str) -> Row[Any]:
    device = block_devices.find_volume(session, server_id, volume_id)
    if device is None or device.state in HIDDEN:
        raise VolumeNotFound(volume_id)
    return device


# --- What Cinder says of a volume ----------------------------------------------------------


def show(nova: Nova, ctx: Context, volume_id: str) -> Document:
    """As the caller sees it. Raises VolumeNotFound."""
    try:
        return nova.cloud.volumes.show(ctx, volume_id)
    except Problem as problem:
        if problem.code in (400, 404):
            raise VolumeNotFound(volume_id) from None
        raise


def check_free(ctx: Context, volume: Document) -> None:
    """Raises Invalid unless one more server may have it."""
    status = volume["status"]
    if volume.get("multiattach"):
        if ctx.version < MULTIATTACH:
            raise Invalid(reason=f"Multiattach volumes are only supported starting with compute "
                                 f"API version 2.60: volume {volume['id']} is one.")
        if status in ("available", "in-use", "reserved", "attaching"):
            return
    elif status == "available":
        return
    raise Invalid(reason=f"Invalid volume: Volume {volume['id']} status must be available, but it "
                         f"is {status}.")


def check_zone(nova: Nova, volume: Document, zone: str | None) -> None:
    """Raises Invalid where volumes of other zones are not attached, and it is of one."""
    own = volume.get("availability_zone")
    if not nova.api.cross_az_attach and zone and own and own != zone:
        raise Invalid(reason=f"Invalid volume: Instance and volume not in the same "
                             f"availability_zone: server is in {zone}, volume {volume['id']} in "
                             f"{own}.")


# --- Attach --------------------------------------------------------------------------------


def attach(nova: Nova, ctx: Context, server_id: str, request: Document) -> Row[Any]:
    """Reserve the volume and let the server's host attach it; the device. Raises ServerNotFound,
    ServerLocked, ServerBusy, NotOnAHost, HostDown, VolumeNotFound, TooManyDisks, DeviceInUse,
    and Invalid for a volume that cannot be had."""
    action, volume_id = attach_volume.ACTION, request["volumeId"]
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
    servers.check_unlocked(ctx, row)
    entry = _entry(ctx, row, action, attach_volume.OFFLOADED)
    offloaded = entry is attach_volume.OFFLOADED
    works.check_may(row, action, entry)
    if row.host is None and not offloaded:
        raise NotOnAHost(id=row.id)
    if offloaded and request.get("tag"):
        raise Invalid(reason="tag: volumes are not attached with one to a server that is "
                             "shelved-offloaded.")
    volume = show(nova, ctx, volume_id)
    check_free(ctx, volume)
    if offloaded and volume.get("multiattach"):
        raise Invalid(reason="Attaching multiattach volumes is not supported for shelved-offloaded "
                             "instances.")
    check_zone(nova, volume, row.zone)
    device_id = nova.db.write(lambda session: _place(nova, session, ctx, row.id, volume, {
        "tag": request.get("tag"), "device_name": request.get("device"),
        "delete_on_termination": bool(request.get("delete_on_termination"))}))
    attachment_id = _reserve(nova, ctx, row.id, volume, device_id)

    def begin(session: Session) -> str:
        works.claim(session, row, action, entry)
        if not block_devices.change(session, device_id, frm=[RESERVING], state=ATTACHING,
                                    attachment_id=attachment_id):
            raise VolumeNotFound(volume_id)
        work = works.add(session, ctx, row, action, nova.service, {
            "device_id": device_id, "volume_id": volume["id"], "offloaded": offloaded})
        return str(work.runner)

    try:
        runner = nova.db.write(begin)
    except BaseException:
        _let_go(nova, ctx, device_id, attachment_id)
        raise
    nova.ring(ctx, runner)
    return find(nova, ctx, row.id, volume["id"])


def _entry(ctx: Context, server: Row[Any], action: Action, offloaded: Entry) -> Entry:
    """The way into the action that the server's state is. Raises ServerBusy for one that is
    shelved, before there was such a way."""
    shelved = server.vm_state in ("shelved", "shelved_offloaded")
    if shelved and ctx.version < SHELVED:
        raise ServerBusy(action=action.kind, id=server.id, attribute="vm_state",
                         state=server.vm_state)
    return offloaded if server.vm_state in (offloaded.states or ()) else action.entry


def _place(
    nova: Nova, session: Session, ctx: Context, server_id: str, volume: Document,
    columns: dict[str, Any],
) -> str:
    """A row for it with a name of its own; the row's id. Others wait meanwhile, so that no two get
    the same name."""
    server = servers.hold(session, ctx, server_id)
    devices = block_devices.of(session, server_id)
    if any(device.volume_id == volume["id"] for device in devices):
        raise Invalid(reason=f"Invalid volume: volume {volume['id']} already attached to instance "
                             f"{server_id}.")
    root = block_devices.volume_backed(devices) is None
    disks = [device for device in devices if device.destination_type == block_devices.VOLUME]
    most = nova.api.max_disk_devices
    if 0 <= most <= len(disks) + block_devices.own_disks(server.flavor, root=root):
        raise TooManyDisks(limit=most)
    given = columns["device_name"] or None
    names = [(device.device_name, device.disk_bus) for device in disks]
    if given and _taken(given, server, names, root):
        raise DeviceInUse(device=given)
    name = block_devices.next_names(
        server.image, server.flavor, [*names, (given, None)], root=root)[-1]
    if name is None:
        raise TooManyDisks(limit=len(names))
    row = block_devices.add(session, server_id, {
        **columns, "source_type": "volume", "destination_type": "volume",
        "device_name": name, "volume_id": volume["id"], "volume_size": volume["size"],
        "state": RESERVING})
    return row.id


def _taken(
    given: str, server: Row[Any], names: Sequence[tuple[str | None, str | None]], root: bool
) -> bool:
    """Whether a disk has that name already: one of the flavor's, or another volume."""
    letters = {name.rpartition("/")[2] for name, _ in names if name}
    if root:
        letters.add(server.root_device.rpartition("/")[2])
    return given.rpartition("/")[2] in letters


def _reserve(
    nova: Nova, ctx: Context, server_id: str, volume: Document, device_id: str
) -> str:
    try:
        made = nova.cloud.volumes.create_attachment(ctx, volume["id"], server_id)
        return str(made["id"])
    except BaseException as error:
        if isinstance(error, Problem) and error.code in (400, 403, 404, 409):
            with nova.db.writing() as session:
                block_devices.remove(session, [device_id])
            raise refusal(error, volume["id"]) from None
        # Perhaps it was done all the same: the sweeper looks.
        raise


def refusal(problem: Problem, volume_id: str) -> Problem:
    """What Cinder refuses, in the code that the compute API has for it."""
    if problem.code == 404:
        return VolumeNotFound(volume_id)
    if problem.code == 403:
        return Forbidden(rule=str(problem))
    return Invalid(reason=str(problem))


def _let_go(nova: Nova, ctx: Context, device_id: str, attachment_id: str) -> None:
    nova.cloud.volumes.delete_attachment(ctx, attachment_id)
    with nova.db.writing() as session:
        block_devices.remove(session, [device_id])


# --- Detach, update, swap ------------------------------------------------------------------


def detach(nova: Nova, ctx: Context, server_id: str, volume_id: str) -> None:
    """Begin to detach it. Raises ServerNotFound, ServerLocked, ServerBusy, NotOnAHost, HostDown,
    VolumeNotFound; Invalid for the root disk and for one that is not attached."""
    action = detach_volume.ACTION

    def write(session: Session) -> str:
        row = servers.find(session, ctx, server_id)
        device = _find(session, row.id, volume_id)
        servers.check_unlocked(ctx, row)
        entry = _entry(ctx, row, action, detach_volume.OFFLOADED)
        works.claim(session, row, action, entry)
        if device.boot_index == 0:
            raise Invalid(reason="Cannot detach a root device volume")
        _take(session, device, DETACHING)
        work = works.add(session, ctx, row, action, nova.service, {
            "device_id": device.id, "volume_id": volume_id,
            "offloaded": entry is detach_volume.OFFLOADED})
        return str(work.runner)

    nova.ring(ctx, nova.db.write(write))


def _take(session: Session, device: Row[Any], state: str) -> None:
    """Raises Invalid unless it is attached, and nobody else does anything to it."""
    if not block_devices.change(session, device.id, frm=[ATTACHED], state=state):
        raise Invalid(reason=f"Invalid volume: volume {device.volume_id} must be attached, but it "
                             f"is {device.state}.")


def keep(
    nova: Nova, ctx: Context, server_id: str, volume_id: str, delete_on_termination: bool
) -> None:
    """Let it go with the server or outlive it. Raises ServerNotFound, ServerLocked,
    VolumeNotFound."""
    with nova.db.writing() as session:
        row = servers.find(session, ctx, server_id)
        device = _find(session, row.id, volume_id)
        servers.check_unlocked(ctx, row)
        block_devices.change(session, device.id, delete_on_termination=delete_on_termination)
        Event.record(session, ctx, CHANGED, "server", row.id, {
            "instance_id": row.id, "tenant_id": row.project_id, "user_id": row.user_id,
            "volume_id": volume_id, "delete_on_termination": delete_on_termination,
        }, project_id=row.project_id)


def swap(nova: Nova, ctx: Context, server_id: str, volume_id: str, new_id: str) -> None:
    """Begin to copy it to another volume, which takes its place. Raises as `attach`; Invalid for a
    volume that does not fit."""
    action = swap_volume.ACTION
    with nova.db.reading() as session:
        row = servers.find(session, ctx, server_id)
        device = _find(session, row.id, volume_id)
    servers.check_unlocked(ctx, row)
    works.check_may(row, action)
    old = show(nova, ctx, volume_id)
    try:
        new = show(nova, ctx, new_id)
    except VolumeNotFound as missing:
        raise Invalid(reason=str(missing)) from None
    if old.get("multiattach") and len(old.get("attachments") or ()) > 1:
        raise Invalid(reason=f"Volume {volume_id} is attached to several servers.")
    if new["size"] < old["size"]:
        raise Invalid(reason="New volume must be the same size or larger.")
    check_free(ctx, new)
    # What cinder says of a volume that another migrates to; one that moved once is none.
    migrates = new.get("migration_status") == f"target:{old['id']}"

    def place(session: Session) -> str:
        added = block_devices.add(session, row.id, {
            "source_type": "volume", "destination_type": "volume", "volume_id": new["id"],
            "volume_size": new["size"], "device_name": device.device_name, "state": RESERVING,
            "disk_bus": device.disk_bus, "device_type": device.device_type})
        return added.id

    try:
        new_device = nova.db.write(place)
    except IntegrityError:
        raise Invalid(reason=f"Volume {new['id']} is attached to the server already.") from None
    attachment_id = _reserve(nova, ctx, row.id, new, new_device)

    def begin(session: Session) -> str:
        works.claim(session, row, action)
        _take(session, device, SWAPPING)
        block_devices.change(session, new_device, state=INCOMING, attachment_id=attachment_id)
        work = works.add(session, ctx, row, action, nova.service, {
            "device_id": device.id, "new_device_id": new_device, "volume_id": volume_id,
            "new_volume_id": new["id"], "old_attachment_id": device.attachment_id,
            "migrates": migrates})
        return str(work.runner)

    try:
        runner = nova.db.write(begin)
    except BaseException:
        _let_go(nova, ctx, new_device, attachment_id)
        raise
    nova.ring(ctx, runner)


# --- What Cinder tells -----------------------------------------------------------------------


def extended(nova: Nova, ctx: Context, server: Row[Any], volume_id: str) -> None:
    """A volume of the server is larger now: its guest is shown. One that it has not is no matter:
    it may have been detached meanwhile."""
    action = extend_volume.ACTION
    with nova.db.reading() as session:
        device = block_devices.find_volume(session, server.id, volume_id)
    if device is None or device.state in HIDDEN:
        return
    size = int(nova.cloud.volumes.show(Context(request_id=ctx.request_id), volume_id)["size"])

    def write(session: Session) -> str | None:
        block_devices.change(session, device.id, volume_size=size)
        if server.vm_state not in (action.entry.states or ()) or not hosts.is_up(
                session, server.host, nova.service):
            return None
        work = works.add(session, ctx, server, action, nova.service, {
            "device_id": device.id, "volume_id": volume_id, "bytes": size << 30})
        return str(work.runner)

    runner = nova.db.write(write)
    if runner is not None:
        nova.ring(ctx, runner)


def refuse_assistance(nova: Nova, volume_id: str) -> NoReturn:
    """Raises Invalid: nobody has the volume, or its file is no hypervisor's."""
    with nova.db.reading() as session:
        attached = block_devices.is_attached(session, volume_id)
    if not attached:
        raise Invalid(reason=f"No volume Block Device Mapping with id {volume_id}.")
    raise Invalid(reason=f"Invalid volume: volume {volume_id} is no file of its server's host, "
                         "which so cannot assist in a snapshot of it.")


# --- What requests left behind -------------------------------------------------------------


def sweep(nova: Nova, seconds: float) -> int:
    """Give back what requests reserved that died before they handed it on; how many."""
    with nova.db.reading() as session:
        left = block_devices.reserving(session, seconds)
    for device in left:
        for attachment in nova.cloud.volumes.list_attachments(
                Context(), device.server_id, device.volume_id):
            nova.cloud.volumes.delete_attachment(Context(), attachment["id"])
        with nova.db.writing() as session:
            block_devices.remove_reserving(session, device.id)
    return len(left)
