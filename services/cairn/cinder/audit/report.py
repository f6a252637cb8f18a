"""How an operator reads findings."""

import json
from collections import Counter

from cairn.cinder.audit.run import Result

CLEAN = "The database, the backends and the guests agree."
HEADS = ("KIND", "ID", "DATABASE", "BACKENDS", "GUESTS", "MENDING")


def table(results: list[Result]) -> str:
    """A line for each."""
    if not results:
        return f"{CLEAN}\n"
    lines = [HEADS, *((
        each.finding.kind, each.finding.id, each.finding.database or "-",
        each.finding.backends or "-", each.finding.guests or "-", mending(each))
        for each in results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS) - 1)]
    text = "".join(
        "  ".join([*(word.ljust(width) for word, width in zip(line, widths, strict=False)),
                   line[-1]]) + "\n" for line in lines)
    counted = Counter(state(each) for each in results)
    return text + ", ".join(f"{many} {word}" for word, many in sorted(counted.items())) + "\n"


def state(result: Result) -> str:
    """What became of it, or could, in a word or two."""
    if result.said == "done":
        return "mended"
    return "not mended" if result.said else result.finding.safety


def mending(result: Result) -> str:
    """The same, with what mending does."""
    why = f" ({result.said})" if result.said not in ("", "done") else ""
    return f"{state(result)}: {result.finding.mends}{why}"


def document(results: list[Result]) -> str:
    """The same as JSON."""
    listed = [{
        "kind": each.finding.kind, "id": each.finding.id, "database": each.finding.database,
        "backends": each.finding.backends, "guests": each.finding.guests,
        "safety": each.finding.safety, "mending": each.finding.mends, "state": state(each),
        "reason": each.said if each.said != "done" else "",
    } for each in results]
    return json.dumps({"clean": not results, "findings": listed}, indent=2) + "\n"
