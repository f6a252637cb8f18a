from typing import Any

import pytest

from cairn.deploy import failure


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"msg": "the port 80 is taken"}, "the port 80 is taken"),
        (
            {"msg": "non-zero return code", "rc": 3, "stderr": "a\nb\n\nlast words", "stdout": "x"},
            "a\nb\nlast words (exit code 3)",
        ),
        (
            {"msg": "MODULE FAILURE: see stdout/stderr for the exact error",
             "module_stderr": "Traceback\nKeyError: 'x'"},
            "Traceback\nKeyError: 'x'",
        ),
        (
            {"msg": "One or more items failed",
             "results": [{"item": "a"}, {"item": "b", "failed": True, "msg": "no"}]},
            "no (at b)",
        ),
        ({"censored": "the output has been hidden"}, "hidden, as it may hold a secret"),
        ({"msg": ["first", "second"]}, "first; second"),
        ({}, "no reason was given"),
    ],
)
def test_the_sentence_that_says_why_is_found(result: dict[str, Any], reason: str) -> None:
    assert failure.reason(result).startswith(reason)


def test_a_failure_names_host_task_and_role() -> None:
    event = {"event_data": {"host": "compute1", "task": "Nova answers", "role": "nova",
                            "res": {"msg": "it does not"}}}
    found = failure.from_event(event)
    assert (found.host, found.task, found.reason) == ("compute1", "nova : Nova answers",
                                                      "it does not")
    assert "./cairn ssh compute1" in found.advice


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("cp: No space left on device", "df -h"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", "package manager"),
        ("Unable to restart service cairn-api: Job for cairn-api.service failed", "journalctl"),
        ("Failed to fetch http://deb.debian.org/x", "package mirror"),
    ],
)
def test_advice_fits_the_reason(reason: str, advice: str) -> None:
    assert advice in failure.Failure("node", "task", reason).advice
