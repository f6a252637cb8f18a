"""Shows a trace: a line for each step, its bar where it lies in the whole."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cairn.deploy import progress
from cairn.deploy.trace import Step, Trace

WIDTH = 40
# Columns of what is no terminal, which says 80 of itself.
PAGE = 130
STYLES = {"Success": "green", "Error": "red", None: "yellow"}


def show(traces: Iterable[Trace]) -> Trace:
    """Each in the place of the one before on a terminal; elsewhere the last one only. Returns that
    one."""
    console = progress.console
    if not console.is_terminal:
        *_, last = traces
        console.print(draw(last), width=max(console.width, PAGE))
        return last
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        for last in traces:
            live.update(draw(last), refresh=True)
    return last


def draw(trace: Trace) -> RenderableType:
    now, length = trace.now(), trace.length
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Step", no_wrap=True)
    table.add_column("Where", no_wrap=True)
    for title in ("Start", "Waited", "Took"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column(f"0 to {_seconds(length)}", no_wrap=True)
    for step in trace.steps:
        running = step.ended is None
        took = _seconds(step.lasted(now)) + ("..." if running else "")
        table.add_row(
            Text(step.name), Text(step.where), _seconds(step.begun), _waited(step), took,
            Text.assemble(*bar(step, now, length)),
            style="red" if step.result == "Error" else None)
    # Across the whole width: a column is no place for a sentence.
    said = [Text(f"{step.name}: {step.details}", style="red")
            for step in trace.steps if step.details]
    return Group(_title(trace), table, *said)


def bar(step: Step, now: float, length: float) -> list[tuple[str, str]]:
    """Where the step lies in the whole, in WIDTH cells: what it waited for is dotted. The shortest
    has a cell, and none lies outside, when the caller logged in long before or clocks differ."""
    scale = WIDTH / length if length > 0 else 0.0

    def cell(at: float) -> int:
        return min(max(round(at * scale), 0), WIDTH)

    first = min(cell(step.begun), WIDTH - 1)
    last = min(max(cell(step.begun + step.lasted(now)), first + 1), WIDTH)
    dotted = cell(step.begun - step.waited)
    return [(" " * min(dotted, first), ""), ("." * max(first - dotted, 0), "dim"),
            ("█" * (last - first), STYLES.get(step.result, ""))]


def _title(trace: Trace) -> Text:
    end, style = ("goes on", "yellow") if not trace.over else (
        ("failed", "red") if trace.failed else ("done", "green"))
    return Text.assemble(
        (f"{trace.action} ", "bold"), f"of {trace.server}, {trace.request_id}, begun "
        f"{trace.begun:%Y-%m-%d %H:%M:%S} UTC: ", (end, style), f" after {_seconds(trace.length)}")


def _waited(step: Step) -> str:
    """How long nothing was done before it, and for whom that was."""
    if step.waited < 0.0005:
        return ""
    return _seconds(step.waited) + (f" for {step.where}" if step.handed and step.where else "")


def _seconds(amount: float) -> str:
    return f"{amount:.3f} s" if abs(amount) < 10 else f"{amount:.1f} s"
