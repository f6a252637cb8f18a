"""Runs a playbook through ansible-runner and tells what happens as phases."""

import os
import shlex
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ansible_runner

from cairn.deploy import checkout, failure, journal, plan
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed
from cairn.deploy.failure import Event, Failure
from cairn.deploy.progress import Display, Phase

RUNS_KEPT = 5


def _path(name: str) -> Path:
    path = checkout.PLAYBOOKS / f"{name}.yml"
    if not path.exists():
        raise Failed(f"{path} is missing: this checkout is not complete")
    return path


@dataclass
class Watch:
    """Turns Ansible's events into phases (its plays) and steps (its tasks)."""

    display: Display
    plan: plan.Plan
    phase: Phase | None = None
    failures: dict[str, Failure] = field(default_factory=dict)
    changed: int = 0
    # Of the phase that is running: tasks that changed a host.
    _changed: int = 0
    # The play that was announced and has not done anything yet.
    _next: str = ""

    def handle(self, event: Event) -> bool:
        kind = event.get("event", "")
        data = event.get("event_data", {})
        if kind == "playbook_on_play_start":
            self.end("ok")
            self._next = data.get("name") or data.get("play") or "?"
        elif kind == "playbook_on_task_start":
            self._begin()
            role, task = data.get("role"), data.get("task") or data.get("name") or ""
            self._step(f"{role} : {task}" if role else task)
        elif kind == "runner_on_ok" and data.get("res", {}).get("changed"):
            self._changed += 1
        elif kind == "runner_on_unreachable" or (
            kind == "runner_on_failed" and not data.get("ignore_errors")
        ):
            fault = failure.from_event(event)
            self.failures[fault.host] = fault
        # Nothing reads the events again: the log has what they say.
        return False

    def _begin(self) -> None:
        """Begin the play's phase with its first task: a play without hosts has none."""
        if self._next:
            self.phase = self.display.begin(self._next, self.plan.tasks(self._next))
            self._next = ""

    def _step(self, doing: str) -> None:
        if self.phase:
            self.phase.step(doing)

    def end(self, how: str) -> None:
        if self.phase is None:
            return
        self.phase.result = f"{self.phase.done} tasks, {self._changed} changed"
        self.phase.finish(how)
        self.phase = None
        self.changed += self._changed
        self._changed = 0


def environment(cloud: Cloud) -> dict[str, str]:
    """What Ansible needs besides the settings in ansible.cfg."""
    return {
        "ANSIBLE_CONFIG": str(checkout.ANSIBLE_CFG),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOST_PATTERN_MISMATCH": "ignore",
        "PYTHONPATH": os.environ.get("PYTHONPATH", str(checkout.ROOT / "services")),
    }


def run(cloud: Cloud, names: Sequence[str], display: Display) -> Watch:
    """Run the playbooks of these names, one after another in one go, to their end.

    A failure is raised in words that help; what was to come after it is not begun.
    """
    playbooks = [_path(name) for name in names]
    for directory in (cloud.runs, cloud.logs):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    watch = Watch(display, plan.ask(playbooks, cloud.inventory, environment(cloud)))
    ident = f"{time.strftime('%Y%m%d-%H%M%S')}-{names[-1]}"
    log = cloud.logs / f"{ident}.log"
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    end = "failed"
    try:
        result = ansible_runner.run(
            private_data_dir=str(cloud.runs),
            artifact_dir=str(cloud.runs),
            project_dir=str(checkout.ROOT),
            # The runner knows of one playbook only and puts it last; all others must stand
            # right before it, so the inventory is not left to the runner either.
            cmdline=shlex.join(["-i", str(cloud.inventory), *map(str, playbooks[:-1])]),
            playbook=str(playbooks[-1]),
            envvars=environment(cloud),
            settings={"pexpect_timeout": 1},
            suppress_env_files=True,
            event_handler=watch.handle,
            rotate_artifacts=RUNS_KEPT,
            ident=ident,
            quiet=True,
        )
        end = {"successful": "ok", "canceled": "stopped"}.get(result.status, "failed")
    finally:
        # The runner takes the signals for itself and does not give them back.
        for number, handler in handlers.items():
            signal.signal(number, handler)
        watch.end(end)
        _keep(cloud.runs / ident / "stdout", log)
    if end == "stopped":
        raise KeyboardInterrupt
    if end == "failed":
        raise Failed(*_explain(cloud, watch, log, result.status))
    return watch


def _explain(cloud: Cloud, watch: Watch, log: Path, status: str) -> tuple[str, str]:
    told = list(watch.failures.values())
    if not told:
        last = _last_lines(log)
        return (f"Ansible ended as '{status}':\n{last}", f"The whole log: {log}")
    lines = []
    for each in told:
        lines.append(f"  on     {each.host}\n  task   {each.task}\n  reason {_hang(each.reason)}")
        words = journal.explain(cloud, each)
        if words:
            lines.append(f"  its last words\n         {_hang(words)}")
    first = told[0]
    return (
        "the deployment stopped\n" + "\n".join(lines),
        f"{first.advice}\nThe whole log: {log}",
    )


def _hang(text: str) -> str:
    return text.replace("\n", "\n         ")


def _last_lines(log: Path, count: int = 12) -> str:
    if not log.exists():
        return "  it printed nothing"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])


def _keep(output: Path, log: Path) -> None:
    if output.exists():
        shutil.copyfile(output, log)
        log.chmod(0o600)
    old = sorted(log.parent.glob("*.log"))[: -4 * RUNS_KEPT]
    for path in old:
        path.unlink(missing_ok=True)
