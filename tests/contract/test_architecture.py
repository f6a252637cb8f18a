"""Rooms keep to themselves: a component imports itself and common, nothing else of ours."""

import ast
from pathlib import Path

import pytest

import cairn
from cairn.common.manage import COMPONENTS

ROOT = Path(cairn.__file__).parent
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)
# The same inside of every component: a room may be missing, it is never renamed.
FILES = {"__init__.py", "component.py", "settings.py", "policy.py", "errors.py", "rpc.py", "app.py",
         "cli.py", "processes.py"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rooms(path):
    return {name.split(".")[1] for name in imports(path)
            if name.startswith("cairn.") and name.count(".")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_component_imports_itself_and_the_kernel(path):
    mine = path.relative_to(ROOT).parts[0]
    assert rooms(path) <= {mine, "common"}


def test_a_planted_import_would_be_found(tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text("from cairn.keystone.core import users\nimport cairn.nova.rpc\n")
    assert rooms(planted) == {"keystone", "nova"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_the_same_inside(component):
    folder = ROOT / component
    files = {p.name for p in folder.glob("*.py")}
    assert {"__init__.py", "component.py", "settings.py", "policy.py", "errors.py", "app.py",
            "processes.py"} <= files
    assert files - FILES <= {"fakes.py"}
    assert (folder / "api").is_dir() and (folder / "db" / "models.py").exists()
