"""What the user sees while it runs: phases one after another, each with a bar and its time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

console = Console(highlight=False)
# How a phase can end, and how that is shown.
ENDS = {"ok": ("  ok  ", "green"), "failed": ("FAILED", "red"), "stopped": (" stop ", "yellow")}


class Phase:
    """One stretch of work. Steps move its bar, if it is known how many there will be."""

    def __init__(self, display: "Display", name: str, total: int | None) -> None:
        self.display = display
        self.name = name
        self.total = total
        self.done = 0
        self.result = ""
        self.begun = time.monotonic()
        self.begin()

    def begin(self) -> None:
        self.display.say(f"  ...  {self.name}")

    def step(self, doing: str) -> None:
        self.done += 1

    def doing(self, what: str) -> None:
        """Say what is going on without moving on."""

    def finish(self, end: str) -> None:
        word, style = ENDS[end]
        line = f"{word} {self.name:<44} {time.monotonic() - self.begun:6.1f} s  {self.result}"
        self.display.say(line.rstrip(), style=style if self.display.console.is_terminal else None)


class LivePhase(Phase):
    def begin(self) -> None:
        self.bar = _bar(self.display.console)
        self.bar.start()
        self.row = self.bar.add_task(self.name, total=self.total, doing="")

    def step(self, doing: str) -> None:
        super().step(doing)
        # A full bar with work left would lie: only the end of the phase fills it.
        shown = self.done - 1 if self.total is None else min(self.done, self.total) - 1
        self.bar.update(self.row, completed=max(shown, 0), doing=doing)

    def doing(self, what: str) -> None:
        self.bar.update(self.row, doing=what)

    def finish(self, end: str) -> None:
        self.bar.stop()
        super().finish(end)


class Display:
    """On a terminal a moving bar; elsewhere plain lines, as a log wants them."""

    def __init__(self, to: Console = console) -> None:
        self.console = to
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def begin(self, name: str, total: int | None = None) -> Phase:
        kind = LivePhase if self.console.is_terminal else Phase
        return kind(self, name, total)

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Phase]:
        phase = self.begin(name, total)
        try:
            yield phase
        except KeyboardInterrupt:
            phase.finish("stopped")
            raise
        except BaseException:
            phase.finish("failed")
            raise
        phase.finish("ok")

    def say(self, text: str = "", style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _bar(to: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn(
            "{task.fields[doing]}",
            markup=False,
            style="dim",
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        console=to,
        transient=True,
        expand=True,
    )
