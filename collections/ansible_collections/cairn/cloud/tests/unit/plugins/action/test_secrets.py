# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat

from ansible_collections.cairn.cloud.plugins.action.secrets import plan
from ansible_collections.cairn.cloud.plugins.plugin_utils.vault import Vault


def test_a_secret_nobody_asks_for_any_more_is_kept():
    assert plan({"old": "x"}, ["new"]) == ["new", "old"]


def test_reads_back_what_was_written_and_shows_it_to_nobody(tmp_path):
    vault = Vault(tmp_path / "state")
    vault.write({"admin_password": "in the clear"})
    assert vault.read() == {"admin_password": "in the clear"}
    assert b"in the clear" not in vault.file.read_bytes()
    for path in (vault.file, vault.password_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_cloud_not_deployed_yet_has_none(tmp_path):
    assert Vault(tmp_path).read() == {}
