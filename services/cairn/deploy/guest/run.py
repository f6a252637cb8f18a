"""Runs a program of the machine's."""

import os
import shutil
import subprocess
from pathlib import Path

from cairn.deploy.guest.errors import BuildError

# An ordinary user's PATH has no sbin, where mke2fs is.
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def run(
    *command: str | Path,
    cwd: Path | None = None,
    text: str | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """Its standard output; a failure names the program and quotes its last words."""
    program = shutil.which(str(command[0]), path=SEARCH)
    if program is None:
        raise BuildError(f"{command[0]} is not on this machine")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        input=text or "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = " ".join(done.stderr.strip().splitlines()[-2:])
        raise BuildError(f"{command[0]} exited {done.returncode}: {words}")
    return done.stdout
