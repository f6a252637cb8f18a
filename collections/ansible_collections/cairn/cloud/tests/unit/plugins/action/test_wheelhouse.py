# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
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
