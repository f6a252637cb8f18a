"""A server's volumes as libvirt's disks. QEMU opens them itself: the host has no initiator, no
mount and no device of them.

What is said of a connection comes from a storage host, which may have been broken into: each value
has a grammar here, and what does not fit is refused.
"""

import re
import stat
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

from cairn.common.errors import Invalid
from cairn.nova.errors import Unsupported
from cairn.nova.rpc import BlockDevice, Spec

_SPACE = uuid.UUID("6f7c1b1e-56a6-4b39-9d1a-0d5f6f7b2c11")
_GRAMMAR = {
    "host": r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}",
    "export": r"[A-Za-z0-9][A-Za-z0-9._@/-]{0,254}", "name": r"[A-Za-z0-9][A-Za-z0-9._@/+-]{0,254}",
    "path": r"/[A-Za-z0-9._@/+:-]{1,1023}", "iqn": r"(iqn|eui|naa)\.[A-Za-z0-9.:_-]{1,220}",
    "user": r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
}
# Names of limits in a volume type's qos specs, which are libvirt's own.
_LIMITS = re.compile(
    "(total|read|write)_(bytes|iops)_sec(_max(_length)?)?|size_iops_sec")


def text(kind: str, value: Any, where: str) -> str:
    """Raises Invalid for what is not written as such a thing is."""
    if not isinstance(value, str) or not re.fullmatch(_GRAMMAR[kind], value) or ".." in value:
        raise Invalid(reason=f"connection_info, {where}: not a {kind}")
    return value


def disk(
    spec: Spec, device: BlockDevice, target: dict[str, str], order: int | None = None
) -> xml.Element:
    """The whole element. Raises Unsupported, Invalid."""
    info = device["connection"] or {}
    data: dict[str, Any] = info.get("data") or {}
    make = _KINDS.get(str(info.get("driver_volume_type")))
    if make is None:
        raise Unsupported(reason=f"volumes by {info.get('driver_volume_type')!r:.40}")
    kind = device["device_type"] if device["device_type"] == "cdrom" else "disk"
    element = xml.Element("disk", type="network", device=kind)
    source = xml.Element("source")
    cache = make(element, source, spec, device, data)
    # A guest whose volume goes away (its server restarts) is paused instead of being told of broken
    # disks; the driver lets it go on. libvirt has no delay to reconnect of QEMU's.
    driver = _add(element, "driver", name="qemu", type="raw", cache=cache, error_policy="stop",
                  rerror_policy="stop")
    if data.get("discard"):
        driver.set("discard", "unmap")
    element.append(source)
    if device.get("encrypted"):
        sealed = _add(source, "encryption", format="luks")
        _add(sealed, "secret", type="passphrase", uuid=luks_id(spec, device))
    _add(element, "target", **target)
    _limit(element, data.get("qos_specs") or {})
    if data.get("access_mode") == "ro" or kind == "cdrom":
        _add(element, "readonly")
    if data.get("multiattach"):
        _add(element, "shareable")
    serial = _add(element, "serial")
    serial.text = text("name", device["volume_id"], "volume_id")
    if order is not None:
        _add(element, "boot", order=str(order))
    return element


def _add(parent: xml.Element, tag: str, **attributes: str) -> xml.Element:
    return xml.SubElement(parent, tag, attributes)


def _limit(element: xml.Element, specs: dict[str, Any]) -> None:
    limits = {name: value for name, value in specs.items()
              if _LIMITS.fullmatch(name) and re.fullmatch("[0-9]{1,15}", str(value))}
    if limits:
        tune = _add(element, "iotune")
        for name, value in sorted(limits.items()):
            _add(tune, name).text = str(int(value))


def _port(value: Any) -> str:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise Invalid(reason="connection_info: not a port")
    return str(port)


# --- The kinds: each fills the source, and says how it is cached -----------------------------


def _nbd(
    element: xml.Element, source: xml.Element, spec: Spec, device: BlockDevice, data: dict[str, Any]
) -> str:
    source.set("protocol", "nbd")
    source.set("name", text("export", data.get("export"), "export"))
    if data.get("socket"):
        _add(source, "host", transport="unix", socket=text("path", data["socket"], "socket"))
    else:
        if not data.get("tls"):
            raise Invalid(reason="connection_info: nbd over a network has to be tls")
        source.set("tls", "yes")
        _add(source, "host", name=text("host", data.get("host"), "host"),
             port=_port(data.get("port")))
    return "none"


def _rbd(
    element: xml.Element, source: xml.Element, spec: Spec, device: BlockDevice, data: dict[str, Any]
) -> str:
    source.set("protocol", "rbd")
    source.set("name", text("name", data.get("name"), "name"))
    hosts, ports = data.get("hosts") or [], data.get("ports") or []
    for host, port in zip(hosts, ports, strict=False):
        name = text("host", str(host).strip("[]"), "hosts")
        _add(source, "host", name=name, port=_port(port))
    if data.get("auth_enabled"):
        auth = _add(source, "auth", username=text("user", data.get("auth_username"), "user"))
        _add(auth, "secret", type="ceph", uuid=ceph_id(data))
    return "writeback"


def _iscsi(
    element: xml.Element, source: xml.Element, spec: Spec, device: BlockDevice, data: dict[str, Any]
) -> str:
    host, _, port = str(data.get("target_portal")).rpartition(":")
    lun = data.get("target_lun")
    if not isinstance(lun, int) or not 0 <= lun < 1 << 14:
        raise Invalid(reason="connection_info: not a target_lun")
    source.set("protocol", "iscsi")
    source.set("name", f"{text('iqn', data.get('target_iqn'), 'target_iqn')}/{lun}")
    _add(source, "host", name=text("host", host.strip("[]"), "target_portal"), port=_port(port))
    if data.get("initiator"):
        _add(_add(source, "initiator"), "iqn", name=text("iqn", data["initiator"], "initiator"))
    if data.get("auth_method"):
        auth = _add(source, "auth", username=text("user", data.get("auth_username"), "user"))
        _add(auth, "secret", type="iscsi", uuid=chap_id(spec, device))
    return "none"


def _local(
    element: xml.Element, source: xml.Element, spec: Spec, device: BlockDevice, data: dict[str, Any]
) -> str:
    path = Path(text("path", data.get("device_path"), "device_path"))
    if path.exists() and stat.S_ISBLK(path.stat().st_mode):
        element.set("type", "block")
        source.set("dev", str(path))
        return "none"
    element.set("type", "file")
    source.set("file", str(path))
    return "writeback"


_Kind = Callable[[xml.Element, xml.Element, Spec, BlockDevice, dict[str, Any]], str]
_KINDS: dict[str, _Kind] = {"nbd": _nbd, "rbd": _rbd, "iscsi": _iscsi, "local": _local}


# --- Names of libvirt's secrets (secrets.py) ------------------------------------------------


def luks_id(spec: Spec, device: BlockDevice) -> str:
    """The id of the secret that has the passphrase."""
    return str(uuid.uuid5(_SPACE, f"luks {spec['id']} {device['volume_id']}"))


def chap_id(spec: Spec, device: BlockDevice) -> str:
    """The id of the secret that has the password of its target."""
    return str(uuid.uuid5(_SPACE, f"chap {spec['id']} {device['volume_id']}"))


def ceph_id(data: dict[str, Any]) -> str:
    """The id of the secret that has the key of a cluster's user."""
    return str(uuid.uuid5(_SPACE, f"ceph {data.get('cluster_name') or 'ceph'} "
                                  f"{data.get('auth_username')}"))
