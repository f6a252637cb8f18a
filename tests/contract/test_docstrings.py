"""What the kernel offers says what it is: callers do not read how it is done."""

import ast
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[2] / "services/cairn/common"


def says_by_its_facts(node):
    """Of a failure, code and message are what there is to say."""
    return isinstance(node, ast.ClassDef) and any(
        isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        and line.targets[0].id == "message" for line in node.body)


@pytest.mark.parametrize("path", sorted(KERNEL.glob("*.py")), ids=lambda path: path.stem)
def test_what_is_public_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert path.stem == "__init__" or ast.get_docstring(tree)
    silent = [node.name for node in tree.body
              if isinstance(node, ast.FunctionDef | ast.ClassDef)
              and not node.name.startswith("_")
              and not ast.get_docstring(node) and not says_by_its_facts(node)]
    assert silent == []
