"""Shows a cloud's status as a table."""

from rich.table import Table

from cairn.deploy.progress import console
from cairn.deploy.status import Status


def show(status: Status) -> None:
    for title, lines in (
        ("Processes", status.processes), ("APIs", status.apis),
        ("Services and agents", status.agents),
    ):
        if not lines:
            continue
        table = Table(title, "Where", "State", box=None, pad_edge=False, header_style="bold")
        for line in sorted(lines, key=lambda each: (each.where, each.what)):
            style = None if line.good else "red"
            table.add_row(line.what, line.where, line.detail, style=style)
        console.print(table)
        console.print()
    bad = sum(not line.good for line in status.processes + status.apis + status.agents)
    console.print(f"{bad} unwell; look closer with ./cairn doctor" if bad else "All is well.")
