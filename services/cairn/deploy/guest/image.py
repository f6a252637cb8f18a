"""The image: what identifies one, and how it is made when there is none yet."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cairn.deploy.guest.disk import make_disk
from cairn.deploy.guest.initramfs import initramfs
from cairn.deploy.guest.modules import Modules
from cairn.deploy.guest.packages import Package, download, kernel_name, offered, unpack
from cairn.deploy.guest.recipe import BOOT_SHELL, KERNEL, MODULES, packages
from cairn.deploy.guest.run import run
from cairn.deploy.guest.tree import find_program, make_tree

NAME = "cairn-guest.qcow2"
RECIPE = Path(__file__).parent


def build(output_dir: Path, cache_dir: Path) -> Path:
    """The guest image in output_dir, made anew only if the recipe or a package has changed.

    cache_dir keeps the packages' files and the last image; it may be deleted at any time.
    """
    kernel = kernel_name(KERNEL)
    chosen = offered([*packages(), kernel])
    cached = cache_dir / f"guest-{fingerprint(chosen)}.qcow2"
    if not cached.exists():
        files = cache_dir / "packages"
        download(chosen, files)
        with tempfile.TemporaryDirectory(prefix="cairn-guest-") as work:
            make(chosen, files, kernel, cached, Path(work))
        forget_others(cached, files, chosen)
    output_dir.mkdir(parents=True, exist_ok=True)
    return place(cached, output_dir / NAME)


def fingerprint(chosen: Iterable[Package]) -> str:
    """The same for the same packages and the same recipe, which is this folder."""
    total = hashlib.sha256()
    for package in sorted(chosen, key=lambda p: p.name):
        total.update(f"{package.file} {package.digest}\n".encode())
    for path in sorted(RECIPE.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".md"):
            total.update(f"{path.relative_to(RECIPE)} {path.stat().st_size}\n".encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


def make(chosen: list[Package], files: Path, kernel: str, target: Path, work: Path) -> None:
    """Write the image to target, whole or not at all."""
    debian, linux, early = work / "debian", work / "linux", work / "early"
    # The two busyboxes have the same paths.
    unpack([p for p in chosen if p.name not in (kernel, BOOT_SHELL)], files, debian)
    unpack([p for p in chosen if p.name == kernel], files, linux)
    unpack([p for p in chosen if p.name == BOOT_SHELL], files, early)
    shell = find_program(early, "busybox")
    modules = Modules.of(linux)
    tree = work / "tree"
    make_tree(tree, debian, shell)
    modules.install(MODULES, tree)
    (tree / "boot/initrd.img").write_bytes(initramfs(shell, modules))
    shutil.copyfile(next(linux.glob("boot/vmlinuz-*")), tree / "boot/vmlinuz")
    raw = work / "disk.raw"
    make_disk(raw, tree, debian, work)
    part = target.with_suffix(".part")
    # Little larger than zlib's, and read several times as fast, which a guest's first boot does.
    compressed = ("-c", "-o", "compression_type=zstd")
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", *compressed, raw, part)
    part.rename(target)


def forget_others(image: Path, files: Path, chosen: Iterable[Package]) -> None:
    """Old versions would pile up in the cache."""
    keep = {p.file for p in chosen}
    for path in (*image.parent.glob("guest-*.qcow2"), *files.glob("*.deb")):
        if path != image and path.name not in keep:
            path.unlink(missing_ok=True)


def place(image: Path, target: Path) -> Path:
    """A reader of target sees the old image or the new one, never a part."""
    part = target.with_suffix(f".{os.getpid()}")
    part.unlink(missing_ok=True)
    try:
        part.hardlink_to(image)
    except OSError:  # another file system
        shutil.copyfile(image, part)
    part.rename(target)
    return target
