"""Runs a program: one of the machine's, or one of the packages that the guest is made of."""

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
) -> str:
    """Its standard output; a failure names the program and quotes its last words."""
    program = shutil.which(str(command[0]), path=SEARCH)
    if program is None:
        raise BuildError(f"{command[0]} is not on this machine")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=cwd,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        input=text or "",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = " ".join(done.stderr.strip().splitlines()[-2:])
        raise BuildError(f"{command[0]} exited {done.returncode}: {words}")
    return done.stdout


def run_unpacked(debian: Path, program: Path, *arguments: str | Path, text: str = "") -> str:
    """Run one from a tree of unpacked packages, by its own loader and libraries.

    The machine's may be of another version, and the two do not mix.
    """
    libraries = [debian / folder / "x86_64-linux-gnu" for folder in ("lib", "usr/lib")]
    loader = libraries[0] / "ld-linux-x86-64.so.2"
    path = ":".join(map(str, libraries))
    return run(loader, "--library-path", path, program, *arguments, text=text)
