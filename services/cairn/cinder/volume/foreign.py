"""Volumes of other storage hosts, as those export them: what QEMU's tools open here.

What a connection says comes from a host that may have been broken into: it names what lies behind
the network, and never anything of this host.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cairn.cinder.drivers.base import Disk, NotSupported
from cairn.cinder.volume.backends import Backends

TLS, CHAP = "peer", "chap"


@contextmanager
def opened(connection: dict[str, Any], backends: Backends) -> Iterator[Disk]:
    """What the export holds. Raises NotSupported for what no other host can read."""
    kind, data = connection["driver_volume_type"], connection["data"]
    if kind == "nbd" and data.get("host") and data.get("tls"):
        yield _nbd(data, backends)
    elif kind == "rbd":
        yield _rbd(data)
    elif kind == "iscsi":
        yield _iscsi(data)
    elif kind == "fake" and "fake" in backends.protocols():
        yield Disk({"driver": "raw", "read-only": True, "file": {
            "driver": "file", "filename": str(data["device_path"]), "locking": "off"}})
    else:
        raise NotSupported(reason=f"an export by {kind} is for guests of its own host only")


def _nbd(data: dict[str, Any], backends: Backends) -> Disk:
    return Disk({"driver": "raw", "read-only": True, "file": {
        "driver": "nbd", "export": str(data["export"]), "tls-creds": TLS,
        "server": {"type": "inet", "host": str(data["host"]), "port": str(int(data["port"]))},
    }}, peers={TLS: backends.tls})


def _rbd(data: dict[str, Any]) -> Disk:
    """With the keyring that this host has of the cluster."""
    pool, _, image = str(data["name"]).partition("/")
    return Disk({"driver": "raw", "read-only": True, "file": {
        "driver": "rbd", "pool": pool, "image": image, "user": str(data["auth_username"]),
        "conf": "/etc/ceph/ceph.conf"}})


def _iscsi(data: dict[str, Any]) -> Disk:
    return Disk({"driver": "raw", "read-only": True, "file": {
        "driver": "iscsi", "transport": "tcp", "portal": str(data["target_portal"]),
        "target": str(data["target_iqn"]), "lun": int(data["target_lun"]),
        "user": str(data["auth_username"]), "password-secret": CHAP,
    }}, {CHAP: str(data["auth_password"])})
