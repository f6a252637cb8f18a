"""Inside a component, too, rooms know what is below them, and nothing knows itself around."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cairn
from cairn.common.manage import COMPONENTS

ROOT = Path(cairn.__file__).parent
# What a room may know of the component's other rooms; a process's, all that is below. The files
# beside the rooms (component, errors, rpc, settings) are for everybody.
BELOW = {"db": set(), "neighbours": set(), "core": {"db", "neighbours"}, "drivers": {"core"}}
PROCESS = {"core", "db", "drivers", "neighbours"}
# Those that have still to be sorted. Whoever is done takes the name away.
UNSORTED = {"glance", "keystone"}
# What puts processes together.
DOORS = {"app.py", "cli.py", "processes.py"}


def modules(component):
    return sorted((ROOT / component).rglob("*.py"))


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Modules it imports when it is itself imported, as names."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room_of(path, component):
    inside = path.relative_to(ROOT / component).parts
    return inside[0] if len(inside) > 1 else ""


def wrong(component):
    """Imports that go up, or to the side, as (module, imported)."""
    rooms = {p.name for p in (ROOT / component).iterdir() if (p / "__init__.py").exists()}
    for path in modules(component):
        mine = room_of(path, component)
        if not mine:
            continue
        for name in imports(path):
            parts = name.split(".")
            there = parts[2] if parts[:2] == ["cairn", component] and len(parts) > 2 else ""
            if there in rooms - {mine} - BELOW.get(mine, PROCESS):
                yield name_of(path), name


def circle(component):
    """Modules that import one another when they are imported; empty when none do."""
    paths = {name_of(path): path for path in modules(component)}
    graph = {name: {n for n in imports(path) if n in paths and n != name}
             for name, path in paths.items()}
    # A package stands for what its own file imports; its modules import it by being imported.
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def hidden(component):
    """Modules that hide an import from those who run them."""
    return [name_of(path) for path in modules(component) if "TYPE_CHECKING" in path.read_text()]


@pytest.mark.parametrize("component", sorted(set(COMPONENTS) - UNSORTED))
def test_rooms_know_what_is_below_them(component):
    assert list(wrong(component)) == []


@pytest.mark.parametrize("component", sorted(set(COMPONENTS) - UNSORTED))
def test_nothing_is_imported_in_circles_nor_in_hiding(component):
    assert (circle(component), hidden(component)) == ([], [])


@pytest.mark.parametrize("component", sorted(UNSORTED))
def test_who_is_sorted_is_named_so(component):
    still = list(wrong(component)) or circle(component) or hidden(component)
    assert still, f"{component} is sorted: take its name out of UNSORTED"


def test_planted_imports_would_be_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path / "cairn")
    for name, text in {
        "core/__init__.py": "", "agent/__init__.py": "", "drivers/__init__.py": "",
        "core/a.py": "from cairn.toy.agent import loop\nfrom cairn.toy.core import b\n",
        "core/b.py": "import cairn.toy.core.a\nif TYPE_CHECKING: ...\n",
        "drivers/d.py": "from cairn.toy.agent.loop import Loop\n",
        "agent/loop.py": "from cairn.toy.drivers import d\nfrom cairn.toy.core import b\n",
    }.items():
        path = tmp_path / "cairn" / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert {module for module, _ in wrong("toy")} == {"cairn.toy.core.a", "cairn.toy.drivers.d"}
    assert circle("toy") and hidden("toy") == ["cairn.toy.core.b"]
