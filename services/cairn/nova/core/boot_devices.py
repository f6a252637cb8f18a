"""Block devices that a server is asked for with: read from a request or from its image, checked
against the world, and made to be columns of rows. Writes nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cairn.common.api import Document
from cairn.common.bounds import parse_whole
from cairn.common.context import Context
from cairn.common.errors import Invalid, Problem
from cairn.common.listing import TRUE
from cairn.nova import rpc
from cairn.nova.component import Nova
from cairn.nova.core import block_devices, guest_features, images, volumes
from cairn.nova.core.block_devices import ATTACHED, LOCAL, PLANNED, VOLUME
from cairn.nova.errors import TooManyDisks

GIB = 1 << 30
FIELD = "block_device_mapping_v2"
SEQUENCE = ("Block Device Mapping is Invalid: Boot sequence for the instance and image/block "
            "device mapping combination is not valid.")
# What a volume says of the image it was made from, beside that image's own properties.
_OF_IMAGE = {"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk",
             "min_ram", "size", "signature_verified"}


@dataclass(frozen=True)
class Devices:
    """What a server is made of. `image` is that of its root disk, or what its root volume says of
    one, with the id "": then `image_id` is None."""

    columns: list[dict[str, Any]]
    image: rpc.Image
    image_id: str | None
    root_device: str
    # Where its volumes are, when servers are to be where those are.
    zone: str | None = None


@dataclass(frozen=True)
class _Asked:
    """One device of a request; `where` names it in refusals."""

    where: str
    source: str
    destination: str
    uuid: str | None
    boot_index: int | None
    size: int | None
    said: Mapping[str, Any]


def plan(
    nova: Nova, ctx: Context, body: Mapping[str, Any], flavor: rpc.Flavor, zone: str | None,
    count: int,
) -> Devices:
    """The devices of a valid "server" of a request for so many. Raises Invalid naming what is
    wrong, what Cinder refuses, Unavailable."""
    image = images.find(nova, ctx, str(body["imageRef"])) if body.get("imageRef") else None
    asked = _read(body, image)
    root = _root(asked, image)
    sources = [_look(nova, ctx, device, count) for device in asked]
    _check_types(nova, ctx, asked)
    shown = dict(zip([device.where for device in asked], sources, strict=True))
    if root is None or root.destination == LOCAL:
        own = image or (images.find(nova, ctx, str(root.uuid)) if root else None)
        if own is None:
            raise Invalid(reason="imageRef: no image to boot from was given.")
        images.check_open(own)
        images.check_fits(own, flavor)
        made, image_id = own, str(own["id"])
    else:
        made, image_id = _image_of(nova, ctx, root, shown[root.where]), None
        images.check_memory(made, flavor)
        _check_size(root, made, shown[root.where])
    _check_own(asked, flavor)
    for device in asked:
        _check_bus(device, made)
    _check_number(nova, asked, flavor, root)
    own_zone = _zone(nova, shown.values(), zone)
    names = _names(made, flavor, asked, root)
    columns = [_columns(device, shown[device.where], name)
               for device, name in zip(asked, names, strict=True)]
    first = next((c["device_name"] for c in columns if c["boot_index"] == 0), None)
    return Devices(columns, made, image_id, first or guest_features.root_device(made), own_zone)


# --- What is asked for ---------------------------------------------------------------------


def _read(body: Mapping[str, Any], image: rpc.Image | None) -> list[_Asked]:
    old, new = body.get("block_device_mapping"), body.get(FIELD)
    if old and new:
        raise Invalid(reason="Using different block_device_mapping syntaxes is not allowed in the "
                             "same request.")
    if old:
        asked = [_legacy(number, said, image is None) for number, said in enumerate(old)
                 if not said.get("no_device") and not said.get("virtual_name")]
    else:
        asked = [_one(f"{FIELD}.{number}", said) for number, said in enumerate(new or ())
                 if not said.get("no_device")]
    if image is None:
        return asked
    # What the image says of itself; what the request says goes before it.
    names = {device.said.get("device_name") for device in asked} - {None}
    roots = any(device.boot_index == 0 for device in asked)
    return [*(device for device in _of_image(image)
              if device.said.get("device_name") not in names
              and not (roots and device.boot_index == 0)), *asked]


def _of_image(image: rpc.Image) -> list[_Asked]:
    """The volumes that the image is made of: one that was made of a server with volumes."""
    text = image["properties"].get("block_device_mapping")
    if not text:
        return []
    try:
        said = json.loads(text) if isinstance(text, str) else text
        return [_one(f"image {image['id']}, block_device_mapping.{number}", one | {
            "uuid": one.get("snapshot_id") or one.get("volume_id") or one.get("image_id")})
            for number, one in enumerate(said) if not one.get("no_device")]
    except (ValueError, TypeError, AttributeError, KeyError):
        raise Invalid(
            reason=f"Image {image['id']}: its block_device_mapping cannot be read.") from None


def _one(where: str, said: Mapping[str, Any]) -> _Asked:
    source = said.get("source_type") or "blank"
    destination = said.get("destination_type") or (LOCAL if source in ("image", "blank")
                                                   else VOLUME)
    uuid = said.get("uuid") or None
    if source != "blank" and not uuid:
        raise Invalid(reason=f"{where}.uuid: a device of source_type {source} needs one.")
    if source == "blank" and uuid:
        raise Invalid(reason=f"{where}.uuid: a blank device has none.")
    if source in ("volume", "snapshot") and destination == LOCAL:
        raise Invalid(reason=f"{where}: Mapping {source} to local is not supported.")
    index = _whole(said.get("boot_index"))
    if source == "image" and destination == LOCAL and index != 0:
        raise Invalid(reason=f"{where}: Mapping image to local is not supported: an image on a "
                             "local disk must have boot_index 0.")
    size = _whole(said.get("volume_size"))
    if destination == VOLUME and source in ("image", "blank") and not size:
        raise Invalid(reason=f"{where}.volume_size: {source}s with destination_type 'volume' need "
                             "to have a non-zero size specified.")
    if said.get("volume_type") and (destination == LOCAL or source == "volume"):
        raise Invalid(reason=f"{where}.volume_type: only volumes that are made have one.")
    return _Asked(where, source, destination, uuid, index, size, said)


def _legacy(number: int, said: Mapping[str, Any], boots: bool) -> _Asked:
    """Of block_device_mapping: volumes and snapshots by the names of their devices. Without an
    image the first is booted from."""
    where = f"block_device_mapping.{number}"
    kinds = [kind for kind in ("volume", "snapshot") if said.get(f"{kind}_id")]
    if len(kinds) != 1:
        raise Invalid(reason=f"{where}: expected a volume_id or a snapshot_id.")
    more: dict[str, Any] = {"boot_index": 0 if boots and number == 0 else None}
    return _one(where, {**said, **more, "source_type": kinds[0], "destination_type": VOLUME,
                        "uuid": said[f"{kinds[0]}_id"], "tag": None})


def _whole(value: Any) -> int | None:
    if value in (None, "", "None"):
        return None
    text = str(value)
    number = parse_whole(text.removeprefix("-"))
    if number is None:
        raise Invalid(reason=f"Block Device Mapping is Invalid: {text:.40} is not a number.")
    return -number if text.startswith("-") else number


def _root(asked: Sequence[_Asked], image: rpc.Image | None) -> _Asked | None:
    """The device that is booted from; None: a disk of the host's from the image. Raises Invalid."""
    order = sorted(device.boot_index for device in asked
                   if device.boot_index is not None and device.boot_index >= 0)
    root = next((device for device in asked if device.boot_index == 0), None)
    if root is None and image is not None:
        order.insert(0, 0)
    if not order and not asked:
        raise Invalid(reason="imageRef: no image to boot from was given.")
    if order != list(range(len(order))) or not order:
        raise Invalid(reason=f"{FIELD}.{len(asked) - 1}: {SEQUENCE}" if asked else SEQUENCE)
    if root is not None and image is not None and "block_device_mapping" not in image[
            "properties"] and (root.source, root.uuid) != ("image", image["id"]):
        raise Invalid(reason=f"{root.where}: {SEQUENCE} Its boot image is not imageRef.")
    return root


# --- What there is -------------------------------------------------------------------------


def _look(nova: Nova, ctx: Context, device: _Asked, count: int) -> Document:
    """What the device comes from, as the caller sees it. Raises Invalid."""
    if device.source == "volume":
        try:
            volume = volumes.show(nova, ctx, str(device.uuid))
        except Problem as problem:
            if problem.code != 404:
                raise
            raise Invalid(reason=f"{device.where}: Block Device Mapping is Invalid: failed to get "
                                 f"volume {device.uuid}.") from None
        volumes.check_free(ctx, volume)
        if count > 1 and not volume.get("multiattach"):
            raise Invalid(reason="Cannot attach one or more volumes to multiple instances")
        if device.boot_index == 0 and str(volume.get("bootable")).lower() != "true":
            raise Invalid(reason=f"Block Device {volume['id']} is not bootable.")
        return volume
    if device.source == "snapshot":
        try:
            snapshot = nova.cloud.volumes.show_snapshot(ctx, str(device.uuid))
        except Problem as problem:
            if problem.code not in (400, 404):
                raise
            raise Invalid(reason=f"{device.where}: Block Device Mapping is Invalid: failed to get "
                                 f"snapshot {device.uuid}.") from None
        if device.size and device.size < snapshot["size"]:
            raise Invalid(reason=f"{device.where}.volume_size: the snapshot has "
                                 f"{snapshot['size']} GiB.")
        return snapshot
    if device.source == "image" and device.destination == VOLUME:
        image = images.find(nova, ctx, str(device.uuid))
        _check_size(device, image, {})
        return {"image": image}
    return {}


def _check_types(nova: Nova, ctx: Context, asked: Sequence[_Asked]) -> None:
    types = {device.said["volume_type"]: device.where for device in asked
             if device.said.get("volume_type")}
    if not types:
        return
    there = {name for kind in nova.cloud.volumes.list_types(ctx)
             for name in (kind["id"], kind["name"])}
    for name, where in types.items():
        if name not in there:
            raise Invalid(reason=f"{where}.volume_type: Volume type {name} could not be found.")


def _image_of(nova: Nova, ctx: Context, root: _Asked, shown: Document) -> rpc.Image:
    """What the root volume says of the image it was, or will be, made from."""
    if "image" in shown:
        image: rpc.Image = shown["image"]
        return {**image, "id": ""}
    volume = shown
    if root.source == "snapshot":
        volume = volumes.show(nova, ctx, shown["volume_id"])
    told = volume.get("volume_image_metadata") or {}
    return {
        "id": "", "name": str(told.get("image_name") or ""), "disk_format": "raw",
        "container_format": "bare", "size": 0, "checksum": "",
        "min_disk": parse_whole(str(told.get("min_disk") or 0)) or 0,
        "min_ram": parse_whole(str(told.get("min_ram") or 0)) or 0,
        "properties": {key: value for key, value in told.items() if key not in _OF_IMAGE},
    }


def _check_size(device: _Asked, image: rpc.Image, shown: Document) -> None:
    size = device.size or shown.get("size") or 0
    if size and size < image["min_disk"]:
        raise Invalid(reason=f"Volume is smaller than the minimum size specified in image metadata."
                             f" Volume size is {size * GIB} bytes, minimum size is "
                             f"{image['min_disk'] * GIB} bytes.")
    if size and size * GIB < image["size"]:
        raise Invalid(reason=f"{device.where}.volume_size: image {device.uuid} has "
                             f"{image['size']} bytes.")


def _check_own(asked: Sequence[_Asked], flavor: rpc.Flavor) -> None:
    """Disks of the host are the flavor's."""
    blank = [d for d in asked if d.source == "blank" and d.destination == LOCAL]
    swaps = [d.size or 0 for d in blank if d.said.get("guest_format") == "swap"]
    others = [d.size or 0 for d in blank if d.said.get("guest_format") != "swap"]
    if len(swaps) > 1:
        raise Invalid(reason=f"{FIELD}: more than one swap disk was asked for.")
    if sum(swaps) > flavor["swap"]:
        raise Invalid(reason=f"{FIELD}: more swap than the flavor has.")
    if sum(others) > flavor["ephemeral"]:
        raise Invalid(reason=f"{FIELD}: more ephemeral disk than the flavor has.")


def _check_bus(device: _Asked, image: rpc.Image) -> None:
    """Disks of the host are all on the image's bus. Raises Invalid naming another."""
    bus, kind = device.said.get("disk_bus"), device.said.get("device_type")
    own = block_devices.bus_of(image)
    if device.destination == LOCAL and bus not in (None, own):
        raise Invalid(reason=f"{device.where}.disk_bus: local disks are on the image's bus, {own}.")
    if bus is not None and bus not in guest_features.PREFIXES:
        raise Invalid(reason=f"{device.where}.disk_bus: expected one of "
                             f"{', '.join(sorted(guest_features.PREFIXES))}, not {bus}.")
    kinds = ("disk",) if device.destination == LOCAL else ("disk", "cdrom")
    if kind is not None and kind not in kinds:
        raise Invalid(reason=f"{device.where}.device_type: expected {' or '.join(kinds)}, not "
                             f"{kind}.")


def _check_number(
    nova: Nova, asked: Sequence[_Asked], flavor: rpc.Flavor, root: _Asked | None
) -> None:
    """Raises TooManyDisks."""
    local = root is None or root.destination == LOCAL
    disks = sum(device.destination == VOLUME for device in asked)
    if 0 <= nova.api.max_disk_devices < disks + block_devices.own_disks(flavor, root=local):
        raise TooManyDisks(limit=nova.api.max_disk_devices)


def _zone(nova: Nova, shown: Any, zone: str | None) -> str | None:
    """Raises Invalid for volumes of several zones, or of another than is asked for."""
    for volume in shown:
        if "availability_zone" in volume:
            volumes.check_zone(nova, volume, zone)
            if not nova.api.cross_az_attach:
                zone = volume["availability_zone"]
    return zone


# --- What becomes of it --------------------------------------------------------------------


def _names(
    image: rpc.Image, flavor: rpc.Flavor, asked: Sequence[_Asked], root: _Asked | None
) -> list[str | None]:
    """Of the volumes: the root volume has the first."""
    on_volumes = sorted((d for d in asked if d.destination == VOLUME),
                        key=lambda device: device.boot_index != 0)
    given = [(d.said.get("device_name") or None, d.said.get("disk_bus")) for d in on_volumes]
    said = [name.rpartition("/")[2] for name, _ in given if name]
    if len(set(said)) < len(said):
        raise Invalid(reason=f"{FIELD}: two devices have one device_name.")
    local = root is None or root.destination == LOCAL
    if local and guest_features.root_device(image).rpartition("/")[2] in said:
        raise Invalid(reason=f"{FIELD}: the device_name of the root disk is another device's.")
    if not local and given and given[0][0] is None:
        given[0] = (guest_features.root_device(image), given[0][1])
    names = block_devices.next_names(image, flavor, given, root=local)
    by_where = dict(zip([d.where for d in on_volumes], names, strict=True))
    if None in names:
        raise Invalid(reason=f"{FIELD}: so many disks cannot be named.")
    return [by_where.get(d.where, d.said.get("device_name") or None) for d in asked]


def _columns(device: _Asked, shown: Document, name: str | None) -> dict[str, Any]:
    said, on_volume = device.said, device.destination == VOLUME
    size = shown.get("size") if device.source == "volume" else device.size or shown.get("size")
    return {
        "source_type": device.source, "destination_type": device.destination,
        "device_type": said.get("device_type"), "disk_bus": said.get("disk_bus"),
        "boot_index": device.boot_index, "device_name": name, "tag": said.get("tag"),
        "guest_format": said.get("guest_format"),
        "delete_on_termination": _truthy(said.get("delete_on_termination", not on_volume)),
        "image_id": device.uuid if device.source == "image" else None,
        "snapshot_id": device.uuid if device.source == "snapshot" else None,
        "volume_id": device.uuid if device.source == "volume" else None,
        "volume_size": size, "volume_type": said.get("volume_type"),
        "state": PLANNED if on_volume else ATTACHED,
    }


def _truthy(value: Any) -> bool:
    return value is True or str(value).lower() in TRUE
