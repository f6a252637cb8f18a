"""Clients' commands, unmodified, many of them in one process."""

import json
import shlex
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from .clouds import HOUSE, Failed, Person, wait


class Shell:
    """A client's command for one person. Remembers what it was given."""

    module: str

    def __init__(self, person: Person, **environment: str) -> None:
        self.given: list[list[str]] = []
        self._process = subprocess.Popen(
            [sys.executable, str(HOUSE / "tests/system/client_files/shell.py"), self.module],
            env=person.environment | environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.communicate()

    def __call__(self, line: str, *more: str, good: bool = True) -> str:
        """What the command said; on stderr, too, where it is to fail. `more`: words that need no
        quotes. Raises Failed as run() does."""
        words = [*shlex.split(line), *more]
        self.given.append(words)
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(words), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        code, out, err = json.loads(answer) if answer else (-1, "", "The client has died.")
        if (code == 0) != good:
            raise Failed(f"{self.module} {line} ended with {code}\n{out}{err}")
        return str(out) if good and out else f"{out}{err}"

    def ask(self, line: str, *more: str) -> Any:
        """What it says, as data: of one thing its properties, of several a list of those."""
        raise NotImplementedError

    def until(self, line: str, status: str = "available", seconds: float = 120) -> dict[str, Any]:
        """What is shown, once it has that status. Raises Failed when it is in error instead."""
        def shown() -> Any:
            seen = self.ask(line)
            if seen["status"].startswith("error") and not status.startswith("error"):
                raise Failed(f"{line}: {seen}")
            return seen if seen["status"] == status else None

        seen: dict[str, Any] = wait(f"{line} is {status}", shown, seconds)
        return seen

    def gone(self, line: str, seconds: float = 120) -> None:
        """Wait until it is shown no more."""
        def vanished() -> bool:
            try:
                self(line)
            except Failed as failure:
                # Anything else that goes wrong is no sign of that.
                if any(sign in str(failure) for sign in ("No ", "could not be found", "404")):
                    return True
                raise
            return False

        wait(f"{line} is gone", vanished, seconds)


class OpenStack(Shell):
    """`openstack`."""

    module = "openstackclient.shell"

    def ask(self, line: str, *more: str) -> Any:
        return json.loads(self(line, *more, "-f", "json") or "null")


class Cinder(Shell):
    """`cinder`, of python-cinderclient, at the newest microversion that both know."""

    module = "cinderclient.shell"

    def __init__(self, person: Person, **environment: str) -> None:
        super().__init__(person, OS_VOLUME_API_VERSION="3.71", **environment)

    def ask(self, line: str, *more: str) -> Any:
        lines = [line for line in self(line, *more).splitlines() if line.startswith("|")]
        head, *rows = ([cell.strip() for cell in line[1:-1].split(" | ")] for line in lines)
        if head[1:] == ["Value"]:
            return dict(rows)
        return [dict(zip(head, row, strict=True)) for row in rows]
