# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.cairn.cloud.plugins.modules import files

ME = pwd.getpwuid(os.getuid()).pw_name


def wanted(path, **options):
    base = {"state": "file", "content": "", "owner": ME, "group": ME, "mode": None}
    return files.plan({**base, "path": str(path), **options})


@pytest.mark.parametrize(
    "options",
    [
        {"content": "x\n", "mode": "0640"},
        {"state": "directory", "mode": "2750"},
        {"state": "absent"},
    ],
)
@pytest.mark.parametrize("was", ["nothing", "a file", "a directory"])
def test_whatever_was_there_becomes_what_is_wanted(tmp_path, was, options):
    path = tmp_path / "thing"
    if was == "a file":
        path.write_text("old")
    elif was == "a directory":
        (path / "full").mkdir(parents=True)
    after = wanted(path, **options)
    if files.look(str(path)) != after:
        files.act(files.look(str(path)), after)
    assert files.look(str(path)) == after


def test_a_directory_that_is_there_keeps_what_is_in_it(tmp_path):
    (tmp_path / "thing" / "inside").mkdir(parents=True)
    after = wanted(tmp_path / "thing", state="directory", mode="0700")
    files.act(files.look(str(tmp_path / "thing")), after)
    assert (tmp_path / "thing" / "inside").exists()


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("url = mysql+mysqldb://nova:hunter2@/nova?x=y", "hunter2"),
        ("password = hunter2", "hunter2"),
        ("metadata_secret = hunter2", "hunter2"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "hunter2"),
    ],
)
def test_differences_hide_secrets_but_not_that_they_changed(line, hidden):
    assert hidden not in files.veil(line)
    assert files.veil(line) != files.veil(line.replace(hidden, "hunter3"))


def test_differences_show_what_is_no_secret():
    line = "url = https://10.0.0.1/identity/v3\nvirt_type = qemu"
    assert files.veil(line) == line
