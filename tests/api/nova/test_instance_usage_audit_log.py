"""/os-instance_usage_audit_log: what Tempest's tests hold."""

import datetime as dt

import pytest

from cairn.nova.api.instance_usage_audit_log import period

PATH = "/v2.1/os-instance_usage_audit_log"


def test_no_host_has_made_one(world, call):
    world.add_host("two")
    shown = call("GET", f"{PATH}/2026-03-31 12:00:00", who="admin")
    assert (shown.status_code, shown.json) == (200, {"instance_usage_audit_log": {
        "period_beginning": "2026-02-01 00:00:00", "period_ending": "2026-03-01 00:00:00",
        "num_hosts": 2, "num_hosts_done": 0, "num_hosts_running": 0, "num_hosts_not_run": 2,
        "hosts_not_run": ["one", "two"], "total_instances": 0, "total_errors": 0,
        "overall_status": "0 of 2 hosts done. 0 errors.", "log": {}}})
    listed = call("GET", PATH, who="admin").json["instance_usage_audit_logs"]
    assert listed["num_hosts"] == 2
    assert call("GET", f"{PATH}/2026-03-31 12:00:00.25", who="admin").status_code == 200


@pytest.mark.parametrize(("before", "begin", "end"), [
    ((2026, 1, 1, 0, 0, 1), (2025, 12, 1), (2026, 1, 1)),
    ((2026, 1, 1), (2025, 11, 1), (2025, 12, 1)), ((2026, 3, 31), (2026, 2, 1), (2026, 3, 1)),
])
def test_the_last_month_that_was_over(before, begin, end):
    assert period(dt.datetime(*before)) == (dt.datetime(*begin), dt.datetime(*end))


def test_wrong_times_and_callers(call):
    for wrong in ("invalid_time", "2026-03-31", "2026-02-31 12:00:00", "0001-01-01 00:00:00",
                  "2026-03-31 12:00:00.x"):
        answer = call("GET", f"{PATH}/{wrong}", who="admin")
        assert (answer.status_code, wrong in answer.json["badRequest"]["message"]) == (400, True)
    for path in (PATH, f"{PATH}/2026-03-31 12:00:00"):
        assert call("GET", path, who="alice").status_code == 403
