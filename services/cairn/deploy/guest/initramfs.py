"""The initramfs: the boot shell, the disk drivers, and early/init, which finds the root disk."""

import gzip
from importlib.resources import files
from pathlib import Path

from cairn.deploy.guest import cpio
from cairn.deploy.guest.modules import Modules
from cairn.deploy.guest.recipe import EARLY_MODULES

FOLDERS = ("bin", "dev", "modules", "proc", "root", "sys")


def initramfs(shell: Path, modules: Modules) -> bytes:
    order = modules.closure(EARLY_MODULES)
    init = files(__package__) / "early/init"
    entries = [cpio.directory(name) for name in FOLDERS]
    entries += [
        # The kernel opens it before anything can make it.
        cpio.device("dev/console", 5, 1),
        cpio.program("bin/busybox", shell.read_bytes()),
        cpio.link("bin/sh", "busybox"),
        cpio.program("init", init.read_bytes()),
    ]
    # A shell's * is sorted: the number keeps a module behind those it needs.
    entries += [
        cpio.file(f"modules/{number:02}-{name}.ko", modules.files[name])
        for number, name in enumerate(order)
    ]
    return gzip.compress(cpio.archive(entries), mtime=0)
