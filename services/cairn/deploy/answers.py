"""Answer files: every knob as CONFIG_NAME=value, in the manner of Packstack."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cairn.deploy.errors import Refused
from cairn.deploy.knobs import Knob

HEADER = """\
# Answers for: ./cairn up --answer-file THIS-FILE
#
# Every knob with its meaning and its default. A knob that is left out or left empty keeps its
# default. Passwords and keys are not here: they are generated and kept in the state directory.
"""
LINE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")


def render(knobs: Iterable[Knob]) -> str:
    parts, home = [HEADER], ""
    for knob in knobs:
        if knob.home != home:
            home = knob.home
            parts.append(f"\n# {'-' * 8} {home} {'-' * (80 - len(home))}\n")
        parts.append("\n" + "".join(f"# {line}\n" for line in _about(knob)))
        parts.append(f"{knob.name}={'' if knob.computed else knob.show(knob.default)}\n")
    return "".join(parts)


def _about(knob: Knob) -> list[str]:
    lines = (knob.about or f"The variable {knob.variable}.").splitlines()
    if knob.choices:
        lines.append("One of: " + ", ".join(knob.show(each) for each in knob.choices))
    if knob.computed:
        lines.append(f"Default: {knob.show(knob.default)}")
    return lines


def read(path: Path, knobs: Iterable[Knob]) -> dict[str, Any]:
    """Variable to value. Everything that is wrong is told at once, with its line."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise Refused(f"cannot read the answer file {path}: {wrong}") from wrong
    by_name = {knob.name: knob for knob in knobs}
    given: dict[str, Any] = {}
    wrong_lines: list[str] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip()[0] in "#;[":
            continue
        match = LINE.fullmatch(line)
        if not match:
            wrong_lines.append(f"line {number}: not of the form CONFIG_NAME=value: {line.strip()}")
            continue
        name, value = match[1], _unquoted(match[2])
        knob = by_name.get(name)
        if knob is None:
            wrong_lines.append(f"line {number}: there is no knob {name}{_like(name, by_name)}")
        elif name in seen:
            wrong_lines.append(f"line {number}: {name} was given on line {seen[name]} already")
        elif value:
            try:
                given[knob.variable] = knob.read(value)
            except ValueError as expected:
                wrong_lines.append(f"line {number}: {name} is '{value}', expected {expected}")
        seen.setdefault(name, number)
    if wrong_lines:
        raise Refused(
            f"the answer file {path} is not right:\n  " + "\n  ".join(wrong_lines),
            "See every knob with: ./cairn answer-file",
        )
    return given


def changes(given: dict[str, Any], knobs: Iterable[Knob]) -> dict[str, Any]:
    """The answers that differ from the defaults, so that later defaults still come through."""
    defaults = {knob.variable: knob.default for knob in knobs}
    return {name: value for name, value in given.items() if value != defaults[name]}


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _like(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.upper(), list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def create(path: Path, text: str) -> None:
    """Write a new answer file; somebody's answers are never overwritten."""
    try:
        with path.open("x") as file:
            file.write(text)
    except OSError as wrong:
        raise Refused(f"cannot write {path}: {wrong.strerror}") from wrong
