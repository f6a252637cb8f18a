"""The disk: GRUB before one partition, which holds the guest's ext4 file system."""

import os
import struct
import zlib
from pathlib import Path

from cairn.deploy.guest.errors import BuildError
from cairn.deploy.guest.recipe import COMMAND_LINE, DISK_MIB, LABEL, USER
from cairn.deploy.guest.run import run, run_unpacked

SECTOR = 512
START = 2048
SECTORS = DISK_MIB * 2048 - START
ACTIVE, LINUX = 0x80, 0x83
NO_CYLINDERS = b"\xfe\xff\xff"

# The 16-bit protocol: GRUB's other one takes a second longer on an emulated processor.
GRUB_SCRIPT = f"""\
linux16 /boot/vmlinuz {COMMAND_LINE}
initrd16 /boot/initrd.img
boot
"""
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2", "linux16")

# Whatever the builder's Debian would choose, the guest's kernel and GRUB know these.
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,"
    "large_file,huge_file,dir_nlink,extra_isize"
)


def make_disk(path: Path, tree: Path, debian: Path, work: Path) -> None:
    """A raw disk image from the guest's files; debian has GRUB unpacked in it."""
    with path.open("wb") as disk:
        disk.truncate(DISK_MIB << 20)
    make_filesystem(path, tree)
    area = boot_area(debian, work)
    with path.open("r+b") as disk:
        disk.write(area)


def make_filesystem(path: Path, tree: Path) -> None:
    run(
        *("mke2fs", "-q", "-F", "-t", "ext4", "-O", FEATURES, "-L", LABEL),
        *("-b", "4096", "-I", "256", "-m", "1", "-J", "size=4", "-N", "4096"),
        # Room in the tables to grow to a disk of 1 TiB while mounted.
        *("-E", f"offset={START * SECTOR},root_owner=0:0,resize={1 << 28}"),
        *("-d", tree, path, f"{SECTORS // 2}k"),
    )
    # The files are the builder's; inside they are root's, but for the user's home.
    commands = []
    for folder, folders, files in os.walk(tree):
        for name in folders + files:
            inside = "/" + os.path.relpath(os.path.join(folder, name), tree)
            owner = 1000 if inside == f"/home/{USER}" else 0
            commands += [f'sif "{inside}" {field} {owner}' for field in ("uid", "gid")]
    script = "\n".join(commands) + "\n"
    run("debugfs", "-w", "-f", "/dev/stdin", f"{path}?offset={START * SECTOR}", text=script)


def boot_area(
    debian: Path, work: Path, said: str = GRUB_SCRIPT, sectors: int = SECTORS
) -> bytes:
    """Everything before the partition: the master boot record and GRUB's core, which does what is
    said."""
    images = debian / "usr/lib/grub/i386-pc"
    core = work / "core.img"
    script = work / "grub.cfg"
    script.write_text(said)
    run_unpacked(
        *(debian, debian / "usr/bin/grub-mkimage", "-O", "i386-pc", "-d", images, "-o", core),
        *("-c", script, "-p", "(,msdos1)/boot/grub", *GRUB_MODULES),
    )
    return join_boot_area((images / "boot.img").read_bytes(), core.read_bytes(), sectors)


def join_boot_area(boot: bytes, core: bytes, sectors: int = SECTORS) -> bytes:
    """GRUB's first sector looks for its core in the one after it."""
    if len(core) > (START - 1) * SECTOR:
        raise BuildError("GRUB's core does not fit before the partition")
    entry = struct.pack("<B3sB3sII", ACTIVE, NO_CYLINDERS, LINUX, NO_CYLINDERS, START, sectors)
    signature = struct.pack("<I", zlib.crc32(core))
    record = boot[:440] + signature + bytes(2) + entry + bytes(48) + b"\x55\xaa"
    return record + core
