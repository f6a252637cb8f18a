"""What others call says what it is: they do not read how it is done. Functions of the kernel and of
each component's core; endpoints, whose sentence is their summary in docs/api."""

import ast
from pathlib import Path

import pytest

from cairn.common.declared import declarations
from cairn.common.manage import COMPONENTS

SERVICES = Path(__file__).parents[2] / "services/cairn"
OFFERED = [path for room in ("common", *(f"{component}/core" for component in COMPONENTS))
           for path in sorted((SERVICES / room).rglob("*.py"))]


def says_by_its_facts(node):
    """Of a failure, code and message are what there is to say."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id == "message" for line in node.body)


@pytest.mark.parametrize("path", OFFERED, ids=lambda path: str(path.relative_to(SERVICES)))
def test_what_is_public_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert path.stem == "__init__" or ast.get_docstring(tree)
    silent = [node.name for node in tree.body
              if isinstance(node, ast.FunctionDef | ast.ClassDef)
              and not node.name.startswith("_")
              and not ast.get_docstring(node) and not says_by_its_facts(node)]
    assert silent == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_endpoints_say_what_they_do(component):
    silent = {f"{declared.endpoint.method} {declared.path}" for declared in declarations(component)
              if not declared.endpoint.func.__doc__}
    assert silent == set()
