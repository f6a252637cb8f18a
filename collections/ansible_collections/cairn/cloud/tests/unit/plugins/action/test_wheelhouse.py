# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import time

import pytest
from ansible_collections.cairn.cloud.plugins.action import wheelhouse
from ansible_collections.cairn.cloud.plugins.action.wheelhouse import LOCK, version


@pytest.fixture
def checkout(tmp_path):
    for name in ("services/cairn/__init__.py", LOCK):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("one")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    return tmp_path


def test_the_same_contents_are_the_same_version(checkout):
    before = version(checkout)
    (checkout / "services/cairn/__pycache__").mkdir()
    (checkout / "services/cairn/__pycache__/x.pyc").write_text("noise")
    (checkout / "notes.txt").write_text("noise")
    assert version(checkout) == before
    assert before.startswith("1.2.3-")


@pytest.mark.parametrize("name", ["services/cairn/__init__.py", LOCK, "services/cairn/new.py"])
def test_changed_code_or_dependencies_are_another_version(checkout, name):
    before = version(checkout)
    (checkout / name).write_text("two")
    assert version(checkout) != before


def test_who_waits_gets_what_was_begun_in_the_background(tmp_path, monkeypatch):
    def build(source, state, archive):
        time.sleep(0.2)
        archive.write_text(str(os.getpid()))

    monkeypatch.setattr(wheelhouse, "build", build)
    archive = tmp_path / "releases" / "1.tar"
    wheelhouse.in_background(lambda: wheelhouse.build_once(None, None, archive))
    while not (archive.parent / ".lock").exists():
        time.sleep(0.01)
    time.sleep(0.05)
    wheelhouse.build_once(None, None, archive)
    assert archive.read_text() != str(os.getpid())


def test_keeps_the_newest_archives_and_nothing_half_made(tmp_path):
    (tmp_path / "tmpabc").mkdir()
    for age, name in enumerate(["new", "old", "oldest"]):
        (tmp_path / f"{name}.tar").touch()
        os.utime(tmp_path / f"{name}.tar", (1000 - age, 1000 - age))
    wheelhouse.forget(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.tar", "old.tar"]
