import importlib

import pytest

from cairn.common.manage import COMPONENTS
from cairn.deploy import components, status
from cairn.deploy.cloud import Cloud, Record

LISTING = """\
cairn-api.service loaded active running The APIs
cairn-worker.service loaded failed failed The workers
mariadb.service loaded active running MariaDB 10.11
cairn-old.service not-found inactive dead cairn-old.service
"""


def test_units_are_told_as_they_are() -> None:
    found = {line.what: (line.good, line.detail) for line in status.units("aio", LISTING)}
    assert found == {
        "cairn-api": (True, "active (running)"),
        "cairn-worker": (False, "failed (failed)"),
        "mariadb": (True, "active (running)"),
    }


def test_an_api_that_does_not_answer_is_unwell() -> None:
    entry = {"auth": {"auth_url": "https://127.0.0.1:1/identity/v3"},
             "cacert": "/etc/ssl/certs/ca-certificates.crt"}
    line = status.api(entry, "/identity", "keystone-api")
    assert not line.good and "refused" in line.detail


def test_of_an_unwell_api_the_failed_checks_are_told() -> None:
    body = b'{"healthy": false, "checks": {"database": {"ok": true, "reason": "OK"}, '
    body += b'"messaging": {"ok": false, "reason": "no answer"}}}'
    assert status._why(body) == "messaging: no answer"
    assert status._why(b"<html>Bad Gateway") == "<html>Bad Gateway"


def test_a_node_that_does_not_run_is_told_with_what_helps(lab: Cloud) -> None:
    lines = status.processes(lab, lab.existing(), "compute1")
    assert [(line.where, line.good) for line in lines] == [("compute1", False)]
    assert "does not run" in lines[0].detail


def test_an_unfinished_cloud_is_unwell(lab: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "processes", lambda *of: [])
    found = status.look(lab, Record("lab", "multinode"))
    assert not found.good and "./cairn up" in found.apis[0].detail


def test_every_process_behind_the_proxy_is_asked() -> None:
    declared = {
        process.mount
        for component in COMPONENTS
        for process in importlib.import_module(f"cairn.{component}.processes").PROCESSES.values()
        if process.mount
    }
    assert components.apis().keys() == declared
    assert components.apis()["/image"] == "glance-api"
