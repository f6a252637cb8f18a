"""What opens volumes, lent to libvirt for the moment in which it hands it to a guest's QEMU.

Secrets that lie in its memory alone (ephemeral), and that it tells nobody (private)."""

import base64
import binascii
import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import libvirt

from cairn.nova.drivers.libvirt.volumes import ceph_id, chap_id, luks_id
from cairn.nova.errors import HypervisorFailed
from cairn.nova.rpc import BlockDevice, Spec

CEPH = Path("/etc/ceph")
_WORD = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@contextlib.contextmanager
def lent(connection: Any, spec: Spec, devices: Iterable[BlockDevice]) -> Iterator[None]:
    """What these volumes need, while this lasts. Keys of Ceph stay: others use them meanwhile.
    Raises HypervisorFailed."""
    made = []
    try:
        for device in devices:
            info = device["connection"] or {}
            data = info.get("data") or {}
            if device.get("encrypted"):
                phrase = device.get("passphrase")
                if not phrase:
                    raise HypervisorFailed(reason="nobody said what opens the volume")
                made.append(_keep(connection, luks_id(spec, device), "volume", "volume",
                                  f"{spec['id']} {device['volume_id']}", phrase.encode()))
            if info.get("driver_volume_type") == "iscsi" and data.get("auth_method"):
                made.append(_keep(connection, chap_id(spec, device), "iscsi", "target",
                                  f"{spec['id']} {device['volume_id']}",
                                  str(data.get("auth_password")).encode()))
            if info.get("driver_volume_type") == "rbd" and data.get("auth_enabled"):
                _keep(connection, ceph_id(data), "ceph", "name",
                      f"{data.get('cluster_name') or 'ceph'} client.{data['auth_username']}",
                      _ceph_key(data))
        yield
    finally:
        for secret in made:
            with contextlib.suppress(libvirt.libvirtError):
                secret.undefine()


def _keep(
    connection: Any, secret_id: str, kind: str, tag: str, name: str, value: bytes
) -> Any:
    root = xml.Element("secret", ephemeral="yes", private="yes")
    xml.SubElement(root, "uuid").text = secret_id
    usage = xml.SubElement(root, "usage", type=kind)
    xml.SubElement(usage, tag).text = name
    secret = connection.secretDefineXML(xml.tostring(root, encoding="unicode"), 0)
    secret.setValue(value, 0)
    return secret


def _ceph_key(data: dict[str, Any]) -> bytes:
    """Of the host's own keyring, which role ceph wrote. Raises HypervisorFailed."""
    cluster, user = data.get("cluster_name") or "ceph", data.get("auth_username")
    if not _WORD.fullmatch(str(cluster)) or not _WORD.fullmatch(str(user)):
        raise HypervisorFailed(reason="not a name of a cluster or its user")
    path = CEPH / f"{cluster}.client.{user}.keyring"
    try:
        line = re.search(r"^\s*key\s*=\s*(\S+)\s*$", path.read_text(), re.MULTILINE)
        return base64.b64decode(line.group(1), validate=True) if line else b""
    except (OSError, binascii.Error) as error:
        raise HypervisorFailed(reason=f"{path}: {error}") from error
