"""Programs the agent runs, and those it keeps running."""

import os
import select
import signal
import subprocess
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


def read(path: Path) -> str:
    """The text that stands there; nothing where there is no file."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def write(path: Path, text: str) -> bool:
    """Put the text there, whole or not at all; whether that changed anything."""
    if path.exists() and path.read_text() == text:
        return False
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text)
    temporary.chmod(0o644)
    temporary.rename(path)
    return True


def make_folder(path: Path) -> None:
    """The folder and those above it, open to the unprivileged users that our helpers become."""
    if not path.exists():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


class Daemon:
    """A program that goes on by itself in a namespace, and outlives the agent: known by the file of
    its pid and by a word of its command line that nothing else has."""

    def __init__(self, pid_file: Path, mark: str, namespace: str) -> None:
        self.pid_file, self.mark, self.namespace = pid_file, mark, namespace

    def pid(self) -> int | None:
        try:
            pid = int(self.pid_file.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if self.mark.encode() in words else None

    def stands(self) -> bool:
        """It runs where it should: a namespace that was wiped lives on, nameless, with whoever was
        in it."""
        if (pid := self.pid()) is None:
            return False
        try:
            return (os.stat(f"/proc/{pid}/ns/net").st_ino
                    == os.stat(f"/run/netns/{self.namespace}").st_ino)
        except OSError:
            return False

    def start(self, *command: str) -> None:
        """Run a command that goes to the background by itself and writes the file."""
        run(*command, namespace=self.namespace)

    def signal(self, number: int) -> None:
        if (pid := self.pid()) is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        """End it and wait until it has."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._ended_by(number):
                self.pid_file.unlink(missing_ok=True)
                return

    def _ended_by(self, number: int) -> bool:
        """Whether it is gone, at the latest two seconds after that signal."""
        pid = self.pid()
        try:
            handle = os.pidfd_open(pid) if pid is not None else None
        except ProcessLookupError:
            handle = None
        if handle is None:
            return True
        try:
            self.signal(number)
            return bool(select.select([handle], [], [], 2.0)[0])
        finally:
            os.close(handle)
