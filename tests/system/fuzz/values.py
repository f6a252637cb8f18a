"""Values that a JSON Schema takes, and the same with one place broken."""

import copy
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

# What has broken programs before: of any type, wherever a value is.
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 1e308, 0.1, "", " ", "a" * 256,
    "a" * 70000, "\0", "a\0b", "a\nb", "a\r\nX: y", "\u202e", "\U0001f40b" * 70, "\ud800",
    "é" * 200, "../../etc/passwd", "/", "a/b", "'; --", "%s%n", "{0.__class__}", "${7*7}",
    "fe80::1%x",
    "::ffff:1.2.3.4%0", "10.0.0.0/33", "999.1.1.1", "00:00:00:00:00:00", "9999-12-31T23:59:59Z",
    "0000-00-00", "-1", "1e9", "true", "null", "[", "(a+)+$", "**/**/**/**/**", "http://[::1",
    "http://127.0.0.1:1/", "file:///etc/passwd", [], {}, [[]], [None], [{}], {"": ""}, {"a": {}},
    [1] * 300, {"id": "a", "name": None},
)
WORDS = ("fuzz", "a", "fuzz-1", "x" * 40, "ö", "fuzz.example.", "1.0")
# Tried where a schema has a pattern; the first that fits is taken.
PATTERNED = (
    "fuzz", "CUSTOM_FUZZ", "1", "10", "10.9.0.0/24", "10.9.0.7", "fa:16:3e:00:00:01", "tcp",
    "os_fuzz", "{project}", "fuzz.example.", "a" * 32, "12345678-1234-1234-1234-123456789abc",
    "2030-01-01T00:00:00Z", "/v3/*", "GET", "0.5", "ZnV6eg==",
)
FORMATS: dict[str, Callable[[Random], str]] = {
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "date-time": lambda rng: rng.choice(("2030-01-01T00:00:00Z", "2019-12-31T23:59:59.9+02:00")),
    "ipv4": lambda rng: f"10.{rng.randrange(256)}.0.{rng.randrange(256)}",
    "ipv6": lambda rng: f"2001:db8::{rng.randrange(65536):x}",
    "uri": lambda rng: rng.choice(("http://127.0.0.1:1/x", "https://example.invalid/a")),
    "base64": lambda rng: "ZnV6eg==",
}
# key of an object -> a value of that meaning, or None to leave it to the schema
Hint = Callable[[str, Random], Any]


def valid(schema: Any, rng: Random, hint: Hint, key: str = "", depth: int = 0,
          root: Any = None) -> Any:
    """Most probably what the schema takes."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping):
        return rng.choice(HOSTILE)
    if "$ref" in schema:
        inner = root
        for part in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
            inner = inner.get(part, {}) if part else inner
        return {} if depth > 6 else valid(inner, rng, hint, key, depth + 1, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(list(schema["enum"]))
    for many in ("anyOf", "oneOf"):
        if many in schema:
            rest = {name: value for name, value in schema.items() if name != many}
            chosen = rng.choice(list(schema[many]))
            both = {**rest, **chosen, "properties": {
                **rest.get("properties", {}), **chosen.get("properties", {})}}
            if not both["properties"]:
                del both["properties"]
            return valid(both, rng, hint, key, depth + 1, root)
    kind = schema.get("type")
    if isinstance(kind, list | tuple):
        kind = rng.choice(list(kind))
    if kind is None:
        kind = ("object" if "properties" in schema or "patternProperties" in schema
                else "array" if "items" in schema else "string")
    if kind in ("string", "integer", "number"):
        meant = hint(key, rng)
        if meant is not None and (isinstance(meant, str) == (kind == "string")):
            return meant
    if kind == "object":
        return _object(schema, rng, hint, depth, root)
    if kind == "array":
        low = int(schema.get("minItems", 0))
        count = max(low, min(rng.randrange(3), int(schema.get("maxItems", 3))))
        items = schema.get("items", {})
        return [valid(items or {"type": "string"}, rng, hint, key, depth + 1, root)
                for _ in range(count)]
    return _plain(str(kind), schema, rng)


def _object(schema: Mapping[str, Any], rng: Random, hint: Hint, depth: int, root: Any) -> Any:
    made = {}
    required = set(schema.get("required", ()))
    share = rng.choice((0.1, 0.4, 0.8)) if depth < 5 else 0.0
    for name, inner in schema.get("properties", {}).items():
        if name in required or rng.random() < share:
            made[name] = valid(inner, rng, hint, name, depth + 1, root)
    known = list(schema.get("properties", {}).items())
    if not made and known and schema.get("minProperties"):
        name, inner = rng.choice(known)
        made[name] = valid(inner, rng, hint, name, depth + 1, root)
    for name in sorted(required - made.keys()):
        made[name] = valid({"type": "string"}, rng, hint, name, depth + 1, root)
    more = schema.get("additionalProperties")
    others = list(schema.get("patternProperties", {}).values())
    if isinstance(more, Mapping):
        others.append(more)
    if others and rng.random() < 0.6:
        made[rng.choice(WORDS)] = valid(rng.choice(others), rng, hint, "", depth + 1, root)
    return made


def _plain(kind: str, schema: Mapping[str, Any], rng: Random) -> Any:
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "null":
        return None
    if kind in ("integer", "number"):
        low = int(schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1))
        high = int(schema.get("maximum", low + 100))
        return rng.choice((low, high, rng.randint(low, max(low, min(high, low + 100)))))
    if "format" in schema and schema["format"] in FORMATS:
        return FORMATS[schema["format"]](rng)
    if "pattern" in schema:
        fits = [word for word in PATTERNED if re.search(schema["pattern"], word)]
        if fits:
            return rng.choice(fits)
    low, high = int(schema.get("minLength", 0)), int(schema.get("maxLength", 255))
    word = rng.choice(WORDS)
    if rng.random() < 0.05:
        word = "a" * high
    return (word * (low // len(word) + 1) if len(word) < low else word)[:high]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, itself the first."""
    yield path
    inner: Any = ()
    if isinstance(document, dict):
        inner = document.items()
    elif isinstance(document, list):
        inner = enumerate(document)
    for key, value in inner:
        yield from places(value, (*path, key))


def broken(document: Any, rng: Random) -> Any:
    """The document with one place replaced, left out or doubled."""
    made = copy.deepcopy(document)
    path = rng.choice(list(places(made)))
    if not path:
        return rng.choice(HOSTILE)
    around = made
    for key in path[:-1]:
        around = around[key]
    how = rng.random()
    if how < 0.7:
        around[path[-1]] = copy.deepcopy(rng.choice(HOSTILE))
    elif how < 0.85:
        del around[path[-1]]
    elif isinstance(around, dict):
        around[rng.choice(("fuzz", "", "id", "tenant_id", "a" * 300))] = around[path[-1]]
    else:
        around.extend(around[:1] * 50)
    return made
