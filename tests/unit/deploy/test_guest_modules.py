from pathlib import Path

import pytest

from cairn.deploy.guest import BuildError
from cairn.deploy.guest.modules import Modules


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A tree of unpacked packages with four modules; virtio is built in."""
    folder = tmp_path / "lib/modules/6.1-test"
    for name, facts in {
        "drivers/blk.ko": [b"alias=virtio:d2", b"depends=virtio,ring-core"],
        "drivers/ring-core.ko": [b"depends="],
        "fs/vfat.ko": [b"depends=fat", b"softdep=pre: nls-base post: other", b"alias=fs-vfat"],
        "fs/fat.ko": [b"depends="],
        "fs/nls_base.ko": [b"description=depends=nothing"],
    }.items():
        path = folder / "kernel" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF\0" + b"\0".join(facts) + b"\0")
    (folder / "modules.builtin").write_text("kernel/drivers/virtio.ko\n")
    return tmp_path


def test_each_module_comes_after_what_it_needs(kernel):
    assert Modules.of(kernel).closure(["blk", "vfat"]) == [
        "ring_core",
        "blk",
        "fat",
        "nls_base",
        "vfat",
    ]


def test_what_is_built_in_is_left_out(kernel):
    assert Modules.of(kernel).closure(["virtio"]) == []


def test_a_module_that_the_kernel_has_not_is_named(kernel):
    with pytest.raises(BuildError, match="6.1-test has no module typo"):
        Modules.of(kernel).closure(["typo"])


def test_modprobes_indexes_speak_of_the_installed_only(kernel, tmp_path):
    root = tmp_path / "guest"
    Modules.of(kernel).install(["vfat"], root)
    target = root / "lib/modules/6.1-test"
    assert (target / "modules.dep").read_text() == (
        "kernel/fs/fat.ko:\n"
        "kernel/fs/nls_base.ko:\n"
        "kernel/fs/vfat.ko: kernel/fs/nls_base.ko kernel/fs/fat.ko\n"
    )
    assert (target / "modules.alias").read_text() == "alias fs-vfat vfat\n"
    assert (target / "kernel/fs/vfat.ko").exists()
    assert not (target / "kernel/drivers").exists()


def test_two_kernels_are_one_too_many(kernel):
    (kernel / "lib/modules/6.2-test").mkdir()
    with pytest.raises(BuildError, match="2 kernels"):
        Modules.of(kernel)
