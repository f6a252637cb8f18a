"""A release's libraries have no docstrings, and are else what they were."""

import importlib.util
import subprocess
import sys

import pytest

from cairn.common.bytecode import compile_all

MODULE = '''"""Of a module."""

def bare():
    """Of a function."""


class Thing:
    """Of a class."""
    text = """No docstring."""

    async def fails(self):
        """Of a method."""
        assert False, "it is asserted"
'''


@pytest.fixture
def compiled(tmp_path):
    for name in ("library", "cairn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(MODULE)
    (tmp_path / "library" / "template.py").write_text("{{ not }} python\n")
    (tmp_path / "library" / "strange.py").write_bytes(b"# coding: none-such\n")
    compile_all(tmp_path)
    return tmp_path


def said(folder, script):
    # -B: what was compiled is not compiled again beside.
    return subprocess.run([sys.executable, "-B", "-c", script], cwd=folder, check=True,
                          capture_output=True, text=True).stdout.split("\n")[:-1]


def test_a_library_has_no_docstrings(compiled):
    names = "print(*(each.__doc__ for each in (m, m.bare, m.Thing, m.Thing.fails)), sep='\\n')"
    assert said(compiled, f"import library as m; {names}") == ["-"] * 4
    assert said(compiled, f"import cairn as m; {names}") == [
        "Of a module.", "Of a function.", "Of a class.", "Of a method."]


def test_its_texts_and_assertions_stay(compiled):
    assert said(compiled, """
import asyncio, library, traceback
print(library.Thing.text)
try:
    asyncio.run(library.Thing().fails())
except AssertionError as error:
    print(error, traceback.extract_tb(error.__traceback__)[-1].lineno)
""") == ["No docstring.", "it is asserted 13"]


def test_it_is_found_where_imports_look_for_it(compiled):
    source = compiled / "library" / "__init__.py"
    cached = importlib.util.cache_from_source(str(source))
    assert (compiled / cached).exists()
    # A source that changes is compiled again, as ever.
    source.write_text('"""Another, of another length."""\n')
    assert said(compiled, "import library; print(library.__doc__)") == [
        "Another, of another length."]


def test_what_is_no_python_is_left_alone(compiled):
    folder = compiled / "library" / "__pycache__"
    assert [path.name.partition(".")[0] for path in folder.iterdir()] == ["__init__"]
