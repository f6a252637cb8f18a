"""How much work a playbook is: its plays and the tasks in each, known before it runs."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PLAY = re.compile(r"  play #\d+ \(.*?\): (?P<name>.*?)\s*TAGS: \[")
TASK = re.compile(r"      \S")


@dataclass
class Play:
    name: str
    tasks: int = 0


def read(listing: str) -> list[Play]:
    """The output of `ansible-playbook --list-tasks`."""
    plays: list[Play] = []
    for line in listing.splitlines():
        play = PLAY.match(line)
        if play:
            plays.append(Play(play["name"]))
        elif plays and TASK.match(line):
            plays[-1].tasks += 1
    return plays


@dataclass(frozen=True)
class Plan:
    """What is expected, as soon as it is known: nobody waits for a progress bar."""

    plays: Future[list[Play]]

    def tasks(self, name: str) -> int | None:
        """How many tasks the play of this name has, None while nobody knows."""
        plays = self.plays.result() if self.plays.done() else []
        return next((play.tasks for play in plays if play.name == name), None)


def ask(playbooks: Sequence[Path], inventory: Path, environment: Mapping[str, str]) -> Plan:
    """Ask Ansible, on the side."""
    with_these = {**os.environ, **environment}
    pool = ThreadPoolExecutor(1, thread_name_prefix="plan")
    plays = pool.submit(_list, playbooks, inventory, with_these)
    pool.shutdown(wait=False)
    return Plan(plays)


def _list(playbooks: Sequence[Path], inventory: Path, environment: dict[str, str]) -> list[Play]:
    command = ["ansible-playbook", "--list-tasks", "-i", str(inventory), *map(str, playbooks)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return []  # It only serves the progress bar.
    return read(done.stdout)
