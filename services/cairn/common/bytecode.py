"""python -m cairn.common.bytecode FOLDER: compile what a release has installed, libraries without
their docstrings.

Nobody reads those where a cloud runs, and each process had all of them in memory: three to four MiB
(`-OO` would take assertions away as well). A docstring becomes a dash and not nothing, for some
libraries assert that theirs are there. Ours stay: they are the help of our commands.
"""

import ast
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

# Ours; and pycparser's are its grammar.
DOCUMENTED = ("cairn", "pycparser")
DASH = "-"
_HAVE_ONE = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Bare(SourceFileLoader):
    """Compiles modules without docstrings, and leaves their bytecode where imports look for it."""

    def source_to_code(  # type: ignore[override]
        self, data: Any, path: Any, **options: Any
    ) -> CodeType:
        """The module's code, with a dash for each docstring. Raises SyntaxError."""
        tree = ast.parse(data, path)
        for node in ast.walk(tree):
            if isinstance(node, _HAVE_ONE) and ast.get_docstring(node, clean=False) is not None:
                first = node.body[0]
                assert isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                first.value.value = DASH
        return super().source_to_code(tree, path, **options)


def compile_file(path: Path, kind: type[SourceFileLoader]) -> None:
    """Leave its bytecode beside it."""
    # What is no Python of this version has no bytecode.
    with suppress(SyntaxError, ValueError):
        kind(path.stem, str(path)).get_code(path.stem)


def compile_all(folder: Path) -> None:
    """Every module below the folder, which has the packages in it."""
    sys.dont_write_bytecode = False
    paths = sorted(folder.rglob("*.py"))
    kinds = [SourceFileLoader if path.relative_to(folder).parts[0] in DOCUMENTED else Bare
             for path in paths]
    with ProcessPoolExecutor() as pool:
        list(pool.map(compile_file, paths, kinds, chunksize=32))


if __name__ == "__main__":
    compile_all(Path(sys.argv[1]))
