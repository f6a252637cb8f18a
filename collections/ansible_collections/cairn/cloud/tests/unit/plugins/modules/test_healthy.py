# Copyright: Cairn authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from ansible_collections.cairn.cloud.plugins.modules.healthy import complaint, wait


def test_waits_until_the_last_one_is_well():
    asked = []

    def ask(url):
        asked.append(url)
        return None if url == "quick" or asked.count("slow") == 2 else "not yet"

    assert wait(["quick", "slow"], 10, ask) == {}
    assert asked.count("quick") == 1


def test_says_what_is_wrong_when_time_is_up():
    assert wait(["a", "b"], 0, {"a": None, "b": "refused"}.get) == {"b": "refused"}


def test_repeats_the_reason_that_the_service_gives():
    checks = {"database": {"ok": True, "reason": ""}, "messaging": {"ok": False, "reason": "dumb"}}
    assert complaint(503, json.dumps({"checks": checks})) == "messaging: dumb"
    assert complaint(502, b"<html>") == "answers 502"
