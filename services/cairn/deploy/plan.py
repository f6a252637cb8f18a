"""How much work a playbook is: its plays and the tasks in each, known before it runs."""

import re
import subprocess
from collections.abc import Mapping
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


def ask(playbook: Path, inventory: Path, environment: Mapping[str, str]) -> list[Play]:
    """Ask Ansible. It only serves the progress bar, so not knowing is no failure."""
    command = ["ansible-playbook", "--list-tasks", "-i", str(inventory), str(playbook)]
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=60, check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return read(done.stdout)
