"""The files of a server: an overlay on the cached image, more disks, a config drive."""

import base64
import io
import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycdlib

from cairn.common.bounds import below, uuid_of
from cairn.common.settings import BadSetting
from cairn.nova.drivers.base import Images, volume_backed
from cairn.nova.drivers.files import QEMU_FORMATS, backing_file, require_space
from cairn.nova.drivers.libvirt import fat
from cairn.nova.errors import FlavorTooSmall, HypervisorFailed
from cairn.nova.rpc import Image, Spec

GIB = 1 << 30
# Behind the name of the folder of what is put aside.
ASIDE = "_resize"
# Files of a server that is rescued.
RESCUE, RESCUE_CONFIG = "disk.rescue", "disk.config.rescue"
HOURS = 4 * 3600  # Seconds a copy may take.
# qemu-img reads what users gave: it gets a minute of processor and 1 GiB of memory.
LIMITS = ["prlimit", "--as=1073741824", "--cpu=60", "--"]


def qemu_img(*words: str, limits: bool = True, timeout: float = 600) -> str:
    """What `qemu-img words` prints. Raises HypervisorFailed."""
    command = [*(LIMITS if limits else []), "qemu-img", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise HypervisorFailed(reason=f"qemu-img {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


@dataclass(frozen=True)
class Disk:
    """One of a server: its file, and the cached image that lies below it, if any, with that
    one's format."""

    path: Path
    base: Path | None = None
    base_format: str = "raw"


class Disks:
    """Of all servers of the host, each in a folder of its own."""

    def __init__(
        self, folder: Path, images: Images, host: str, drive_format: str = "iso9660"
    ) -> None:
        """Raises BadSetting for a format that no config drive has."""
        if drive_format not in DRIVE_FORMATS:
            raise BadSetting(f"[compute] config_drive_format: expected one of "
                             f"{', '.join(DRIVE_FORMATS)}, not {drive_format}")
        self.folder, self.images, self.host = folder, images, host
        self.drive_format = drive_format

    def of(self, spec: Spec) -> Path:
        return below(self.folder, uuid_of(spec["id"], "server"))

    def make(self, spec: Spec) -> None:
        """All of them, from nothing: what an earlier try left is made again."""
        self.remove(spec)
        place = self.of(spec)
        place.mkdir(parents=True)
        place.chmod(0o711)
        flavor = spec["flavor"]
        if not volume_backed(spec):
            self._make_root(spec, place)
        for name, size in (("disk.eph0", int(flavor["ephemeral"]) * GIB),
                           ("disk.swap", int(flavor["swap"]) << 20)):
            if size:
                qemu_img("create", "-q", "-f", "qcow2", str(place / name), str(size))
        if spec["config_drive"] is not None:
            write_config_drive(place / "disk.config", spec["config_drive"], self.drive_format)
        for path in place.iterdir():
            path.chmod(0o600)  # libvirt gives each to the user of the server's QEMU.

    def make_rescue(self, spec: Spec, image: Image) -> None:
        """What a server is rescued from, anew: an overlay on the image, as large as that, and a
        config drive of now where the server has one."""
        self.drop_rescue(spec)
        place = self.of(spec)
        kind = QEMU_FORMATS[image["disk_format"]]
        with self.images.kept(image) as base:
            require_space(self.folder, 64 << 20, self.host, f"rescuing server {spec['id']}")
            qemu_img("create", "-q", "-f", "qcow2", "-b", str(base), "-F", kind,
                     str(place / RESCUE))
        if spec["config_drive"] is not None:
            write_config_drive(place / RESCUE_CONFIG, spec["config_drive"])
        for name in (RESCUE, RESCUE_CONFIG):
            if (place / name).exists():
                (place / name).chmod(0o600)

    def drop_rescue(self, spec: Spec) -> None:
        for name in (RESCUE, RESCUE_CONFIG):
            (self.of(spec) / name).unlink(missing_ok=True)

    def rescue(self, spec: Spec, image: Image) -> Disk:
        path = self.of(spec) / RESCUE
        return Disk(path, self.base(path), QEMU_FORMATS[image["disk_format"]])

    def _make_root(self, spec: Spec, place: Path) -> None:
        flavor, image = spec["flavor"], spec["image"]
        assert image is not None
        kind = QEMU_FORMATS[image["disk_format"]]
        with self.images.kept(image) as base:
            told = json.loads(qemu_img("info", "--output=json", "-f", kind, "-U", str(base)))
            virtual = int(told["virtual-size"])
            root_size = int(flavor["disk"]) * GIB or virtual
            if virtual > root_size:
                raise FlavorTooSmall(disk=root_size, image=virtual)
            require_space(self.folder, 64 << 20, self.host, f"the disks of server {spec['id']}")
            if spec.get("copies_image"):
                self._copy(base, kind, place / "disk", root_size, spec["id"])
                return
            qemu_img("create", "-q", "-f", "qcow2", "-b", str(base), "-F", kind,
                     str(place / "disk"), str(root_size))

    def _copy(self, base: Path, kind: str, disk: Path, size: int, server_id: str) -> None:
        """A disk of its own: an image that is about to be deleted is nothing to lie upon."""
        require_space(self.folder, base.stat().st_blocks * 512, self.host,
                      f"the disks of server {server_id}")
        qemu_img("convert", "-q", "-f", kind, "-O", "qcow2", str(base), str(disk), limits=False,
                 timeout=HOURS)
        qemu_img("resize", "-q", "-f", "qcow2", str(disk), str(size))

    def remove(self, spec: Spec) -> None:
        shutil.rmtree(self.of(spec), ignore_errors=True)

    def aside(self, spec: Spec) -> Path:
        """Where the disks of one that moved away, or was resized, are kept."""
        return below(self.folder, f"{uuid_of(spec['id'], 'server')}{ASIDE}")

    def set_aside(self, spec: Spec) -> None:
        if self.of(spec).exists() and not self.aside(spec).exists():
            self.of(spec).rename(self.aside(spec))

    def put_back(self, spec: Spec) -> None:
        if self.aside(spec).exists():
            self.remove(spec)
            self.aside(spec).rename(self.of(spec))

    def forget_aside(self, spec: Spec) -> None:
        shutil.rmtree(self.aside(spec), ignore_errors=True)

    def fit(self, spec: Spec) -> None:
        """Make them as large as the flavor has them; nothing becomes smaller."""
        flavor, place = spec["flavor"], self.of(spec)
        sizes = {"disk": int(flavor["disk"]) * GIB, "disk.eph0": int(flavor["ephemeral"]) * GIB}
        for name, size in sizes.items():
            path = place / name
            if path.exists():
                self.base(path)
                told = json.loads(qemu_img("info", "--output=json", "-f", "qcow2", str(path)))
                if int(told["virtual-size"]) < size:
                    qemu_img("resize", "-q", "-f", "qcow2", str(path), str(size))
            elif size and name != "disk":
                qemu_img("create", "-q", "-f", "qcow2", str(path), str(size))
        swap = int(flavor["swap"]) << 20
        (place / "disk.swap").unlink(missing_ok=True)
        if swap:
            qemu_img("create", "-q", "-f", "qcow2", str(place / "disk.swap"), str(swap))
        for path in place.iterdir():
            path.chmod(0o600)

    def root(self, spec: Spec) -> Path:
        return self.of(spec) / "disk"

    def base(self, disk: Path) -> Path | None:
        """The image that a disk lies upon. Raises HypervisorFailed for any other file: whoever
        broke out of a guest may have written that into the disk, for root to open."""
        image = backing_file(disk)
        if has_data_file(disk):
            raise HypervisorFailed(reason=f"{disk} keeps its data in another file")
        if image is not None and (image.parent != self.images.folder or image.is_symlink()):
            raise HypervisorFailed(reason=f"{disk} lies upon {image}, which is no image")
        return image

    def bytes_of(self, disk: Path) -> int:
        """What the disk takes with what is below it: a whole copy needs no more."""
        base = self.base(disk)
        return sum(path.stat().st_blocks * 512 for path in (disk, base) if path is not None)

    def files(self, spec: Spec) -> list[Disk]:
        """The disks that there are, the root disk first."""
        place, image = self.of(spec), spec["image"]
        kind = QEMU_FORMATS[image["disk_format"]] if image and image["id"] else "raw"
        paths = [p for p in (place / n for n in ("disk", "disk.eph0", "disk.swap")) if p.exists()]
        return [Disk(path, self.base(path), kind) for path in paths]


def has_data_file(disk: Path) -> bool:
    """Whether a qcow2 file keeps its data elsewhere: bit 2 of what its reader must understand."""
    with disk.open("rb") as file:
        header = file.read(80)
    version, = struct.unpack(">I", header[4:8])
    return version >= 3 and bool(struct.unpack(">Q", header[72:80])[0] & 4)


DRIVE_FORMATS = ("iso9660", "vfat")
DRIVE_LABEL = "config-2"


def write_config_drive(path: Path, content: dict[str, str], kind: str = "iso9660") -> None:
    """An image labelled config-2 with files by path, their content in base64. Raises
    HypervisorFailed for what is too much for it."""
    if kind == "vfat":
        try:
            fat.write(path, DRIVE_LABEL,
                      {name: base64.b64decode(data) for name, data in content.items()})
        except ValueError as error:
            raise HypervisorFailed(reason=f"the config drive: {error}") from error
    else:
        _write_iso(path, content)


def _write_iso(path: Path, content: dict[str, str]) -> None:
    iso: Any = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=DRIVE_LABEL)
    made: set[str] = set()
    for number, (name, encoded) in enumerate(sorted(content.items())):
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in made:
                made.add(folder)
                iso.add_directory(_short(parts[:depth]), rr_name=parts[depth - 1],
                                  joliet_path=f"/{folder}")
        data = base64.b64decode(encoded)
        iso.add_fp(io.BytesIO(data), len(data), f"{_short(parts[:-1])}/F{number:06d}.;1",
                   rr_name=parts[-1], joliet_path="/" + "/".join(parts))
    iso.write(str(path))
    iso.close()


def _short(parts: list[str]) -> str:
    """A folder's ISO 9660 path: capitals, digits and underscores only, unique enough here."""
    cleaned = ["".join(c if c.isalnum() else "_" for c in part.upper())[:24] for part in parts]
    return "".join(f"/{part}" for part in cleaned)
