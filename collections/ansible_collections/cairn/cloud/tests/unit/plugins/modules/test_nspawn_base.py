# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os

import pytest
from ansible_collections.cairn.cloud.plugins.modules import nspawn_base


def name_of(*packages):
    return nspawn_base.name_of(nspawn_base.recipe("bookworm", list(packages)))


def test_images_of_equal_packages_are_one():
    assert name_of("nginx", "tcpdump") == name_of("tcpdump", "nginx", "nginx", "systemd")


def test_another_list_or_suite_is_another_image():
    other = nspawn_base.name_of(nspawn_base.recipe("trixie", []))
    assert len({name_of(), name_of("nginx"), other}) == 3


def test_the_image_is_made_from_the_given_sources_with_all_packages():
    wanted = nspawn_base.recipe("bookworm", ["nginx"])
    command = nspawn_base.command(wanted, "/s/debian.sources", "/s/apt.conf", "/lab/new")
    assert command[-3:] == ["bookworm", "/lab/new", "/s/debian.sources"]
    assert any("netbase,nginx,procps,python3" in word for word in command)


def test_an_image_is_there_once_it_has_its_name(tmp_path):
    path = tmp_path / "base-1"
    (tmp_path / "base-1.json").write_text('{"suite": "bookworm"}')
    assert nspawn_base.look(str(path)) is None
    path.mkdir()
    assert nspawn_base.look(str(path)) == {"suite": "bookworm"}


class Module:
    """mmdebstrap that makes a directory, or fails halfway."""

    def __init__(self, works):
        self.works = works

    def run_command(self, command):
        os.mkdir(command[-2])
        return (0, "", "") if self.works else (1, "", "E: no network\n")

    def fail_json(self, msg):
        raise SystemExit(msg)


def test_a_failed_build_leaves_nothing_and_says_why(tmp_path):
    wanted = nspawn_base.recipe("bookworm", [])
    with pytest.raises(SystemExit, match="E: no network"):
        nspawn_base.build(Module(works=False), wanted, str(tmp_path / "base-1"))
    assert list(tmp_path.iterdir()) == []


def test_a_built_image_can_be_removed_without_a_trace(tmp_path):
    path = str(tmp_path / "base-1")
    wanted = nspawn_base.recipe("bookworm", [])
    with nspawn_base.only_one(path):
        nspawn_base.build(Module(works=True), wanted, path)
    assert nspawn_base.look(path) == wanted
    nspawn_base.remove(path)
    assert list(tmp_path.iterdir()) == []
