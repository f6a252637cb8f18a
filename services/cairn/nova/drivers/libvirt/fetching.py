"""Disks of a server from the host that it leaves: read over libvirt's own way between compute
hosts (TLS, both sides by certificate), by its streams of storage volumes.

https://libvirt.org/html/libvirt-libvirt-storage.html
"""

import contextlib
import hashlib
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import libvirt

from cairn.common.work import check
from cairn.nova.drivers.files import ALGORITHMS, backing_file, require_space
from cairn.nova.drivers.libvirt.connection import failure
from cairn.nova.errors import HypervisorFailed

# What goes with a server, as it lies in its folder.
FILES = ("disk", "disk.eph0", "disk.config", "console.log")


class Here:
    """Files of this host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sizes(self) -> dict[str, int]:
        """Bytes that each file takes."""
        return {path.name: path.stat().st_blocks * 512
                for path in self.folder.iterdir() if path.is_file()}

    def copy(self, name: str, to: Path) -> None:
        done = subprocess.run(
            ["cp", "--reflink=auto", "--sparse=always", "--", str(self.folder / name), str(to)],
            capture_output=True, text=True, check=False)
        if done.returncode:
            raise HypervisorFailed(reason=f"cp: {done.stderr.strip()[-300:]}")


class There:
    """Files of another host, in a folder that libvirt there is shown as a pool for so long."""

    def __init__(self, pool: Any, connection: Any) -> None:
        self.pool, self.connection = pool, connection

    def sizes(self) -> dict[str, int]:
        return {volume.name(): volume.info()[2] for volume in self.pool.listAllVolumes()}

    def copy(self, name: str, to: Path) -> None:
        stream = self.connection.newStream()
        self.pool.storageVolLookupByName(name).download(
            stream, 0, 0, libvirt.VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)
        with to.open("wb") as file:
            stream.sparseRecvAll(_write, _skip, file)
            file.truncate()
        stream.finish()


def _write(stream: Any, data: bytes, file: Any) -> int:
    check()
    return int(file.write(data))


def _skip(stream: Any, length: int, file: Any) -> None:
    file.seek(length, os.SEEK_CUR)


@contextlib.contextmanager
def files_of(folder: Path, address: str | None) -> Iterator[Here | There]:
    """A folder's files on the host at that address; None: on this one. Raises HypervisorFailed."""
    if address is None:
        yield Here(folder)
        return
    host = ipaddress.ip_address(address)
    place = f"[{host}]" if host.version == 6 else str(host)
    try:
        connection = libvirt.open(f"qemu+tls://{place}/system")
        try:
            with _pool(connection, folder) as pool:
                yield There(pool, connection)
        finally:
            connection.close()
    except libvirt.libvirtError as error:
        raise failure(error) from error


@contextlib.contextmanager
def _pool(connection: Any, folder: Path) -> Iterator[Any]:
    """Gone again afterwards; one that a process before left behind is used."""
    root = xml.Element("pool", type="dir")
    xml.SubElement(root, "name").text = f"cairn-{folder.name}"
    xml.SubElement(xml.SubElement(root, "target"), "path").text = str(folder)
    try:
        pool = connection.storagePoolLookupByName(f"cairn-{folder.name}")
        pool.refresh()
    except libvirt.libvirtError:
        pool = connection.storagePoolCreateXML(xml.tostring(root, encoding="unicode"))
    try:
        yield pool
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            pool.destroy()


def fetch(folder: Path, address: str | None, to: Path, host: str, what: str) -> None:
    """Copy a server's files from a folder there to one here, which is made. Raises NoDiskSpace,
    HypervisorFailed."""
    with files_of(folder, address) as there:
        sizes = there.sizes()
        names = [name for name in FILES if name in sizes]
        require_space(to.parent, sum(sizes[name] for name in names), host, what)
        to.mkdir(parents=True)
        to.chmod(0o711)
        for name in names:
            there.copy(name, to / name)


def fetch_base(disk: Path, address: str, images: Path, host: str) -> None:
    """The image that a copied disk lies upon, where this host lacks it, from the host the disk came
    from. Its name says what it contains, and is held to that. Raises HypervisorFailed."""
    image = backing_file(disk)
    if image is None or image.exists():
        return
    if image.parent != images:
        raise HypervisorFailed(reason=f"{disk} lies upon {image}, which is no image")
    digest = image.name.partition(".")[2]
    algorithm = ALGORITHMS.get(len(digest))
    if algorithm is None:
        raise HypervisorFailed(reason=f"{image} does not say what it contains")
    images.mkdir(parents=True, exist_ok=True)
    part = image.with_name(f"{image.name}.part")
    try:
        with files_of(images, address) as there:
            require_space(images, there.sizes().get(image.name, 0), host, f"image {image.name}")
            there.copy(image.name, part)
        with part.open("rb") as file:
            if hashlib.file_digest(file, algorithm).hexdigest() != digest:
                raise HypervisorFailed(reason=f"{image.name} is not what its name says")
        part.chmod(0o444)
        part.replace(image)
    finally:
        part.unlink(missing_ok=True)
