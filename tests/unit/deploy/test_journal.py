import pytest

from cairn.deploy import journal
from cairn.deploy.cloud import Cloud
from cairn.deploy.failure import Failure

JOURNAL = """\
Starting Cairn api...
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ModuleNotFoundError: No module named 'x'

cairn-api.service: Main process exited, code=exited, status=1/FAILURE
cairn-api.service: Failed with result 'exit-code'.
Failed to start cairn-api.service - Cairn api.
"""
REASON = (
    "Not every unit came up: Job for cairn-api.service failed because the control process exited "
    "with error code.\nJob for cairn-worker.service failed because of a timeout"
)


def test_the_program_has_the_last_word_not_the_service_manager() -> None:
    assert journal.last_words(JOURNAL) == "ModuleNotFoundError: No module named 'x'"
    assert journal.last_words("") == ""


def test_each_failed_unit_is_asked_once(lab: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"cairn-api.service": JOURNAL, "cairn-worker.service": ""}
    monkeypatch.setattr(journal, "_read", lambda cloud, host, unit: said[unit])
    words = journal.explain(lab, Failure("compute1", "task", REASON))
    assert words == "cairn-api: ModuleNotFoundError: No module named 'x'"


def test_a_node_that_does_not_run_adds_nothing(lab: Cloud) -> None:
    assert journal.explain(lab, Failure("compute1", "task", REASON)) == ""
    assert journal.explain(lab, Failure("nowhere", "task", REASON)) == ""
