"""Programs the agent runs, and those it keeps running."""

import os
import signal
import subprocess
import time
from pathlib import Path


class CommandFailed(Exception):
    """A program said no; what it said."""


def run(*command: str, stdin: str | None = None, namespace: str | None = None) -> str:
    """What the command prints. Raises CommandFailed."""
    words = ["ip", "netns", "exec", namespace, *command] if namespace else list(command)
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode:
        raise CommandFailed(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def write(path: Path, text: str) -> bool:
    """Put the text there, whole or not at all; whether that changed anything."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.chmod(0o644)
    temporary.rename(path)
    return True


class Daemon:
    """A program that goes on by itself, and outlives the agent: known by the file of its pid and by
    a word of its command line that nothing else has."""

    def __init__(self, pid_file: Path, mark: str) -> None:
        self.pid_file, self.mark = pid_file, mark

    def pid(self) -> int | None:
        try:
            pid = int(self.pid_file.read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if self.mark.encode() in line else None

    def start(self, *command: str, namespace: str) -> None:
        """Run a command that goes to the background by itself and writes the file."""
        run(*command, namespace=namespace)

    def signal(self, number: signal.Signals) -> None:
        if (pid := self.pid()) is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        """End it and wait until it has."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.signal(number)
            for _ in range(40):
                if self.pid() is None:
                    self.pid_file.unlink(missing_ok=True)
                    return
                time.sleep(0.05)
