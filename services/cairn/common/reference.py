"""The API reference, from what is declared: `python -m cairn.common.reference docs/api`.

For each component an OpenAPI 3.1 document and a page for people, and an index of them all.
"""

import json
import sys
from itertools import groupby
from pathlib import Path

from cairn.common import openapi
from cairn.common.api import ANYONE, PUBLIC, Schema
from cairn.common.declared import declarations, front, mount_of
from cairn.common.manage import COMPONENTS
from cairn.common.microversions import text
from cairn.common.openapi import Operation

MADE = "<!-- Made by `python -m cairn.common.reference docs/api` from the declarations. -->\n"
CALLERS = {PUBLIC: "everybody", ANYONE: "any token"}


def pages() -> dict[str, str]:
    """What the reference consists of, by file name."""
    made = {"README.md": _index()}
    for component in COMPONENTS:
        document = openapi.document(component)
        made[f"{component}.openapi.json"] = json.dumps(document, indent=1) + "\n"
        made[f"{component}.md"] = _page(component)
    return made


def _index() -> str:
    lines = [MADE, "# API reference", "",
             "What every component answers to, as its endpoints declare it. What a field means,",
             "and what else may be refused, is for OpenStack's own reference to say:",
             "<https://docs.openstack.org/api-quick-start/>.",
             "", "| component | at | microversions | endpoints | page | OpenAPI 3.1 |",
             "|---|---|---|---|---|---|"]
    for component in COMPONENTS:
        mount, count = mount_of(component), len(list(declarations(component)))
        spoken = mount.microversions
        range_ = f"{text(spoken.minimum)} to {text(spoken.maximum)}" if spoken else "-"
        lines.append(f"| {component} | `{front(component)}{mount.prefix}` | {range_} | {count} | "
                     f"[{component}.md]({component}.md) | "
                     f"[{component}.openapi.json]({component}.openapi.json) |")
    return "\n".join(lines) + "\n"


def _page(component: str) -> str:
    lines = [MADE, f"# {component}", ""]
    whole = sorted(openapi.operations(declarations(component)),
                   key=lambda operation: openapi.tag(operation.variants[0]))
    for tag, operations in groupby(whole, lambda operation: openapi.tag(operation.variants[0])):
        lines += [f"## {tag}", ""]
        for operation in operations:
            lines += [f"### {operation.method.upper()} {operation.path}", "",
                      f"{openapi.summary(operation)}.", "", *_table(operation), ""]
            if sentences := openapi.earlier(operation):
                lines += [*(f"{sentence}." for sentence in sentences), ""]
            if query := _query(operation):
                lines += [f"Query: {query}.", ""]
            if sentences := openapi.patterns(operation):
                lines += [*(f"{sentence}." for sentence in sentences), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(operation: Operation) -> list[str]:
    lines = ["| | versions | who may | body | answer | event |", "|---|---|---|---|---|---|"]
    for endpoint in operation.endpoints:
        cells = (
            f"`{endpoint.action}`" if endpoint.action else "",
            openapi.versions(endpoint) or "all",
            CALLERS.get(endpoint.policy) or f"`{endpoint.policy}`",
            _fields(endpoint.body),
            ", ".join(map(str, (endpoint.status, *endpoint.also))),
            f"`{endpoint.event}`" if endpoint.event else endpoint.changes_nothing or "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _fields(body: Schema | None) -> str:
    """The fields of a body, those of its only one where it has one; bold what must be there."""
    schema: Schema = body or {}
    for _ in range(2):
        properties = schema.get("properties", {})
        if len(properties) != 1:
            break
        inner = next(iter(properties.values()))
        if not (isinstance(inner, dict) and inner.get("properties")):
            break
        schema = inner
    needed = set(schema.get("required", ()))
    return ", ".join(f"**{name}**" if name in needed else name
                     for name in sorted(schema.get("properties", {})))


def _query(operation: Operation) -> str:
    names = {name for endpoint in operation.endpoints
             for name in (endpoint.query or {}).get("properties", {})}
    return ", ".join(f"`{name}`" for name in sorted(names))


def main() -> None:
    """Write the reference into a folder, and take away what is no page of it any more."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, content in made.items():
        (folder / name).write_text(content)
    for path in folder.iterdir():
        if path.name not in made:
            path.unlink()


if __name__ == "__main__":
    main()
