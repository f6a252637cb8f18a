# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from ansible_collections.cairn.cloud.plugins.modules.leaks import judge, walk

KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("open_to_all", "content", "says"),
    [
        (True, b"url = x:hunter2@y", "everybody"),
        (False, b"url = x:hunter2@y", None),
        (True, KEY, "private key"),
        (False, KEY, None),
        (False, b"url = x:theirs@y", "none of this host's business"),
        (True, b"nothing", None),
    ],
)
def test_tells_a_leak_from_a_kept_secret(open_to_all, content, says):
    verdict = judge("/etc/cairn/file", open_to_all, content, [b"hunter2"], [b"theirs"])
    assert says in verdict if says else verdict is None


def test_a_key_that_is_not_the_clouds_is_its_owners_business():
    assert judge("/root/test/key.pem", True, KEY, [], []) is None


def test_a_file_behind_a_closed_door_is_not_open(tmp_path):
    tmp_path.chmod(0o755)
    for name, mode in (("open", 0o755), ("closed", 0o700)):
        (tmp_path / name).mkdir(mode=mode)
        (tmp_path / name / "file").write_text("x")
        (tmp_path / name / "file").chmod(0o644)
    found = {path: open_to_all for path, open_to_all, _ in walk(str(tmp_path), 100)}
    assert found == {str(tmp_path / "open/file"): True, str(tmp_path / "closed/file"): False}
    tmp_path.chmod(0o700)
    assert not any(open_to_all for _, open_to_all, _ in walk(str(tmp_path), 100))
