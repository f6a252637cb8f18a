"""The files of a server: an overlay on the cached image, more disks, a config drive."""

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pycdlib

from cairn.nova.compute.errors import FlavorTooSmall, HypervisorFailed
from cairn.nova.compute.images import QEMU_FORMATS, ImageCache, require_space
from cairn.nova.rpc import Spec

GIB = 1 << 30
# qemu-img reads what users gave: it gets a minute of processor and 1 GiB of memory.
LIMITS = ["prlimit", "--as=1073741824", "--cpu=60", "--"]


def qemu_img(*words: str, limits: bool = True, timeout: float = 600) -> str:
    """What `qemu-img words` prints. Raises HypervisorFailed."""
    command = [*(LIMITS if limits else []), "qemu-img", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        raise HypervisorFailed(reason=f"qemu-img {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


class Disks:
    """Of all servers of the host, each in a folder of its own."""

    def __init__(self, folder: Path, images: ImageCache, host: str) -> None:
        self.folder, self.images, self.host = folder, images, host

    def of(self, spec: Spec) -> Path:
        return self.folder / spec["id"]

    def make(self, spec: Spec) -> None:
        """All of them, from nothing: what an earlier try left is made again."""
        self.remove(spec)
        place = self.of(spec)
        place.mkdir(mode=0o711, parents=True)
        flavor = spec["flavor"]
        image = spec["image"]
        assert image is not None
        base = self.images.path(image)
        kind = QEMU_FORMATS[image["disk_format"]]
        told = json.loads(qemu_img("info", "--output=json", "-f", kind, "-U", str(base)))
        virtual = int(told["virtual-size"])
        wanted = flavor["disk"] * GIB or virtual
        if virtual > wanted:
            raise FlavorTooSmall(disk=wanted, image=virtual)
        require_space(self.folder, 64 << 20, self.host, f"the disks of server {spec['id']}")
        qemu_img("create", "-q", "-f", "qcow2", "-b", str(base), "-F", kind,
                 str(place / "disk"), str(wanted))
        if flavor["ephemeral"]:
            qemu_img("create", "-q", "-f", "qcow2", str(place / "disk.eph0"),
                     f"{flavor['ephemeral']}G")
        if flavor["swap"]:
            qemu_img("create", "-q", "-f", "qcow2", str(place / "disk.swap"),
                     f"{flavor['swap']}M")
        if spec["config_drive"] is not None:
            write_config_drive(place / "disk.config", spec["config_drive"])

    def remove(self, spec: Spec) -> None:
        shutil.rmtree(self.of(spec), ignore_errors=True)

    def root(self, spec: Spec) -> Path:
        return self.of(spec) / "disk"

    def bytes_of(self, disk: Path) -> int:
        """What the disk takes with all that is below it: a whole copy needs no more."""
        chain = json.loads(qemu_img("info", "--output=json", "--backing-chain", "-f", "qcow2",
                                    "-U", str(disk)))
        return sum(int(layer["actual-size"]) for layer in chain)

    def files(self, spec: Spec) -> list[tuple[str, Path]]:
        """(target device, file) of the disks that there are, the root disk first."""
        place = self.of(spec)
        names = ["disk", "disk.eph0", "disk.swap"]
        return [(f"vd{letter}", path) for letter, path in zip(
            "abc", (p for p in (place / n for n in names) if p.exists()), strict=False)]


def write_config_drive(path: Path, content: dict[str, str]) -> None:
    """An ISO 9660 image labelled config-2 with files by path, their content in base64."""
    iso: Any = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="config-2")
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
