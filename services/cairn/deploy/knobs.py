"""Every knob of the deployment, read from where it is declared.

A knob is a variable in a role's `defaults/main.yml` or in the inventory's file of the whole cloud,
`group_vars/all/cloud.yml`. The comment above it says what it is for; the role's argument specs give
its type and choices.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cairn.deploy import checkout
from cairn.deploy.errors import Failed

ASSIGNMENT = re.compile(r"([a-z][a-z0-9_]*):(\s|$)")
TYPES = {
    bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict",
    type(None): "str",
}
BOOLEANS = {"true": True, "yes": True, "y": True, "on": True, "1": True,
            "false": False, "no": False, "n": False, "off": False, "0": False}
# The command decides these, by its options and by what else is on the machine.
DECIDED = frozenset({
    "cloud_name", "cloud_state_dir", "host_address", "host_name", "host_names",
    "lab_name", "lab_dir", "lab_nodes", "lab_bridge", "lab_subnet", "lab_external_bridge",
    "lab_external_subnet", "lab_inventory_vars",
})


@dataclass(frozen=True)
class Knob:
    variable: str
    # Where it belongs: a role, or "cloud" for what concerns every role.
    home: str
    about: str
    default: Any
    type: str = "str"
    choices: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return f"CONFIG_{self.variable.upper()}"

    @property
    def computed(self) -> bool:
        """Whether the default is worked out from other variables."""
        return "{{" in (self.default if isinstance(self.default, str) else json.dumps(self.default))

    def show(self, value: Any) -> str:
        """The value as it is written in an answer file."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "y" if value else "n"
        if isinstance(value, list) and all(_plain(item) for item in value):
            return ",".join(str(item) for item in value)
        if isinstance(value, list | dict):
            return json.dumps(value)
        return str(value)

    def read(self, text: str) -> Any:
        """The value that was written. ValueError says what was expected."""
        value = self._read(text)
        if self.choices and value not in self.choices:
            raise ValueError("one of " + ", ".join(self.show(each) for each in self.choices))
        return value

    def _read(self, text: str) -> Any:
        if self.type == "bool":
            if text.lower() not in BOOLEANS:
                raise ValueError("y or n")
            return BOOLEANS[text.lower()]
        if self.type in ("int", "float"):
            try:
                return int(text) if self.type == "int" else float(text)
            except ValueError:
                raise ValueError("a number" if self.type == "float" else "a whole number") from None
        if self.type in ("list", "dict"):
            return self._structure(text)
        return text

    def _structure(self, text: str) -> Any:
        if self.type == "list" and not text.startswith("["):
            return [part.strip() for part in text.split(",") if part.strip()]
        expected: type = list if self.type == "list" else dict
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, expected):
            kind = "names with commas between" if expected is list else 'JSON, like {"a": 1}'
            raise ValueError(kind)
        return value


def _plain(item: Any) -> bool:
    return isinstance(item, str) and "," not in item and not item.startswith("[")


def every() -> list[Knob]:
    """All knobs, the cloud's first, then role by role."""
    by_variable: dict[str, Knob] = {}
    for knob in _declared(checkout.GROUP_VARS / "cloud.yml", "cloud", {}):
        by_variable.setdefault(knob.variable, knob)
    for path in sorted(checkout.ROLES.glob("*/defaults/main.yml")):
        role = path.parents[1]
        for knob in _declared(path, role.name, _options(role)):
            by_variable.setdefault(knob.variable, knob)
    return list(by_variable.values())


def _declared(path: Path, home: str, options: dict[str, dict[str, Any]]) -> Iterator[Knob]:
    text = path.read_text()
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as wrong:
        raise Failed(f"{path} is no YAML: {wrong}") from wrong
    comments = _comments(text)
    for variable, default in values.items():
        if variable.startswith("_") or variable in DECIDED or not _is_knob(default):
            continue
        option = options.get(variable, {})
        about = comments.get(variable) or option.get("description") or ""
        yield Knob(
            variable=variable,
            home=home,
            about=" ".join(about) if isinstance(about, list) else str(about),
            default=default,
            type=_type(option.get("type"), default),
            choices=tuple(option.get("choices", ())),
        )


def _is_knob(default: Any) -> bool:
    """A secret is generated, and a structure of structures is the project's own wiring."""
    if isinstance(default, dict):
        return all(_is_scalar(value) for value in default.values())
    if isinstance(default, list):
        return all(_is_scalar(value) for value in default)
    return "cloud_secrets" not in str(default)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _type(declared: str | None, default: Any) -> str:
    if declared in ("bool", "int", "float", "list", "dict"):
        return declared
    return "str" if declared else TYPES.get(type(default), "str")


def _comments(text: str) -> dict[str, str]:
    """The comment block right above each variable; one with a gap below belongs to none."""
    comments, block = {}, []
    for line in text.splitlines():
        match = ASSIGNMENT.match(line)
        if line.startswith("#"):
            block.append(line.lstrip("#").strip())
            continue
        if match and block:
            comments[match[1]] = "\n".join(block)
        block = []
    return comments


def _options(role: Path) -> dict[str, dict[str, Any]]:
    """What the role's argument specs say of its variables, over all its entry points."""
    path = role / "meta" / "argument_specs.yml"
    if not path.exists():
        return {}
    specs = (yaml.safe_load(path.read_text()) or {}).get("argument_specs", {})
    options: dict[str, dict[str, Any]] = {}
    for entry in specs.values():
        options.update(entry.get("options") or {})
    return options
