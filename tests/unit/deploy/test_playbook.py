import io
from concurrent.futures import Future
from typing import Any

from rich.console import Console

from cairn.deploy import plan
from cairn.deploy.playbook import Watch
from cairn.deploy.progress import Display

LISTING = """
playbook: playbooks/site.yml

  play #1 (localhost): Prepare the release\tTAGS: [always]
    tasks:
      release : The wheel is built\tTAGS: [release]

  play #2 (controller): Set up controllers, all (of them)\tTAGS: []
    tasks:
      mariadb : MariaDB answers\tTAGS: [mariadb]
      keystone : Keystone answers\tTAGS: [keystone]
"""


def test_the_plan_is_read_from_ansibles_own_listing() -> None:
    assert plan.read(LISTING) == [
        plan.Play("Prepare the release", 1),
        plan.Play("Set up controllers, all (of them)", 2),
    ]


def test_a_plan_that_is_not_known_yet_is_not_waited_for() -> None:
    coming: Future[list[plan.Play]] = Future()
    found = plan.Plan(coming)
    assert found.tasks("Prepare the release") is None
    coming.set_result(plan.read(LISTING))
    assert found.tasks("Prepare the release") == 1
    assert found.tasks("Another") is None


def watch(*events: tuple[str, dict[str, Any]], terminal: bool = False) -> tuple[Watch, str]:
    out = io.StringIO()
    display = Display(Console(file=out, force_terminal=terminal, width=100))
    known: Future[list[plan.Play]] = Future()
    known.set_result(plan.read(LISTING))
    found = Watch(display, plan.Plan(known))
    for name, data in events:
        assert found.handle({"event": name, "event_data": data}) is False
    found.end("failed" if found.failures else "ok")
    return found, out.getvalue()


PLAY = ("playbook_on_play_start", {"name": "Prepare the release"})
TASK = ("playbook_on_task_start", {"task": "The wheel is built", "role": "release"})


def test_plays_are_phases_with_their_tasks_and_changes_counted() -> None:
    second = ("playbook_on_play_start", {"name": "Other"})
    found, out = watch(
        PLAY, TASK, ("runner_on_ok", {"res": {"changed": True}}), TASK,
        ("runner_on_ok", {"res": {"changed": False}}), second, TASK,
    )
    assert "ok   Prepare the release" in out
    assert "2 tasks, 1 changed" in out
    assert "1 tasks, 0 changed" in out
    assert found.changed == 1


def test_a_play_without_hosts_is_no_phase() -> None:
    _, out = watch(("playbook_on_play_start", {"name": "Set up network hosts"}), PLAY, TASK)
    assert "network hosts" not in out
    assert "Prepare the release" in out


def test_an_ignored_failure_is_none() -> None:
    found, _ = watch(PLAY, TASK, ("runner_on_failed", {"host": "a", "ignore_errors": True}))
    assert found.failures == {}


def test_each_failed_host_is_told_once_with_its_last_reason() -> None:
    found, out = watch(
        PLAY, TASK,
        ("runner_on_failed", {"host": "a", "task": "x", "res": {"msg": "one"}}),
        ("runner_on_unreachable", {"host": "b", "task": "x", "res": {"msg": "gone"}}),
    )
    assert [(f.host, f.reason) for f in found.failures.values()] == [("a", "one"), ("b", "gone")]
    assert "FAILED Prepare the release" in out


def test_on_a_terminal_there_is_a_bar_and_the_same_result_lines() -> None:
    _, out = watch(PLAY, TASK, terminal=True)
    assert "Prepare the release" in out
    assert "1 tasks, 0 changed" in out
