"""A Debian 12 with cloud-init, as anybody might bring it to a cloud: made by mmdebstrap from the
machine's own sources, one bootable disk.

It needs root, as the lab does, and neither a loop device nor a mount of its own.
"""

import hashlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.cairn.cloud.plugins.module_utils import machine

from cairn.deploy import packages
from cairn.deploy.guest import disk
from cairn.deploy.guest.packages import kernel_name, offered
from cairn.deploy.guest.run import run

CACHE = Path("/var/cache/cairn/debian")
SUITE, USER, LABEL = "bookworm", "debian", "debian"
KERNEL = "linux-image-cloud-amd64"
# What Debian's own image for OpenStack has, as far as a server needs it to be one.
INCLUDE = (
    KERNEL, "ca-certificates", "cloud-guest-utils", "cloud-init", "dbus", "e2fsprogs",
    "grub-pc-bin", "initramfs-tools", "iproute2", "iputils-ping", "kmod", "libpam-systemd",
    "netbase", "netplan.io", "openssh-server", "procps", "sudo", "systemd-resolved",
    "systemd-sysv", "udev", "zstd",
)
MIB = 2048
SECTORS = MIB * 2048 - disk.START
GRUB_SCRIPT = f"""\
linux16 /vmlinuz root=LABEL={LABEL} ro console=tty0 console=ttyS0,115200 mitigations=off
initrd16 /initrd.img
boot
"""
# No documentation, and no sync while it is being made.
DPKG = ("force-unsafe-io", "path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/man/*",
        "path-exclude=/usr/share/locale/*")
# Nothing stays of where it was made, and nothing that two servers may not share.
FINISH = f"""
set -e
rm -f "$1"/etc/apt/sources.list.d/0000* "$1"/etc/apt/apt.conf.d/99mmdebstrap
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf
ln -s ../run/systemd/resolve/stub-resolv.conf "$1"/etc/resolv.conf
: > "$1"/etc/machine-id
echo 'LABEL={LABEL} / ext4 rw,discard,errors=remount-ro 0 1' > "$1"/etc/fstab
echo 'LANG=C.UTF-8' > "$1"/etc/default/locale
systemctl --quiet --root "$1" mask apt-daily.timer apt-daily-upgrade.timer
systemctl --quiet --root "$1" enable systemd-networkd.service
"""


def build(cache: Path = CACHE) -> tuple[Path, float]:
    """The image as qcow2, and the seconds it took; made anew only if the recipe or one of the
    packages that it names has changed."""
    begun = time.monotonic()
    packages.install(["mmdebstrap", "qemu-utils", "e2fsprogs"])
    packages.update()
    image = cache / f"debian-{fingerprint()}.qcow2"
    if not image.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="cairn-debian-", dir=cache) as work:
            make(image, Path(work))
        for other in cache.glob("debian-*.qcow2"):
            if other != image:
                other.unlink()
    return image, time.monotonic() - begun


def fingerprint() -> str:
    total = hashlib.sha256(Path(__file__).read_bytes())
    total.update(Path(disk.__file__).read_bytes())
    for package in sorted(offered([*INCLUDE, kernel_name(KERNEL)]), key=lambda p: p.name):
        total.update(f"{package.file} {package.digest}\n".encode())
    return total.hexdigest()[:16]


def make(target: Path, work: Path) -> None:
    """Write the image to target, whole or not at all."""
    root, raw = work / "root", work / "disk.raw"
    bootstrap(root, work, INCLUDE, FINISH)
    with raw.open("wb") as file:
        file.truncate(MIB << 20)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", LABEL, "-b", "4096",
        "-E", f"offset={disk.START * disk.SECTOR}", "-d", root, raw, f"{SECTORS // 2}k")
    with raw.open("r+b") as file:
        file.write(disk.boot_area(root, work, GRUB_SCRIPT, SECTORS))
    whole = work / target.name
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-o", "compression_type=zstd",
        raw, whole)
    whole.rename(target)


def bootstrap(root: Path, work: Path, include: Sequence[str], finish: str) -> None:
    sources, options = work / "debian.sources", work / "apt.conf"
    sources.write_text(machine.debian_sources(SUITE))
    options.write_text(machine.apt_options())
    run("mmdebstrap", "--quiet", "--mode=root",
        "--format=directory", "--variant=minbase", f"--aptopt={options}",
        *(f"--dpkgopt={option}" for option in DPKG), f"--include={','.join(include)}",
        f"--customize-hook={finish}", SUITE, root, sources)
