"""What may be a name: anything people write in one line.

Checked wherever a body's schema has a field `name` or `.._name`, however deep, so that no schema
has to think of it: a name with a line break forges lines wherever it is printed, one with NUL ends
there for some programs and not for others.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# The control characters of ASCII and Latin-1, and Unicode's breaks of lines and paragraphs.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# For schemas: what stands in a path, where a slash would be two, and dots would be other paths.
SEGMENT = r"^(?!\.\.?$)" "[^/\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]*$"

# The fields that lead to names: each has its own, None where it is one; "*" is every item.
Tree = dict[str, Any]


def within(schema: Any) -> Tree:
    """Where the documents of this schema have names."""
    tree: Tree = {}
    if not isinstance(schema, Mapping):
        return tree
    for name, inner in schema.get("properties", {}).items():
        if name == "name" or name.endswith("_name"):
            tree[name] = None
        elif below := within(inner):
            tree[name] = below
    if below := within(schema.get("items")):
        tree["*"] = below
    several = [inner for key in ("anyOf", "oneOf", "allOf") for inner in schema.get(key, ())]
    for inner in (*several, schema.get("then"), schema.get("else")):
        for name, below in within(inner).items():
            mine = tree.get(name, {})
            tree[name] = None if mine is None or below is None else {**mine, **below}
    return tree


def bad(tree: Tree, document: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of names that are none."""
    if isinstance(document, list):
        for number, item in enumerate(document if "*" in tree else ()):
            yield from bad(tree["*"], item, (*path, str(number)))
    elif isinstance(document, dict):
        for name, below in tree.items():
            value = document.get(name)
            if below is not None:
                yield from bad(below, value, (*path, name))
            elif isinstance(value, str) and CONTROL.search(value):
                yield (*path, name)
