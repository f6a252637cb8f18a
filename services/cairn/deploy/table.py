"""Shows a cloud's status as a table."""

from rich.table import Table

from cairn.deploy.progress import console
from cairn.deploy.status import Status


def show(found: Status) -> None:
    for title, lines in (
        ("Processes", found.processes), ("APIs", found.apis), ("Services and agents", found.agents)
    ):
        if not lines:
            continue
        table = Table(title, "Where", "State", box=None, pad_edge=False, header_style="bold")
        for line in sorted(lines, key=lambda each: (each.where, each.what)):
            style = None if line.good else "red"
            table.add_row(line.what, line.where, line.detail, style=style)
        console.print(table)
        console.print()
    bad = sum(not line.good for line in found.processes + found.apis + found.agents)
    console.print(f"{bad} unwell; look closer with ./cairn doctor" if bad else "All is well.")
