"""The image's parts that are only bytes."""

import struct
import sys
from pathlib import Path

import pytest

from cairn.deploy.guest import BuildError, cpio, image
from cairn.deploy.guest.disk import SECTOR, SECTORS, START, join_boot_area
from cairn.deploy.guest.elf import needed
from cairn.deploy.guest.packages import Package
from cairn.deploy.guest.recipe import packages

CHOSEN = [Package("a", "a_1.deb", 1, "SHA256:1"), Package("b", "b_1.deb", 1, "SHA256:2")]


def test_a_program_names_its_libraries_and_its_loader():
    libraries = needed(Path(sys.executable).resolve())
    assert "libc.so.6" in libraries
    assert any(name.startswith("ld-linux") for name in libraries)


def test_what_is_no_program_needs_no_library():
    assert needed(Path(__file__)) == []


def test_the_partition_table_has_one_bootable_linux_partition():
    area = join_boot_area(b"\x90" * SECTOR, b"core")
    assert area[510:512] == b"\x55\xaa"
    assert area[446] == 0x80 and area[450] == 0x83
    assert struct.unpack_from("<II", area, 454) == (START, SECTORS)
    assert area[462:510] == bytes(48)
    assert area[SECTOR:] == b"core"


def test_a_core_that_would_reach_into_the_partition_is_refused():
    with pytest.raises(BuildError, match="does not fit"):
        join_boot_area(bytes(SECTOR), bytes(START * SECTOR))


def test_an_archive_is_padded_and_ends_as_the_kernel_wants_it():
    made = cpio.archive([cpio.directory("dev"), cpio.device("dev/console", 5, 1)])
    assert made.startswith(b"070701")
    assert len(made) % 4 == 0
    assert made.rstrip(b"\0").endswith(b"TRAILER!!!")


def test_the_same_packages_make_the_same_image_in_any_order():
    assert image.fingerprint(CHOSEN) == image.fingerprint(CHOSEN[::-1])


def test_a_new_version_makes_another_image():
    newer = [CHOSEN[0], Package("b", "b_2.deb", 1, "SHA256:3")]
    assert image.fingerprint(CHOSEN) != image.fingerprint(newer)


def test_a_change_of_the_recipe_makes_another_image(monkeypatch, tmp_path):
    before = image.fingerprint(CHOSEN)
    (tmp_path / "boot").write_text("#!/bin/sh\n")
    monkeypatch.setattr(image, "RECIPE", tmp_path)
    assert image.fingerprint(CHOSEN) != before


def test_a_cached_image_is_handed_out_without_building(monkeypatch, tmp_path):
    monkeypatch.setattr(image, "kernel_name", lambda meta: "linux-image-6.1")
    monkeypatch.setattr(image, "offered", lambda names: CHOSEN)
    cached = tmp_path / "cache" / f"guest-{image.fingerprint(CHOSEN)}.qcow2"
    cached.parent.mkdir()
    cached.write_bytes(b"image")
    made = image.build(tmp_path / "out", tmp_path / "cache")
    assert made == tmp_path / "out" / "cairn-guest.qcow2"
    assert made.read_bytes() == b"image"
    assert image.build(tmp_path / "out", tmp_path / "cache") == made


def test_the_cache_forgets_what_no_image_needs_any_more(tmp_path):
    files = tmp_path / "packages"
    files.mkdir()
    for name in ("a_1.deb", "b_1.deb", "b_0.deb"):
        (files / name).touch()
    old, new = tmp_path / "guest-old.qcow2", tmp_path / "guest-new.qcow2"
    old.touch()
    new.touch()
    image.forget_others(new, files, CHOSEN)
    assert sorted(p.name for p in files.iterdir()) == ["a_1.deb", "b_1.deb"]
    assert new.exists() and not old.exists()


def test_no_package_is_asked_for_twice():
    assert len(packages()) == len(set(packages()))
